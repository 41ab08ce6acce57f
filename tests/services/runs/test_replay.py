"""Replay: what was finished at a snapshot is taken over, all else executes (contract 05)."""

from __future__ import annotations

from collections import Counter

import pytest

from app.components import built_in
from app.core import wire
from app.core.errors import (
    IllegalMove,
    InvalidInput,
    InvalidPipeline,
    NotFound,
    StageError,
    ValidationFailed,
)
from app.engine.component import Component, Effect, Field, Kind
from app.infra import counters
from app.models import AuditEntry, Run
from app.services.pipelines.deleting import delete_pipeline
from app.services.runs import control, drive
from app.services.runs.replay import start_replay
from app.services.runs.start import Idempotency
from app.services.runs.what_if import start_what_if
from tests.services.runs.conftest import row, seen, stored_types, tape, transform
from tests.services.runs.forks import (
    executed,
    history,
    last_snapshot,
    replay,
    snapshot_of,
)


class Told(Component):
    """Fails as often as the test says, by stage id; counts what it does."""

    type = "told"
    effect = Effect.EFFECTFUL
    fields = {"value": Field(Kind.ANY)}
    done: Counter[str] = Counter()
    failing: Counter[str] = Counter()

    def run(self, context, inputs):
        self.done[context.stage_id] += 1
        if self.failing[context.stage_id] > 0:
            self.failing[context.stage_id] -= 1
            raise StageError("CONNECTIVITY", "told to fail")
        return {"value": inputs.value}


def told(stage_id: str, *needs: str, value: object = None, **members: object) -> dict:
    config = {"value": value}
    return {
        "id": stage_id,
        "component_type": "told",
        "config": config,
        "depends_on": list(needs),
        **members,
    }


def owner(stage_id: str, kind: str, *needs: str, on_error: str = "fail", **config: object) -> dict:
    return {
        "id": stage_id,
        "component_type": kind,
        "config": config,
        "depends_on": list(needs),
        "on_error": on_error,
    }


@pytest.fixture(autouse=True)
def component(monkeypatch):
    """The component under the test's hand."""
    Told.done, Told.failing = Counter(), Counter()
    monkeypatch.setitem(built_in()._components, "told", Told())
    return Told


def chain(length: int) -> list[dict]:
    first = told("s1", value="{{ input.n }}")
    rest = [
        told(f"s{i}", f"s{i - 1}", value=f"{{{{ upstream.s{i - 1}.value + 1 }}}}")
        for i in range(2, length + 1)
    ]
    return [first, *rest]


def test_failed_run_of_forty_stages_goes_on_where_it_failed(run, who):
    Told.failing["s30"] = 1
    failed = run(*chain(40), input={"n": 1})
    before = history(failed["id"])

    fork = replay(who, failed["id"], snapshot_of(failed["id"], "s29"))

    done = seen(who, fork)
    assert (done["status"], done["output"]) == ("completed", {"value": 40})
    assert [name for name, _, _ in executed(fork)] == [f"s{i}" for i in range(30, 41)]
    assert Told.done["s29"] == 1
    assert Told.done["s30"] == 2
    assert history(failed["id"]) == before


def test_fork_tells_whence_it_comes(run, who):
    done = run(*chain(2), input={"n": 1})
    snapshot = snapshot_of(done["id"], "s1")

    fork = replay(who, done["id"], snapshot)

    told_of = seen(who, fork)
    assert told_of["trigger"] == {"type": "replay", "id": done["id"]}
    assert told_of["forked_from"] == {"run_id": done["id"], "snapshot_id": snapshot}
    assert told_of["pipeline_version"] == done["pipeline_version"]
    (entry,) = AuditEntry.select().where(AuditEntry.action == "run.replay")
    assert entry.resource_id == fork


def test_what_is_taken_over_is_one_event_without_a_start(run, who):
    done = run(*chain(2), input={"n": 1})

    fork = replay(who, done["id"], snapshot_of(done["id"], "s1"))

    assert stored_types(fork) == [
        "run_started",
        "stage_completed",
        "stage_started",
        "stage_completed",
        "run_completed",
    ]
    taken = tape(who, fork)[1]
    assert (taken["reused"], taken["output"], taken["duration_ms"]) == (True, {"value": 1}, 0)


def test_what_is_taken_over_counts_for_no_duration(run, who):
    done = run(*chain(3), input={"n": 1})
    before = counted()

    replay(who, done["id"], snapshot_of(done["id"], "s2"))

    assert counted() - before == 1


def counted() -> int:
    """How many stages were counted with their durations."""
    counters.flush()
    found = counters.read().items()
    return sum(n for name, n in found if name.startswith("stage|told|") and "sum" not in name)


def test_failure_that_failed_the_run_executes_even_behind_its_own_snapshot(run, who):
    Told.failing["s2"] = 1
    failed = run(*chain(3), input={"n": 1})

    fork = replay(who, failed["id"], last_snapshot(failed["id"]))

    assert seen(who, fork)["output"] == {"value": 3}
    assert [name for name, _, _ in executed(fork)] == ["s2", "s3"]


def test_failure_that_was_passed_over_is_taken_over(run, who):
    Told.failing["a"] = 1
    done = run(told("a", on_error="continue"), told("b", "a", value=2))

    fork = replay(who, done["id"], snapshot_of(done["id"], "a"))

    stages = seen(who, fork)["stages"]
    assert [(s["status"], s["reused"]) for s in stages] == [("failed", True), ("completed", False)]
    assert Told.done["a"] == 1


def test_input_replaces_the_whole_input_for_what_executes(run, who):
    done = run(
        transform("a", "{{ input.n }}"),
        transform("b", "{{ input }}", depends_on=["a"]),
        input={"n": 1, "m": 2},
    )

    fork = replay(who, done["id"], snapshot_of(done["id"], "a"), input={"m": 3})

    shown = seen(who, fork)
    assert shown["input"] == {"m": 3}
    assert [s["output"]["result"] for s in shown["stages"]] == [1, {"m": 3}]


def test_overrides_are_merged_into_stages_that_execute(run, who):
    Told.failing["s2"] = 5
    failed = run(*chain(3), input={"n": 1})
    again = {"s2": {"retry": {"max_attempts": 9, "initial_delay_ms": 1, "jitter": False}}}

    fork = replay(who, failed["id"], snapshot_of(failed["id"], "s1"), stage_overrides=again)

    shown = seen(who, fork)
    assert (shown["status"], shown["stages"][1]["attempt"]) == ("completed", 5)
    assert seen(who, replay(who, fork, snapshot_of(fork, "s1")))["output"] == {"value": 3}


def test_fork_of_a_fork_keeps_its_overrides(run, who):
    done = run(*chain(2), input={"n": 1})
    changed = {"s2": {"config": {"value": "changed"}}}
    first = replay(who, done["id"], snapshot_of(done["id"], "s1"), stage_overrides=changed)

    second = replay(who, first, snapshot_of(first, "s1"))

    assert seen(who, second)["output"] == {"value": "changed"}


def test_variables_are_as_they_were(run, who):
    def setter(stage_id: str, value: object, *needs: str) -> dict:
        return owner(stage_id, "variable_set", *needs, name="v", value=value)

    done = run(
        setter("one", 1),
        setter("two", "{{ vars.v + 1 }}", "one"),
        transform("end", "{{ vars.v }}", depends_on=["two"]),
    )

    fork = replay(who, done["id"], snapshot_of(done["id"], "two"))

    assert seen(who, fork)["output"]["result"] == 2
    assert [name for name, _, _ in executed(fork)] == ["end"]


LOOP = (
    owner("each", "foreach", items="{{ input.items }}", loop_stages=["a", "b"]),
    told("a", value="{{ context.item }}"),
    told("b", "a", value="{{ upstream.a.value * 10 }}"),
    told("end", "each", value="{{ upstream.each.results }}"),
)


def test_fork_from_inside_an_iteration_goes_on_within_it(run, who):
    done = run(*LOOP, input={"items": [1, 2, 3]})

    fork = replay(who, done["id"], snapshot_of(done["id"], "a", "1"))

    assert executed(fork) == [
        ("b", "1", 0),
        ("a", "2", 0),
        ("b", "2", 0),
        ("each", "", 0),
        ("end", "", 0),
    ]
    assert seen(who, fork)["output"] == done["output"]


def test_owner_whose_inputs_differ_executes_as_a_whole(run, who):
    done = run(*LOOP, input={"items": [1, 2]})

    fork = replay(who, done["id"], snapshot_of(done["id"], "b", "0"), input={"items": [1, 5]})

    assert seen(who, fork)["output"] == {"value": [{"value": 10}, {"value": 50}]}
    assert [name for name, _, _ in executed(fork)] == ["a", "b", "a", "b", "each", "end"]


def test_iteration_that_failed_the_loop_executes_again_and_no_other(run, who):
    Told.failing["b"] = 1
    failed = run(
        owner("each", "foreach", items=[1, 2], loop_stages=["a", "b"], parallel=True),
        *LOOP[1:],
    )
    assert failed["status"] == "failed"

    fork = replay(who, failed["id"], last_snapshot(failed["id"]))

    assert seen(who, fork)["output"] == {"value": [{"value": 10}, {"value": 20}]}
    assert Counter(name for name, _, _ in executed(fork)) == {"b": 1, "each": 1, "end": 1} | (
        Counter() if Told.done["b"] == 3 else {"b": 2}
    )


def test_iteration_whose_failure_is_a_result_is_taken_over(run, who):
    Told.failing["a"] = 1
    collecting = owner("each", "foreach", items=[1, 2], loop_stages=["a"], break_on_error=False)
    done = run(collecting, told("a", value="{{ context.item }}"))

    fork = replay(who, done["id"], snapshot_of(done["id"], "a", "0"))

    assert seen(who, fork)["output"] == done["output"]
    assert executed(fork) == [("a", "1", 0), ("each", "", 0)]


@pytest.mark.parametrize("no", [False, "no"])
def test_iteration_whose_failure_will_be_a_result_is_taken_over(deploy, start, who, no):
    Told.failing["a"] = 1
    collecting = owner("each", "foreach", items=[1, 2], loop_stages=["a"], break_on_error=no)
    stop = {"stage_id": "a", "condition": "context.index == 1"}
    run_id = start(deploy(collecting, told("a")), breakpoints=[stop])
    drive.advance_run()
    assert row(run_id).status == "paused"

    fork = replay(who, run_id, last_snapshot(run_id))

    assert executed(fork) == [("a", "1", 0), ("each", "", 0)]


AGAIN = (
    owner("again", "retry", task=["t"], max_retries=2, initial_delay=60.0),
    told("t", value="good"),
    told("end", "again", value="{{ upstream.again.attempts }}"),
)


def test_fork_from_inside_a_round_keeps_the_rounds_before(run, who):
    Told.failing["t"] = 1
    done = run(
        owner("again", "retry", task=["t", "u"], max_retries=2, initial_delay=0.01),
        *AGAIN[1:],
        told("u", "t"),
    )

    fork = replay(who, done["id"], snapshot_of(done["id"], "t", "", 1))

    assert executed(fork) == [("u", "", 1), ("again", "", 0), ("end", "", 0)]
    assert seen(who, fork)["status"] == "completed"
    assert Told.done["t"] == 2


def test_round_that_failed_is_not_tried_again_when_another_followed(run, who):
    Told.failing["t"] = 1
    done = run(owner("again", "retry", task=["t"], max_retries=2, initial_delay=0.01), *AGAIN[1:])

    fork = replay(who, done["id"], snapshot_of(done["id"], "t", "", 0))

    assert executed(fork) == [("t", "", 1), ("again", "", 0), ("end", "", 0)]


def test_last_round_that_failed_the_run_executes_again(run, who):
    Told.failing["t"] = 3
    failed = run(owner("again", "retry", task=["t"], max_retries=2, initial_delay=0.01), *AGAIN[1:])
    assert failed["error"]["type"] == "RETRY_EXHAUSTED"

    fork = replay(who, failed["id"], last_snapshot(failed["id"]))

    assert executed(fork) == [("t", "", 2), ("again", "", 0), ("end", "", 0)]
    assert seen(who, fork)["status"] == "completed"


def guarded(**config: object) -> tuple[dict, ...]:
    return (
        owner(
            "safe",
            "trycatch",
            try_stages=["t", "u"],
            catch_stages=["c"],
            finally_stages=["f"],
            **config,
        ),
        told("t"),
        told("u", "t"),
        told("c", value="{{ error.type }}"),
        told("f"),
    )


def test_failure_that_was_caught_is_taken_over(run, who):
    Told.failing["t"] = 1
    done = run(*guarded(error_scope="continue"))

    fork = replay(who, done["id"], snapshot_of(done["id"], "c"))

    assert executed(fork) == [("f", "", 0), ("safe", "", 0)]
    assert seen(who, fork)["output"] == done["output"]


def test_failure_that_was_caught_and_told_on_executes_again_with_all_that_followed(run, who):
    Told.failing["t"] = 1
    failed = run(*guarded())
    assert failed["status"] == "failed"

    fork = replay(who, failed["id"], last_snapshot(failed["id"]))

    shown = seen(who, fork)
    assert shown["status"] == "completed"
    assert executed(fork) == [("t", "", 0), ("u", "", 0), ("f", "", 0), ("safe", "", 0)]


def test_failure_while_catching_executes_again_but_not_what_was_caught(run, who):
    Told.failing["t"] = Told.failing["c"] = 1
    failed = run(*guarded(error_scope="continue"))
    assert failed["status"] == "failed"

    fork = replay(who, failed["id"], last_snapshot(failed["id"]))

    assert executed(fork) == [("c", "", 0), ("f", "", 0), ("safe", "", 0)]
    assert seen(who, fork)["status"] == "completed"


def test_replay_delivers_where_its_source_was_to_and_a_what_if_nowhere(run, who):
    done = run(*chain(2), input={"n": 1})
    Run.update(output_config={"destinations": []}).where(Run.id == done["id"]).execute()
    snapshot = snapshot_of(done["id"], "s1")

    fork = start_replay(who, done["id"], snapshot).run["id"]
    asked = start_what_if(who, done["id"], snapshot, {"input": {}}).run["id"]

    assert row(fork).output_config == {"destinations": []}
    assert row(asked).output_config is None


def test_deleted_pipeline_is_replayed_from_the_record(run, who):
    done = run(*chain(2), input={"n": 1})
    delete_pipeline(who, done["pipeline_id"])

    fork = replay(who, done["id"], snapshot_of(done["id"], "s1"))

    assert seen(who, fork)["output"] == {"value": 2}


@pytest.fixture
def paused(deploy, start) -> str:
    """A run that stands before its second stage."""
    run_id = start(deploy(*chain(3)), {"n": 1}, breakpoints=["s2"])
    drive.advance_run()
    assert row(run_id).status == "paused"
    return run_id


def test_paused_run_can_be_forked_and_stays_where_it_is(paused, who):
    before = history(paused)

    fork = replay(who, paused, last_snapshot(paused))

    assert [name for name, _, _ in executed(fork)] == ["s2", "s3"]
    assert seen(who, fork)["breakpoints"] == []
    assert history(paused) == before


def test_stopped_run_can_be_forked(paused, who):
    control.stop(who, paused)

    fork = replay(who, paused, last_snapshot(paused))

    assert [name for name, _, _ in executed(fork)] == ["s2", "s3"]
    assert seen(who, fork)["output"] == {"value": 3}


@pytest.mark.parametrize("status", ["pending", "running"])
def test_run_that_goes_on_cannot_be_forked(run, who, status):
    done = run(*chain(2), input={"n": 1})
    Run.update(status=status).where(Run.id == done["id"]).execute()

    with pytest.raises(IllegalMove):
        start_replay(who, done["id"], snapshot_of(done["id"], "s1"))


def test_snapshot_of_another_run_is_unknown(run, who):
    one, other = run(*chain(2), input={"n": 1}), run(*chain(2), input={"n": 1})

    with pytest.raises(NotFound):
        start_replay(who, one["id"], snapshot_of(other["id"], "s1"))


def test_other_organisation_finds_nothing(run, who, stranger):
    done = run(*chain(2), input={"n": 1})

    with pytest.raises(NotFound):
        start_replay(stranger, done["id"], snapshot_of(done["id"], "s1"))


@pytest.mark.parametrize(
    ("stage_id", "members", "pointer"),
    [
        ("nope", {}, "/stage_overrides/nope"),
        ("s1", {"when": "true"}, "/stage_overrides/s1"),
        ("s2", {"timeout_ms": "soon"}, "/stage_overrides/s2/timeout_ms"),
        ("s2", {"config": {"wrong": 1}}, "/stage_overrides/s2/config/wrong"),
        ("s2", {"retry": {"max_attempts": 99}}, "/stage_overrides/s2/retry/max_attempts"),
        ("s2", {"when": "1 +"}, "/stage_overrides/s2/when"),
    ],
)
def test_override_that_does_not_fit_is_told_at_its_place(run, who, stage_id, members, pointer):
    done = run(*chain(2), input={"n": 1})
    overrides = {stage_id: members}

    with pytest.raises(ValidationFailed) as refused:
        start_replay(who, done["id"], snapshot_of(done["id"], "s1"), stage_overrides=overrides)

    assert list(refused.value.errors) == [pointer]
    assert isinstance(refused.value, InvalidPipeline) == (len(pointer.split("/")) > 3)


def test_breakpoints_pause_before_what_executes(run, who):
    done = run(*chain(3), input={"n": 1})

    fork = replay(who, done["id"], snapshot_of(done["id"], "s1"), breakpoints=["s1", "s3"])

    paused = row(fork)
    assert (paused.status, paused.paused_before) == ("paused", "s3")
    assert [name for name, _, _ in executed(fork)] == ["s2"]
    control.resume(who, fork)
    drive.advance_run()
    assert seen(who, fork)["output"] == {"value": 3}


def test_replay_paused_before_its_start_takes_over_once_and_behind_it(run, who):
    done = run(*chain(3), input={"n": 1})
    fork = start_replay(who, done["id"], snapshot_of(done["id"], "s1")).run["id"]

    control.pause(who, fork)

    assert (row(fork).paused_before, stored_types(fork)) == ("s2", ["execution_paused"])
    control.resume(who, fork)
    drive.advance_run()
    assert stored_types(fork)[:4] == [
        "execution_paused",
        "run_started",
        "stage_completed",
        "stage_started",
    ]
    assert [name for name, _, _ in executed(fork)] == ["s2", "s3"]
    assert snapshot_of(fork, "s3") == last_snapshot(fork)


def test_replay_of_all_that_was_is_paused_before_its_start_and_ends_behind_it(run, who):
    done = run(*chain(2), input={"n": 1})
    fork = start_replay(who, done["id"], last_snapshot(done["id"])).run["id"]

    told = control.pause(who, fork)

    assert (told["status"], told["paused_before"]) == ("paused", None)
    control.resume(who, fork)
    drive.advance_run()
    assert row(fork).status == "completed"


def test_failure_that_follows_from_what_is_taken_over_is_held_back(deploy, start, who):
    stops = [{"stage_id": "t", "on_error": True}]
    stages = [
        {
            "id": "t",
            "component_type": "trycatch",
            "config": {"try_stages": ["a"], "catch_stages": ["b"]},
        },
        told("a"),
        told("b"),
    ]
    Told.failing["a"] = 1
    stood = start(deploy(*stages), breakpoints=stops)
    drive.advance_run()

    fork = replay(who, stood, last_snapshot(stood), breakpoints=stops)

    assert (row(fork).status, row(fork).paused_before) == ("paused", "t")
    assert executed(fork) == []


def test_unknown_breakpoint_is_told_at_its_place(run, who):
    done = run(*chain(2), input={"n": 1})

    with pytest.raises(ValidationFailed) as refused:
        start_replay(who, done["id"], snapshot_of(done["id"]), breakpoints=["s1", "nope"])

    assert list(refused.value.errors) == ["/breakpoints/1"]


def test_body_stage_may_be_overridden_while_its_loop_goes_on(run, who):
    done = run(*LOOP, input={"items": [1, 2]})
    changed = {"a": {"config": {"value": 7}}}

    inside = snapshot_of(done["id"], "b", "0")
    fork = replay(who, done["id"], inside, stage_overrides=changed)

    assert seen(who, fork)["output"] == {"value": [{"value": 10}, {"value": 70}]}
    with pytest.raises(ValidationFailed):
        start_replay(who, done["id"], snapshot_of(done["id"], "each"), stage_overrides=changed)


def test_input_is_judged_by_the_schema_of_the_document(run, who):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    done = run(*chain(2), input={"n": 1}, input_schema=schema)

    with pytest.raises(InvalidInput) as refused:
        start_replay(who, done["id"], snapshot_of(done["id"]), input={"n": "x"})

    assert list(refused.value.errors) == ["/input/n"]


def test_repeated_request_finds_its_run(run, who):
    done = run(*chain(2), input={"n": 1})
    key, snapshot = Idempotency("k", "POST /replay", "d"), snapshot_of(done["id"], "s1")
    first = start_replay(who, done["id"], snapshot, idempotency=key)
    drive.advance_run()

    second = start_replay(who, done["id"], snapshot, idempotency=key)

    assert (first.replayed, second.replayed) == (False, True)
    assert wire.dumps(second.run) == wire.dumps(first.run)
    assert Run.select().where(Run.trigger_type == "replay").count() == 1


def test_fork_whose_source_is_gone_fails_and_says_so(run, who):
    done = run(*chain(2), input={"n": 1})
    fork = start_replay(who, done["id"], snapshot_of(done["id"], "s1")).run["id"]
    Run.delete().where(Run.id == done["id"]).execute()

    drive.advance_run()

    failed = row(fork)
    assert (failed.status, failed.error["details"]) == ("failed", {"reason": "source_gone"})


def test_pending_fork_whose_source_is_gone_is_ended_by_the_command_to_pause(run, who):
    done = run(*chain(2), input={"n": 1})
    fork = start_replay(who, done["id"], snapshot_of(done["id"], "s1")).run["id"]
    Run.delete().where(Run.id == done["id"]).execute()

    told = control.pause(who, fork)

    assert (told["status"], told["mode"]) == ("failed", "stopped")
    assert row(fork).error["details"] == {"reason": "source_gone"}
