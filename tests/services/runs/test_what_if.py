"""What-if: only what a change can reach executes, and nothing leaves a dry run (contract 05)."""

from __future__ import annotations

import pytest

from app.core import wire
from app.core.errors import IllegalMove, InvalidInput, InvalidPipeline, NotFound, ValidationFailed
from app.models import AuditEntry, Run
from app.services.runs.comparing import get_what_if
from app.services.runs.start import Idempotency
from app.services.runs.what_if import start_what_if
from tests.services.runs.conftest import row, seen, transform
from tests.services.runs.forks import (
    executed,
    history,
    last_snapshot,
    replay,
    snapshot_of,
    what_if,
)
from tests.services.runs.test_replay import Told, component, owner, told  # noqa: F401

TWO = (
    transform("a", "{{ input.n }}"),
    transform("b", "{{ input.m }}"),
    transform("c", "{{ upstream.a.result + 1 }}", depends_on=["a"]),
)


def wired(result: dict) -> dict:
    """As a caller reads it."""
    return wire.read(wire.dumps(result))


def names(run_id: str) -> list[str]:
    """The stages that a run executed, in order."""
    return [stage_id for stage_id, _, _ in executed(run_id)]


def outputs(who, result: dict) -> dict[str, dict]:
    """What each stage of the what-if gave."""
    return {s["stage_id"]: s["output"] for s in seen(who, result["what_if_run_id"])["stages"]}


@pytest.fixture
def done(run):
    """A run that has ended, and what it is called."""
    return run(*TWO, input={"n": 1, "m": 5})


def test_only_what_the_change_reaches_executes(done, who):
    before = history(done["id"])

    result = wired(what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}}))

    assert result["status"] == "completed"
    assert names(result["what_if_run_id"]) == ["a", "c"]
    assert {s["stage_id"]: (s["executed"], s["changed"]) for s in result["stages"]} == {
        "a": (True, True),
        "b": (False, False),
        "c": (True, True),
    }
    assert history(done["id"]) == before


def test_result_compares_the_two_runs(done, who):
    snapshot = last_snapshot(done["id"])

    result = wired(what_if(who, done["id"], snapshot, {"input": {"n": 2}}))

    assert (result["run_id"], result["snapshot_id"], result["dry_run"]) == (
        done["id"],
        snapshot,
        True,
    )
    assert result["changes"] == {"input": {"n": 2}}
    assert result["outputs_identical"] is False
    assert result["differences"] == [{"path": "/c/result", "old": 2, "new": 3}]
    assert result["original"]["output"] == done["output"]
    assert result["original"]["duration_ms"] == done["duration_ms"]
    assert result["what_if"]["output"]["c"]["result"] == 3
    assert result["what_if"]["error"] is None
    (a,) = (s for s in result["stages"] if s["stage_id"] == "a")
    assert (a["iteration_path"], a["round"]) == ([], 0)
    assert (a["original"]["output"]["result"], a["what_if"]["output"]["result"]) == (1, 2)
    assert a["what_if"]["status"] == "completed"


def test_change_to_the_same_value_changes_nothing(done, who):
    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 1}})

    assert result["outputs_identical"] is True
    assert result["differences"] == []
    assert names(result["what_if_run_id"]) == []


def test_what_was_not_finished_at_the_snapshot_executes(done, who):
    result = what_if(who, done["id"], snapshot_of(done["id"], "b"), {"input": {"m": 6}})

    assert names(result["what_if_run_id"]) == ["b", "c"]


def test_given_output_replaces_the_stage_and_reaches_those_behind_it(done, who):
    changes = {"stage_outputs": {"a": {"result": 10, "more": True}}}

    result = wired(what_if(who, done["id"], last_snapshot(done["id"]), changes))

    assert names(result["what_if_run_id"]) == ["c"]
    assert result["what_if"]["output"]["c"]["result"] == 11
    (a,) = (s for s in result["stages"] if s["stage_id"] == "a")
    assert (a["executed"], a["changed"]) == (False, True)


def test_config_is_merged_and_its_stage_executes(run, who):
    done = run(transform("a", {"x": 1, "y": {"z": 2}}), transform("b"))
    changes = {"stage_config": {"a": {"data": {"y": {"w": 3}}}}}

    result = what_if(who, done["id"], last_snapshot(done["id"]), changes)

    assert names(result["what_if_run_id"]) == ["a"]
    assert outputs(who, result)["a"]["result"] == {"x": 1, "y": {"z": 2, "w": 3}}


def test_variables_are_changed_behind_those_who_set_them(run, who):
    done = run(
        owner("set", "variable_set", name="v", value=1),
        transform("b", "{{ vars.v }}", depends_on=["set"]),
        transform("c"),
    )

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"vars": {"v": 9}})

    assert names(result["what_if_run_id"]) == ["b"]
    assert outputs(who, result)["b"]["result"] == 9


def test_iterations_are_reused_when_the_inputs_of_their_owner_are_equal(run, who):
    done = run(
        owner("each", "foreach", items=[1, 2], loop_stages=["a", "b"]),
        told("a", value="{{ context.item }}"),
        told("b", "a", value="{{ upstream.a.value + input.n }}"),
        input={"n": 1},
    )
    Told.done.clear()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 5}}, dry_run=False)

    assert executed(result["what_if_run_id"]) == [("b", "0", 0), ("b", "1", 0), ("each", "", 0)]
    assert Told.done == {"b": 2}
    assert [s["iteration_path"] for s in result["stages"] if s["stage_id"] == "b"] == [[0], [1]]


EFFECTS = (
    told("a", value="{{ input.n }}"),
    told("b", "a", value="{{ upstream.a.value }}", when="input.n < 3"),
    told("c", "a", value="{{ upstream.a.value }}", when="input.n > 3"),
)


def test_dry_run_gives_what_was_recorded_and_skips_the_rest(run, who):
    done = run(*EFFECTS, input={"n": 1})
    Told.done.clear()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 5}})

    fork = seen(who, result["what_if_run_id"])
    assert [(s["status"], s["skip_reason"], s["reused"]) for s in fork["stages"]] == [
        ("completed", None, True),
        ("skipped", "when", False),
        ("skipped", "dry_run", False),
    ]
    assert Told.done == {}


def test_effect_that_was_recorded_later_is_given_too(run, who):
    done = run(*EFFECTS, input={"n": 1})
    Told.done.clear()

    result = what_if(who, done["id"], snapshot_of(done["id"]), {"input": {"n": 2}})

    assert [s["executed"] for s in result["stages"]] == [False, False, False]
    assert Told.done == {}


def test_live_stage_of_a_dry_run_executes(run, who):
    done = run(*EFFECTS, input={"n": 1})
    Told.done.clear()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}}, live=["b"])

    assert names(result["what_if_run_id"]) == ["b"]
    assert Told.done == {"b": 1}


def test_run_that_is_not_dry_executes_all_that_is_reached(run, who):
    done = run(*EFFECTS, input={"n": 1})
    Told.done.clear()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}}, dry_run=False)

    assert result["dry_run"] is False
    assert Told.done == {"a": 1, "b": 1}


def test_nothing_is_compared_before_the_end(done, who):
    started = start_what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    result = wired(get_what_if(who, done["id"], started.run["id"]))

    assert result["status"] == "pending"
    assert (result["outputs_identical"], result["stages"], result["differences"]) == (None, [], [])
    assert result["original"]["output"] == done["output"]
    assert result["what_if"] == {
        "output": None,
        "duration_ms": None,
        "usage": result["original"]["usage"],
        "error": None,
    }


def test_what_if_that_fails_tells_why(run, who):
    done = run(transform("a", "{{ 10 / input.n }}"), input={"n": 1})

    result = wired(what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 0}}))

    assert result["status"] == "failed"
    assert result["what_if"]["error"]["stage_id"] == "a"
    assert result["outputs_identical"] is False


def test_failed_run_can_be_asked_what_if(run, who):
    failed = run(transform("a", "{{ 10 / input.n }}"), input={"n": 0})

    result = wired(what_if(who, failed["id"], last_snapshot(failed["id"]), {"input": {"n": 2}}))

    assert result["status"] == "completed"
    assert result["differences"][0]["path"] == ""
    assert result["stages"][0]["original"]["status"] == "failed"


def test_what_if_is_told_to_the_audit_log(done, who):
    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    (entry,) = AuditEntry.select().where(AuditEntry.action == "run.what_if")
    assert entry.resource_id == result["what_if_run_id"]
    assert seen(who, entry.resource_id)["trigger"] == {"type": "what_if", "id": done["id"]}


def test_repeated_request_finds_its_run(done, who):
    key = Idempotency("k", "POST /what-if", "d")
    arguments = (who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    first = start_what_if(*arguments, idempotency=key)
    second = start_what_if(*arguments, idempotency=key)

    assert first.run["id"] == second.run["id"]
    assert second.replayed


@pytest.mark.parametrize(
    ("changes", "live", "pointer"),
    [
        ({"stage_outputs": {"x": 1}}, [], "/changes/stage_outputs/x"),
        ({"stage_config": {"x": {}}}, [], "/changes/stage_config/x"),
        ({"stage_config": {"a": {"wrong": 1}}}, [], "/changes/stage_config/a/wrong"),
        ({"input": {"n": "x"}}, [], "/input/n"),
        ({"input": {}}, ["a", "x"], "/live/1"),
        ({"stage_outputs": {"set": 5}}, [], "/changes/stage_outputs/set"),
        ({"stage_outputs": {"set": {"name": 5}}}, [], "/changes/stage_outputs/set/name"),
        (
            {"stage_outputs": {"if": {"branch_taken": "up"}}},
            [],
            "/changes/stage_outputs/if/branch_taken",
        ),
    ],
)
def test_change_that_does_not_fit_is_told_at_its_place(run, who, changes, live, pointer):
    done = run(
        transform("a"),
        owner("set", "variable_set", name="v", value=1),
        owner("if", "conditional", condition=True, true_branch_stages=["a"]),
        input={"n": 1},
        input_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
    )

    with pytest.raises(ValidationFailed) as refused:
        start_what_if(who, done["id"], last_snapshot(done["id"]), changes, live=live)

    assert pointer in refused.value.errors
    is_pipeline = isinstance(refused.value, InvalidPipeline)
    assert is_pipeline == pointer.startswith("/changes/stage_config/a")
    assert isinstance(refused.value, InvalidInput) == pointer.startswith("/input")


def test_other_organisation_finds_nothing(done, who, stranger):
    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    with pytest.raises(NotFound):
        start_what_if(stranger, done["id"], last_snapshot(done["id"]), {"input": {}})
    with pytest.raises(NotFound):
        get_what_if(stranger, done["id"], result["what_if_run_id"])


def test_run_that_goes_on_cannot_be_asked(done, who):
    Run.update(status="running").where(Run.id == done["id"]).execute()

    with pytest.raises(IllegalMove):
        start_what_if(who, done["id"], last_snapshot(done["id"]), {"input": {}})


def test_result_is_only_of_a_what_if_of_this_run(run, done, who):
    other = run(*TWO, input={"n": 1, "m": 5})
    asked = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})
    again = replay(who, done["id"], last_snapshot(done["id"]))

    for source, fork in ((other["id"], asked["what_if_run_id"]), (done["id"], again)):
        with pytest.raises(NotFound):
            get_what_if(who, source, fork)


def test_what_if_of_a_what_if_starts_from_what_that_became(done, who):
    first = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})
    fork = first["what_if_run_id"]

    second = what_if(who, fork, last_snapshot(fork), {"input": {"m": 6}})

    assert names(second["what_if_run_id"]) == ["b"]
    assert wired(second)["differences"] == [{"path": "/b/result", "old": 5, "new": 6}]
    assert row(second["what_if_run_id"]).input == {"n": 2, "m": 6}


def test_stage_that_left_its_loop_is_compared_with_what_it_was(run, who):
    done = run(
        owner("each", "foreach", items="{{ range(300) }}", loop_stages=["a", "b"]),
        transform("a", 1),
        transform("b", 2),
        transform("end", 3, depends_on=["each"]),
    )
    changes = {"stage_config": {"each": {"loop_stages": ["a"]}}}

    result = what_if(who, done["id"], last_snapshot(done["id"]), changes)

    sides = {
        (s["stage_id"], tuple(s["iteration_path"])): (bool(s["original"]), bool(s["what_if"]))
        for s in result["stages"]
    }
    assert sides["end", ()] == (True, True)
    assert sides["b", ()] == (False, True)
    assert len(sides) <= 3 + 200


def test_comparison_is_bounded_and_finds_what_moved(run, who):
    done = run(
        owner("each", "foreach", items="{{ range(input.n) }}", loop_stages=["a"]),
        transform("a", "{{ context.item }}"),
        input={"n": 3},
    )

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    gone = [s for s in result["stages"] if s["what_if"] is None]
    assert [(s["stage_id"], s["iteration_path"], s["changed"]) for s in gone] == [("a", [2], True)]
