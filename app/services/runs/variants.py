"""How a run differs from the version that it is of: `runs.document` (contract 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import Any

from app.components import built_in
from app.core import wire
from app.core.errors import InvalidPipeline
from app.core.wire import JSON
from app.engine.document import read_document
from app.engine.planner import Plan, plan_document
from app.engine.validation import validate_document
from app.models.pipelines import PipelineVersion
from app.services.pipelines.documents import plan_of

_PLANS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Variant:
    """What a replay, a what-if, a test or a patch changes. Stages are named by their ids.

    `document` replaces that of the version; `overrides` are deep-merged into its stages.
    `reached`: what a what-if executes, null for all that is not taken over from the source run.
    `outputs` are given in place of executing those stages. `is_dry`: no effect leaves the house,
    except by the stages named `live`. `mocks` (contract 05, Tests) make a run of a test, which
    ends after `timeout_ms`. `changes` are those of a what-if as they were asked for.
    """

    document: Mapping[str, JSON] | None = None
    overrides: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    reached: tuple[str, ...] | None = None
    outputs: Mapping[str, JSON] = field(default_factory=dict)
    is_dry: bool = False
    live: tuple[str, ...] = ()
    mocks: Mapping[str, JSON] | None = None
    timeout_ms: int | None = None
    changes: Mapping[str, JSON] | None = None

    def members(self) -> dict[str, JSON]:
        """What `runs.document` holds: that in which it differs from the version itself."""
        plain = asdict(Variant())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def text(self) -> str:
        """The same as JSON."""
        return wire.dumps(self.members())


def read_variant(text: str | None) -> Variant:
    """The variant that a run's row holds; the version itself when it holds none."""
    if text is None:
        return Variant()
    members: dict[str, Any] = wire.read(text)
    for name in ("reached", "live"):
        if name in members:
            members[name] = tuple(members[name])
    return Variant(
        **{item.name: members[item.name] for item in fields(Variant) if item.name in members}
    )


def plan_of_run(version_id: str, document: str | None) -> Plan:
    """The plan of what a run executes: its version, changed as its `document` says.

    Raises InvalidPipeline when that names what is no longer there, or the changes do not fit.
    """
    variant = read_variant(document)
    if variant.document is None and not variant.overrides:
        return plan_of(version_id)
    # Kept by what the plan depends on: the rest may be large, and another each time.
    changed = Variant(document=variant.document, overrides=variant.overrides)
    return _changed_plan(version_id, changed.text())


@lru_cache(maxsize=_PLANS_KEPT)
def _changed_plan(version_id: str, text: str) -> Plan:
    variant = read_variant(text)
    document = variant_document(version_id, variant)
    problems = validate_document(document, built_in())
    if problems:
        raise InvalidPipeline(problems)
    return plan_document(read_document(document), built_in())


def variant_document(version_id: str, variant: Variant) -> dict[str, Any]:
    """The whole document that a variant executes."""
    base = variant.document or PipelineVersion.get_by_id(version_id).document
    stages = [merged(stage, variant.overrides.get(stage["id"], {})) for stage in base["stages"]]
    return {**base, "stages": stages}


def merged(value: Any, changes: Any) -> Any:
    """`value` with `changes`: objects merged member by member, anything else replaced."""
    if not (isinstance(value, dict) and isinstance(changes, Mapping)):
        return changes
    return {**value, **{name: merged(value.get(name), change) for name, change in changes.items()}}
