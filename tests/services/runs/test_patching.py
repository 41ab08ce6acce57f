"""Hot patches: what a paused run does from here on is changed, what it did is not."""

from __future__ import annotations

import pytest

from app.core import wire
from app.core.errors import (
    Conflict,
    Forbidden,
    IllegalMove,
    InvalidPipeline,
    NotFound,
    ValidationFailed,
)
from app.core.principal import Principal
from app.models import AuditEntry, Run, StageRun
from app.services.pipelines.documents import get_pipeline
from app.services.pipelines.updating import update_pipeline
from app.services.runs import claim, control, drive, patching, timetravel
from app.services.runs.patching import Patch, patch_paused, patch_run
from tests.services.runs.conftest import seen, transform
from tests.services.runs.forks import history, last_snapshot, replay, what_if
from tests.services.runs.test_control import chain, loop, lose_lease

A, B, C = chain("a", "b", "c")
READS = {**C, "config": {"data": "{{ upstream.b.result }}"}}


def config(stage_id: str, **members: object) -> Patch:
    return Patch(stage_config={stage_id: members})


@pytest.fixture
def paused(who, deploy, start):
    """Deploys, starts and drives a run until it stands before a stage; gives its id."""

    def paused(*stages: dict, before: str = "b", **members: object) -> str:
        run_id = start(deploy(*stages, **members), breakpoints=[before])
        drive.advance_run()
        assert control.run_control(who, run_id)["paused_before"] == before
        return run_id

    return paused


def finished(who, run_id: str) -> dict:
    """The run, resumed to its end."""
    control.clear_breakpoint(who, run_id)
    control.resume(who, run_id)
    drive.advance_run()
    return seen(who, run_id)


def results(run: dict) -> dict:
    return {s["stage_id"]: s["output"] and s["output"]["result"] for s in run["stages"]}


# One run


def test_changed_config_holds_from_there_on(who, paused):
    run_id = paused(A, B, READS)
    before = history(run_id)[1:]

    told = patch_run(who, run_id, config("b", data=7))

    assert (told["status"], told["paused_before"]) == ("paused", "b")
    assert history(run_id)[1:] == before  # stage runs, events, snapshots
    run = finished(who, run_id)
    assert run["status"] == "completed"
    assert results(run) == {"a": 1, "b": 7, "c": 7}


def test_given_output_stands_for_the_execution(who, paused):
    run_id = paused(A, B, READS)

    patch_run(who, run_id, Patch(stage_outputs={"b": {"result": "given"}}))

    run = finished(who, run_id)
    assert results(run) == {"a": 1, "b": "given", "c": "given"}
    assert {s["stage_id"]: s["reused"] for s in run["stages"]} == {
        "a": False,
        "b": True,
        "c": False,
    }


def test_later_patch_adds_to_the_earlier_one(who, paused):
    run_id = paused(A, B, READS)

    patch_run(who, run_id, config("b", data=7))
    patch_run(who, run_id, Patch(stage_outputs={"c": {"result": "given"}}))
    patch_run(who, run_id, config("b", data=8))

    assert results(finished(who, run_id)) == {"a": 1, "b": 8, "c": "given"}


def test_patched_run_survives_its_worker(who, paused):
    run_id = paused(A, B, READS)
    patch_run(who, run_id, Patch({"c": {"data": [1]}}, {"b": {"result": "given"}}))
    control.step(who, run_id)
    drive.advance_run()
    control.resume(who, run_id)
    assert claim.claim() is not None  # and its worker dies
    lose_lease()

    drive.advance_run()

    assert results(seen(who, run_id)) == {"a": 1, "b": "given", "c": [1]}


def test_stage_of_a_body_that_has_not_begun_is_changed_for_all_iterations(who, paused):
    run_id = paused(*loop(2), before="each")

    patch_run(who, run_id, config("in", data="{{ item * 10 }}"))

    run = finished(who, run_id)
    rows = StageRun.select().where(StageRun.run == run_id, StageRun.stage_id == "in")
    assert sorted(row.output["result"] for row in rows) == [0, 10]
    assert run["status"] == "completed"


def test_stage_that_has_begun_in_some_iteration_is_refused(who, paused):
    run_id = paused(*loop(2), before="out")

    with pytest.raises(ValidationFailed) as refused:
        patch_run(who, run_id, Patch({"in": {"data": 1}}, {"each": {"results": []}}))
    assert refused.value.errors.keys() == {"/stage_config/in"}
    patch_run(who, run_id, config("out", data="late"))
    assert finished(who, run_id)["status"] == "completed"


def test_replay_and_states_of_a_patched_run_know_of_it(who, paused):
    run_id = paused(A, B, READS)
    patch_run(who, run_id, Patch({"c": {"data": "{{ upstream.a.result }}"}}, {"b": {"result": 9}}))
    finished(who, run_id)

    ids = [entry["id"] for entry in timetravel.get_timeline(who, run_id)["entries"]]
    state = wire.read(wire.dumps(timetravel.get_snapshot(who, run_id, ids[-1])))
    fork = replay(who, run_id, ids[1])

    assert state["stage_input"] == {"data": 1}
    # The config is the run's document; what was given was of that execution alone.
    assert results(seen(who, fork)) == {"a": 1, "b": 1, "c": 1}


def test_patch_that_names_what_is_not_there_changes_nothing(who, paused):
    run_id = paused(A, B, C)
    before = history(run_id)

    for patch, pointer in (
        (config("nowhere", data=1), "/stage_config/nowhere"),
        (Patch(stage_outputs={"nowhere": 1}), "/stage_outputs/nowhere"),
        (config("a", data=1), "/stage_config/a"),
        (Patch(stage_outputs={"a": 1}), "/stage_outputs/a"),
        (config("b", data="{{ upstream.c.result }}"), "/stage_config/b/data"),
        (config("b", data="{{ nothing( }}"), "/stage_config/b/data"),
    ):
        with pytest.raises(ValidationFailed) as refused:
            patch_run(who, run_id, patch)
        assert [*refused.value.errors] == [pointer] or isinstance(refused.value, InvalidPipeline)

    assert history(run_id) == before


def test_patch_must_not_change_what_begun_stages_stand_on(who, paused):
    # `r` reads the variable; were `b` to write it, `r` would have had to wait.
    set_it = {"id": "b", "component_type": "variable_set", "config": {"name": "w", "value": 1}}
    run_id = paused(
        {**set_it, "depends_on": ["z"]},
        transform("r", "{{ vars.v | default(0) }}"),
        transform("z"),
    )

    with pytest.raises(ValidationFailed) as refused:
        patch_run(who, run_id, config("b", name="v"))

    assert [*refused.value.errors] == ["/stage_config"]
    assert finished(who, run_id)["status"] == "completed"


def test_only_paused_runs_are_patched(who, deploy, start, paused):
    done = paused(A, B)
    finished(who, done)
    pending = start(deploy(A, B))

    for run_id, status in ((done, "completed"), (pending, "pending")):
        with pytest.raises(IllegalMove, match=f"this one is {status}"):
            patch_run(who, run_id, config("b", data=1))


def test_fork_is_refused_with_advice(who, paused):
    run_id = paused(A, B)
    finished(who, run_id)
    fork = what_if(who, run_id, last_snapshot(run_id), {"input": {"n": 1}})["what_if_run_id"]
    Run.update(status="paused").where(Run.id == fork).execute()

    with pytest.raises(IllegalMove, match="start it again"):
        patch_run(who, fork, config("b", data=1))


def test_patch_is_audited_without_its_values(who, paused):
    run_id = paused(A, B)

    patch_run(who, run_id, config("b", data="a secret"))

    entry = AuditEntry.get(AuditEntry.action == "run.patch")
    assert (entry.resource_id, entry.details) == (run_id, {"stages": ["b"]})


def test_other_organisation_finds_nothing(who, stranger, paused):
    run_id = paused(A, B)

    with pytest.raises(NotFound):
        patch_run(stranger, run_id, config("b", data=1))
    with pytest.raises(NotFound):
        patch_paused(stranger, Run.get_by_id(run_id).pipeline_id, "b", config("b", data=1))


# Many


@pytest.fixture
def many(who, deploy, start):
    """A pipeline, and runs of it that stand before `b`."""
    name = deploy(A, B, READS)

    def stand(count: int, before: str = "b") -> list[str]:
        ids = [start(name, breakpoints=[before]) for _ in range(count)]
        for _ in ids:
            drive.advance_run()
        return ids

    return name, stand


def test_one_patch_is_applied_to_all_that_stand_there(who, many):
    name, stand = many
    here, elsewhere = stand(3), stand(1, before="c")

    told = patch_paused(who, name, "b", config("c", data="patched"))

    assert told == {
        "version": "1.0.0",
        "saved_version": None,
        "patched": here,
        "refused": [],
        "next": None,
    }
    for run_id in here:
        assert results(finished(who, run_id))["c"] == "patched"
    assert results(finished(who, elsewhere[0]))["c"] == 1


def test_run_that_cannot_be_patched_is_told_and_the_rest_is(who, many, monkeypatch):
    name, stand = many
    first, second = stand(2)
    StageRun.update(stage_id="c").where(StageRun.run == first).execute()

    told = patch_paused(who, name, "b", config("c", data=2))

    assert told["patched"] == [second]
    (refused,) = told["refused"]
    assert refused == {"run_id": first, "message": "'c' has begun in this run."}


def test_patch_can_become_the_next_version(who, many, start):
    name, stand = many
    stand(1)

    told = patch_paused(who, name, "b", config("b", data=5), save_version=True)

    assert (told["version"], told["saved_version"]) == ("1.0.0", "1.0.1")
    assert get_pipeline(who, name).body["stages"][1]["config"] == {"data": 5}
    run_id = start(name)
    drive.advance_run()
    assert results(seen(who, run_id))["b"] == 5


def test_version_that_is_not_the_newest_is_not_saved_over(who, many):
    name, stand = many
    (run_id,) = stand(1)
    update_pipeline(who, name, {"description": "newer"})

    with pytest.raises(Conflict, match="not the newest"):
        patch_paused(who, f"{name}@1.0.0", "b", config("b", data=5), save_version=True)
    assert Run.get_by_id(run_id).document is None
    assert patch_paused(who, f"{name}@1.0.0", "b", config("b", data=5))["patched"] == [run_id]
    assert patch_paused(who, name, "b", config("b", data=5))["patched"] == []


def test_saving_needs_its_scope_and_a_config(who, many):
    name, _ = many
    runner = Principal(who.org_id, frozenset({"runs:write"}), who.auth_type)

    with pytest.raises(Forbidden):
        patch_paused(runner, name, "b", config("b", data=5), save_version=True)
    with pytest.raises(ValidationFailed) as refused:
        patch_paused(who, name, "b", Patch(stage_outputs={"b": 1}), save_version=True)
    assert [*refused.value.errors] == ["/save_version"]


def test_patch_that_does_not_fit_the_version_touches_no_run(who, many):
    name, stand = many
    (run_id,) = stand(1)

    good = config("b", data=1)
    for stage_id, patch, after, pointer in (
        ("b", config("nowhere", data=1), None, "/stage_config/nowhere"),
        ("nowhere", good, None, "/paused_before/nowhere"),
        ("b", good, "\0", "/after"),
    ):
        with pytest.raises(ValidationFailed) as refused:
            patch_paused(who, name, stage_id, patch, after=after)
        assert [*refused.value.errors] == [pointer]
    assert Run.get_by_id(run_id).document is None


def test_more_than_one_request_patches_are_done_by_further_ones(who, many, monkeypatch):
    name, stand = many
    monkeypatch.setattr(patching, "MOST_AT_ONCE", 2)
    here = stand(3)

    first = patch_paused(who, name, "b", config("b", data=5))
    second = patch_paused(who, name, "b", config("b", data=5), after=first["next"])

    assert (first["patched"], first["next"]) == (here[:2], here[1])
    assert (second["patched"], second["next"]) == (here[2:], None)
