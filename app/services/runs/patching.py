"""Hot patches: a paused run goes on otherwise than its document says.

Only stages that have not begun can be changed, so what happened still follows from the document
that the run has then: it is rebuilt, rewound and replayed like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.errors import Conflict, Forbidden, IllegalMove, StudioError, ValidationFailed
from app.core.ids import is_id
from app.core.principal import Principal
from app.core.states import RunStatus, TriggerType
from app.core.wire import JSON
from app.engine.planner import Plan
from app.models import Run, StageRun
from app.services.identity import audit
from app.services.pipelines.documents import find_saved
from app.services.pipelines.updating import update_pipeline
from app.services.runs import overriding
from app.services.runs.control import commanded, run_control
from app.services.runs.forking import bounded_text
from app.services.runs.variants import Variant, plan_of_run, read_variant, variant_document

MOST_AT_ONCE = 1000  #: runs that one request patches

_CONFIG, _OUTPUTS = "/stage_config", "/stage_outputs"
#: What may be patched; the rest takes over or mocks, which is said when it is started.
_PATCHABLE = (
    TriggerType.API,
    TriggerType.WEBHOOK,
    TriggerType.SCHEDULE,
    TriggerType.SUBPIPELINE,
)


@dataclass(frozen=True, slots=True)
class Patch:
    """What is different, by stage id: members merged into the config; outputs that are given
    instead of executing the stage."""

    stage_config: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    stage_outputs: Mapping[str, JSON] = field(default_factory=dict)

    def stages(self) -> list[str]:
        """The ids of the stages that it changes."""
        return sorted({*self.stage_config, *self.stage_outputs})


def patch_run(who: Principal, run_id: str, patch: Patch) -> dict[str, JSON]:
    """Changes stages of a paused run that have not begun; gives its RunControl.

    Raises NotFound; IllegalMove unless the run is paused, and for one that takes over from another
    or is a test; ValidationFailed for a stage that is unknown or has begun, or an output that it
    could not give; InvalidPipeline when the document is then none.
    """
    with commanded(who, run_id) as run:
        _check_run(run)
        held = read_variant(run.document)
        variant = _patched(run.pipeline_version_id, held, patch)
        _check_begun(run, held, variant, patch)
        bounded_text(variant.members(), "")
        Run.update(document=variant.members()).where(Run.id == run.id).execute()
        audit.record(who, "run.patch", run.id, stages=patch.stages())
        return run_control(who, run.id)


def patch_paused(
    who: Principal,
    reference: str,
    stage_id: str,
    patch: Patch,
    *,
    after: str | None = None,
    save_version: bool = False,
) -> dict[str, JSON]:
    """Patches every run of one version that is paused before this stage, the oldest first, up to
    MOST_AT_ONCE of those behind the run `after`.

    `reference` names the version, without one the newest saved; with `save_version` the changed
    configs are first saved as the version after it. Gives `version`, `patched` (ids of runs),
    `refused` (those that could not be, and why), `next` (what to go on `after`, None when all are
    done), and `saved_version` or None.

    Raises NotFound; ValidationFailed and InvalidPipeline, when the patch does not fit the version;
    for `save_version` Forbidden without the scope pipelines:write, and Conflict unless the version
    is the newest one.
    """
    if save_version and not who.may("pipelines:write"):
        raise Forbidden(required_scope="pipelines:write")
    if after is not None and not is_id(after, "run"):
        raise ValidationFailed({"/after": ["This is no id of a run."]})
    saved = find_saved(who, reference)
    variant = _patched(saved.id, Variant(), patch)
    overriding.check_known(plan_of_run(saved.id, None), {stage_id: None}, "/paused_before")
    new_version = _save(who, saved, variant) if save_version else None
    found = _paused_before(who, saved.id, stage_id, after)
    patched, refused = [], []
    for run_id in found[:MOST_AT_ONCE]:
        try:
            patch_run(who, run_id, patch)
        except (IllegalMove, ValidationFailed) as error:
            refused.append({"run_id": run_id, "message": _sentence(error)})
        else:
            patched.append(run_id)
    return {
        "version": saved.version,
        "saved_version": new_version,
        "patched": patched,
        "refused": refused,
        "next": found[MOST_AT_ONCE - 1] if len(found) > MOST_AT_ONCE else None,
    }


def _patched(version_id: str, held: Variant, patch: Patch) -> Variant:
    configs = {stage_id: {"config": config} for stage_id, config in patch.stage_config.items()}
    variant = overriding.overridden(version_id, held, configs, _CONFIG, "/config")
    plan = plan_of_run(version_id, variant.text())
    overriding.check_outputs(plan, patch.stage_outputs, _OUTPUTS)
    return replace(variant, outputs={**held.outputs, **patch.stage_outputs})


def _check_run(run: Any) -> None:
    if run.status != RunStatus.PAUSED:
        raise IllegalMove(f"Only a paused run can be patched; this one is {run.status}.")
    if run.forked_from_run_id is not None or run.trigger_type not in _PATCHABLE:
        raise IllegalMove(
            f"A {run.trigger_type} run cannot be patched: start it again with the change."
        )


def _check_begun(run: Any, held: Variant, variant: Variant, patch: Patch) -> None:
    """Raises ValidationFailed for stages that have begun, and for a change of what those stand
    on."""
    begun = _begun(run.id)
    for told, stage_ids in ((_CONFIG, patch.stage_config), (_OUTPUTS, patch.stage_outputs)):
        overriding.check_stages(stage_ids, told, begun.__contains__, "has begun in this run")
    before = plan_of_run(run.pipeline_version_id, held.text())
    after = plan_of_run(run.pipeline_version_id, variant.text())
    moved = [stage_id for stage_id in begun if _place(before, stage_id) != _place(after, stage_id)]
    if moved:
        sentence = f"This changes what {min(moved)!r} depends on, which has begun in this run."
        raise ValidationFailed({_CONFIG: [sentence]})


def _begun(run_id: str) -> frozenset[str]:
    query: Any = StageRun.select(StageRun.stage_id).where(StageRun.run == run_id).distinct()
    return frozenset(stage_id for (stage_id,) in query.tuples())


def _place(plan: Plan, stage_id: str) -> tuple[Any, ...]:
    """All by which the plan decides when a stage begins and what it sees."""
    planned = plan.stages[stage_id]
    return planned.body, planned.needs, planned.spreading, planned.gates, planned.setters


def _save(who: Principal, saved: Any, variant: Variant) -> str:
    """Saves the changed document as the next version; gives that."""
    if saved.pipeline.current_version_id != saved.id:
        raise Conflict(
            f"{saved.version} is not the newest version: what came after it would be lost."
        )
    if not variant.overrides:
        raise ValidationFailed({"/save_version": ["Only a changed config can be saved."]})
    stages = variant_document(saved.id, variant)["stages"]
    shown = update_pipeline(who, saved.pipeline_id, {"stages": stages}, [saved.pipeline.etag])
    return str(shown.body["version"])


def _paused_before(who: Principal, version_id: str, stage_id: str, after: str | None) -> list[str]:
    query = (
        Run.of(who.org_id, Run.id)
        .where(
            Run.pipeline_version_id == version_id,
            Run.trigger_type.in_(_PATCHABLE),
            Run.status == RunStatus.PAUSED.value,
            Run.paused_before == stage_id,
            Run.id > (after or ""),
        )
        .order_by(Run.id)
        .limit(MOST_AT_ONCE + 1)
    )
    return [run_id for (run_id,) in query.tuples()]


def _sentence(error: StudioError) -> str:
    if isinstance(error, ValidationFailed):
        return " ".join(sentence for told in error.errors.values() for sentence in told)
    return str(error)
