"""Pausing, resuming, stepping and breakpoints, by one thread that is client and worker in turn."""

from __future__ import annotations

import pytest

from app.core.errors import IllegalMove, NotFound, ValidationFailed
from app.infra.database import database, statement
from app.models import Run, StageRun, journal_sql
from app.services.runs import claim, control, drive, driven, read, recover
from tests.conftest import wait_until
from tests.services.runs.conftest import drive_behind, row, seen, stored_types, tape, transform
from tests.services.runs.test_subpipeline import child_of, flaky, sub  # noqa: F401

# ruff: noqa: F811 fixtures are parameters


def chain(*names: str) -> list[dict]:
    """Pure stages, each after the one before."""
    stages = [transform(name) for name in names]
    for stage, before in zip(stages[1:], names, strict=False):
        stage["depends_on"] = [before]
    return stages


def flaky_stage(failures: int = 0, **members: object) -> dict:
    """A stage under the test's hand."""
    return {"id": "a", "component_type": "flaky", "config": {"failures": failures}, **members}


def loop(count: int) -> list[dict]:
    """Stages in a foreach, one after the other: `in` then `out`; after it `end`."""
    config = {"items": list(range(count)), "loop_stages": ["in", "out"]}
    return [
        {"id": "each", "component_type": "foreach", "config": config},
        *chain("in", "out"),
        transform("end", depends_on=["each"]),
    ]


def pauses(who, run_id: str) -> list[tuple]:
    """Where and why it paused, each time."""
    return [
        (event["stage_id"], tuple(event["iteration_path"]), event["reason"])
        for event in tape(who, run_id)
        if event["type"] == "execution_paused"
    ]


def stood(who, run_id: str) -> tuple:
    """Status, and before which stage and iteration it stands."""
    told = control.clear_breakpoint(who, run_id, stage_id="nothing")
    return told["status"], told["paused_before"], told["paused_iteration"]


def let_go(flaky) -> None:
    """Has what is under way finish; by then its worker has been told of commands."""
    claim.note_all()
    flaky.hold.set()


def lose_lease() -> None:
    """What the worker that holds a run leaves when it dies, once its lease is over."""
    ended = "now() - interval '1 s'" if journal_sql.dialect.is_postgres() else "'2000'"
    with statement():
        database.execute_sql(f"UPDATE runs SET lease_until = {ended} WHERE lease_until IS NOT NULL")
    recover.sweep()


# Pause


def test_pending_run_is_paused_at_once_before_its_first_stage(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")))

    told = control.pause(who, run_id)

    assert (told["status"], told["mode"], told["paused_before"]) == ("paused", "paused", "a")
    (event,) = tape(who, run_id)
    assert event["type"] == "execution_paused"
    assert (event["stage_id"], event["reason"], event["error"]) == ("a", "pause", None)
    assert (event["completed_stages"], event["pending_stages"]) == ([], ["a", "b"])
    assert row(run_id).started_at is None


def test_run_paused_before_its_start_begins_when_it_is_resumed(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")))
    control.pause(who, run_id)
    drive.advance_run()  # there is nothing to take

    told = control.resume(who, run_id)
    drive.advance_run()

    assert (told["status"], told["mode"], told["paused_before"]) == ("pending", "running", None)
    assert seen(who, run_id)["status"] == "completed"
    types = stored_types(run_id)
    assert types[:2] == ["execution_paused", "run_started"]
    assert "execution_resumed" not in types


def test_running_run_finishes_what_runs_and_is_paused_then(who, deploy, start, flaky):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage(), transform("b", depends_on=["a"])))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    told = [control.pause(who, run_id) for _ in range(2)]
    let_go(flaky)
    driver.join(30)

    assert [(one["status"], one["mode"]) for one in told] == [("running", "paused")] * 2
    assert stood(who, run_id) == ("paused", "b", [])
    assert pauses(who, run_id) == [("b", (), "pause")]


def test_pause_that_is_taken_back_in_time_never_was(who, deploy, start, flaky):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage(), transform("b", depends_on=["a"])))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    control.pause(who, run_id)
    told = control.resume(who, run_id)
    let_go(flaky)
    driver.join(30)

    assert (told["status"], told["mode"]) == ("running", "running")
    assert seen(who, run_id)["status"] == "completed"
    assert pauses(who, run_id) == []


def test_parked_run_is_paused_at_once_and_its_delay_goes_on(who, deploy, start, flaky):
    retry = {"max_attempts": 2, "initial_delay_ms": 60_000, "max_delay_ms": 60_000}
    run_id = start(deploy(flaky_stage(1, retry=retry), transform("b", depends_on=["a"])))
    drive.advance_run()
    assert row(run_id).wake_at is not None

    told = control.pause(who, run_id)

    assert (told["status"], told["paused_before"]) == ("paused", "a")
    assert (row(run_id).wake_at, row(run_id).lease_until) == (None, None)
    control.resume(who, run_id)
    drive.advance_run()
    assert row(run_id).wake_at == StageRun.get(StageRun.status == "pending").wake_at


def test_crash_between_pause_and_its_effect_loses_nothing(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")))
    assert claim.claim() is not None  # and its worker dies
    control.pause(who, run_id)

    lose_lease()
    drive.advance_run()

    assert stood(who, run_id) == ("paused", "a", [])


def test_resumed_run_is_paused_again_where_it_stood(who, deploy, start):
    run_id = start(deploy(*loop(3)), breakpoints=["out"])
    drive.advance_run()
    control.resume(who, run_id)

    told = control.pause(who, run_id)

    assert (told["status"], told["paused_before"], told["paused_iteration"]) == (
        "paused",
        "out",
        [0],
    )
    first, second = (e for e in tape(who, run_id) if e["type"] == "execution_paused")
    moved = {"seq", "timestamp", "reason"}
    assert {k: v for k, v in first.items() if k not in moved} == {
        k: v for k, v in second.items() if k not in moved
    }
    assert second["reason"] == "pause"


def test_place_that_was_passed_stays_so_through_a_pause_that_is_taken_back(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), breakpoints=["a"])
    drive.advance_run()
    control.resume(who, run_id)
    assert claim.claim() is not None  # and its worker dies

    control.pause(who, run_id)
    control.resume(who, run_id)
    lose_lease()
    drive.advance_run()

    assert pauses(who, run_id) == [("a", (), "breakpoint")]
    assert seen(who, run_id)["status"] == "completed"


# Entry


def test_run_that_stops_on_entry_pauses_before_its_first_stage(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), stop_on_entry=True)

    drive.advance_run()

    assert stood(who, run_id) == ("paused", "a", [])
    assert stored_types(run_id) == ["run_started", "execution_paused"]
    assert pauses(who, run_id) == [("a", (), "entry")]


def test_stop_on_entry_is_taken_back_by_resume(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), stop_on_entry=True)

    told = control.resume(who, run_id)
    drive.advance_run()

    assert (told["status"], told["mode"]) == ("pending", "running")
    assert seen(who, run_id)["status"] == "completed"


# Step


def test_steps_lead_from_stage_to_stage(who, deploy, start):
    run_id = start(deploy(*chain("a", "b", "c")), stop_on_entry=True)
    drive.advance_run()

    for _ in range(3):
        assert control.step(who, run_id)["mode"] == "stepping"
        drive.advance_run()

    assert pauses(who, run_id) == [("a", (), "entry"), ("b", (), "step"), ("c", (), "step")]
    assert seen(who, run_id)["status"] == "completed"
    resumed = [e["reason"] for e in tape(who, run_id) if e["type"] == "execution_resumed"]
    assert resumed == ["step"] * 3


def test_step_of_an_owner_leads_to_its_first_body_stage(who, deploy, start):
    run_id = start(deploy(*loop(2)), stop_on_entry=True)
    drive.advance_run()

    for _ in range(4):
        control.step(who, run_id)
        drive.advance_run()

    assert pauses(who, run_id)[1:] == [
        ("in", (0,), "step"),
        ("out", (0,), "step"),
        ("in", (1,), "step"),
        ("out", (1,), "step"),
    ]


@pytest.mark.parametrize("claimed", [False, True], ids=["pending", "claimed"])
def test_step_is_not_lost_with_its_worker(who, deploy, start, claimed):
    run_id = start(deploy(*chain("a", "b", "c")), stop_on_entry=True)
    drive.advance_run()
    control.step(who, run_id)
    if claimed:
        assert claim.claim() is not None
        lose_lease()

    drive.advance_run()

    assert stood(who, run_id) == ("paused", "b", [])
    resumed = [e["reason"] for e in tape(who, run_id) if e["type"] == "execution_resumed"]
    assert resumed == (["step", "recovery"] if claimed else ["step"])


def test_step_that_is_not_reached_is_taken_back_by_resume(who, deploy, start):
    run_id = start(deploy(*chain("a", "b", "c")), stop_on_entry=True)
    drive.advance_run()
    control.step(who, run_id)

    assert control.resume(who, run_id)["mode"] == "running"
    drive.advance_run()

    assert seen(who, run_id)["status"] == "completed"
    assert [e["reason"] for e in tape(who, run_id) if e["type"] == "execution_resumed"] == [
        "resume"
    ]


# Breakpoints


def test_breakpoint_pauses_in_every_iteration(who, deploy, start):
    run_id = start(deploy(*loop(3)), breakpoints=["out"])

    for _ in range(4):
        drive.advance_run()
        if row(run_id).status == "paused":
            control.resume(who, run_id)

    assert pauses(who, run_id) == [("out", (n,), "breakpoint") for n in range(3)]
    assert seen(who, run_id)["status"] == "completed"


def test_conditional_breakpoint_pauses_where_its_condition_holds(who, deploy, start):
    run_id = start(deploy(*loop(3)))
    control.set_breakpoint(who, run_id, stage_id="out", condition="item == 1")

    drive.advance_run()

    assert stood(who, run_id) == ("paused", "out", [1])


def test_error_breakpoint_holds_the_failure_back(who, deploy, start):
    bad = transform("a", "{{ input.none.no }}")
    run_id = start(deploy(bad, transform("b", depends_on=["a"])))
    control.set_breakpoint(who, run_id, on_error=True)

    drive.advance_run()

    assert stood(who, run_id) == ("paused", "a", [])
    last = tape(who, run_id)[-1]
    assert (last["reason"], last["error"]["type"]) == ("error", "EXPRESSION")
    control.resume(who, run_id)
    drive.advance_run()
    assert seen(who, run_id)["status"] == "failed"
    assert stored_types(run_id)[-3:] == ["execution_resumed", "stage_failed", "run_failed"]


def test_failure_that_is_held_back_survives_pause_and_crash(who, deploy, start, flaky):
    run_id = start(deploy(flaky_stage(1)), breakpoints=[{"on_error": True}])
    drive.advance_run()
    control.resume(who, run_id)
    control.pause(who, run_id)
    assert tape(who, run_id)[-1]["error"] is not None

    control.step(who, run_id)
    assert claim.claim() is not None
    lose_lease()
    drive.advance_run()

    assert seen(who, run_id)["status"] == "failed"
    assert len(flaky.calls) == 1


def test_breakpoint_that_is_set_again_replaces_that_of_its_kind(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), breakpoints=["a"])

    control.set_breakpoint(who, run_id, stage_id="a", condition="true")
    control.set_breakpoint(who, run_id, stage_id="a", on_error=True)
    control.set_breakpoint(who, run_id, on_error=True)
    told = control.set_breakpoint(who, run_id, stage_ids=["b", "a"])

    assert told["breakpoints"] == [
        {"stage_id": "a", "condition": None, "on_error": True},
        {"stage_id": None, "condition": None, "on_error": True},
        {"stage_id": "b", "condition": None, "on_error": False},
        {"stage_id": "a", "condition": None, "on_error": False},
    ]
    assert seen(who, run_id)["breakpoints"] == told["breakpoints"]


def test_cleared_breakpoints_do_not_pause(who, deploy, start):
    run_id = start(deploy(*chain("a", "b", "c")), breakpoints=["a", "b", {"on_error": True}])

    of_one = control.clear_breakpoint(who, run_id, stage_id="a")["breakpoints"]
    of_unknown = control.clear_breakpoint(who, run_id, stage_id="none")["breakpoints"]
    of_all = control.clear_breakpoint(who, run_id)["breakpoints"]
    drive.advance_run()

    assert [one["stage_id"] for one in of_one] == ["b", None]
    assert (of_unknown, of_all) == (of_one, [])
    assert seen(who, run_id)["status"] == "completed"


def test_worker_obeys_a_breakpoint_that_is_set_while_it_works(who, deploy, start, flaky):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage(), transform("b", depends_on=["a"])))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    control.set_breakpoint(who, run_id, stage_id="b")
    let_go(flaky)
    driver.join(30)

    assert stood(who, run_id) == ("paused", "b", [])


WRONG = [
    ({}, "/stage_id"),
    ({"stage_id": "a", "stage_ids": ["b"]}, "/stage_ids"),
    ({"stage_ids": []}, "/stage_ids"),
    ({"stage_id": "none"}, "/stage_id"),
    ({"stage_ids": ["a", "none"]}, "/stage_ids/1"),
    ({"stage_id": "a", "condition": "1 +"}, "/condition"),
    ({"stage_id": "a", "condition": "x" * 10_000}, "/condition"),
    ({"stage_id": "a", "condition": "upstream.none == 1"}, "/condition"),
    ({"stage_id": "a", "condition": "nothing.known"}, "/condition"),
    ({"stage_id": "a", "condition": "true", "on_error": True}, "/condition"),
]


@pytest.mark.parametrize(("fields", "pointer"), WRONG)
def test_wrong_breakpoint_is_refused_at_its_pointer(who, deploy, start, fields, pointer):
    run_id = start(deploy(*chain("a", "b")))

    with pytest.raises(ValidationFailed) as refused:
        control.set_breakpoint(who, run_id, **fields)

    assert list(refused.value.errors) == [pointer]
    assert seen(who, run_id)["breakpoints"] == []


# Children


def under_way(deploy, start, flaky) -> tuple:
    """A run and its child, whose first stage is under way, and the thread that drives both."""
    flaky.hold.clear()
    inner = deploy(flaky_stage(), transform("b", depends_on=["a"]))
    run_id = start(deploy(sub("s", inner), transform("end", depends_on=["s"])))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    return run_id, child_of(run_id).id, driver


def test_child_is_told_to_stop_before_its_parent_has_ended(who, deploy, start, flaky, monkeypatch):
    run_id, child_id, driver = under_way(deploy, start, flaky)
    asked = {}
    settle = driven.settle

    def settle_seeing(lease, *rest):
        asked[lease.run_id] = row(child_id).control
        return settle(lease, *rest)

    monkeypatch.setattr(driven, "settle", settle_seeing)
    control.stop(who, run_id)
    claim.note_all()
    let_go(flaky)
    driver.join(30)

    # Whoever dies behind the parent's end leaves a child that is to stop.
    assert asked[run_id] == "stop"
    assert (row(run_id).status, row(child_id).status) == ("cancelled", "cancelled")


def test_child_that_is_paused_in_place_parks_its_parent(who, deploy, start, flaky):
    run_id, child_id, driver = under_way(deploy, start, flaky)
    control.pause(who, child_id)
    let_go(flaky)
    driver.join(30)

    assert (row(child_id).status, row(run_id).status) == ("paused", "running")
    assert row(run_id).waiting_on == child_id
    control.resume(who, child_id)
    drive.advance_run()
    drive.advance_run()
    assert seen(who, run_id)["status"] == "completed"


def test_pause_takes_effect_when_the_awaited_child_has_ended(who, deploy, start, flaky):
    run_id, child_id, driver = under_way(deploy, start, flaky)
    control.pause(who, child_id)
    let_go(flaky)
    driver.join(30)

    told = control.pause(who, run_id)
    control.resume(who, child_id)
    drive.advance_run()
    drive.advance_run()

    assert (told["status"], told["mode"]) == ("running", "paused")
    assert row(child_id).status == "completed"
    assert stood(who, run_id) == ("paused", "end", [])


# What is not allowed


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_final_run_takes_no_command(who, deploy, start, status):
    run_id = start(deploy(transform("a")))
    if status == "cancelled":
        control.stop(who, run_id)
    else:
        drive.advance_run()

    for command in (control.pause, control.resume, control.step, control.clear_breakpoint):
        with pytest.raises(IllegalMove, match=status):
            command(who, run_id)
    with pytest.raises(IllegalMove, match=status):
        control.set_breakpoint(who, run_id, on_error=True)


def test_command_that_the_state_does_not_allow_is_refused(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")))

    for command in (control.resume, control.step):
        with pytest.raises(IllegalMove, match="pending"):
            command(who, run_id)
    control.pause(who, run_id)
    with pytest.raises(IllegalMove, match="paused"):
        control.pause(who, run_id)


def test_run_that_is_being_stopped_is_neither_paused_nor_resumed(who, deploy, start, flaky):
    flaky.hold.clear()
    run_id = start(deploy(flaky_stage(), transform("b", depends_on=["a"])))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    control.stop(who, run_id)

    for command in (control.pause, control.resume):
        with pytest.raises(IllegalMove, match="being stopped"):
            command(who, run_id)
    told = control.set_breakpoint(who, run_id, stage_id="b")
    let_go(flaky)
    driver.join(30)

    assert told["mode"] == "stopped"
    assert row(run_id).status == "cancelled"


def test_commands_of_another_organisation_find_no_run(who, stranger, deploy, start):
    run_id = start(deploy(transform("a")))

    for command in (
        control.pause,
        control.resume,
        control.step,
        control.stop,
        control.clear_breakpoint,
    ):
        with pytest.raises(NotFound):
            command(stranger, run_id)
    with pytest.raises(NotFound):
        control.set_breakpoint(stranger, run_id, stage_id="a")
    assert Run.get_by_id(run_id).control_seq == 0


def test_paused_run_is_stopped_at_once(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), stop_on_entry=True)
    drive.advance_run()

    told = control.stop(who, run_id)

    assert (told["status"], told["mode"], told["paused_before"]) == ("cancelled", "stopped", None)
    assert row(run_id).paused_before is None


def test_status_names_the_stage_only_while_the_run_is_paused(who, deploy, start):
    run_id = start(deploy(*chain("a", "b")), stop_on_entry=True)
    drive.advance_run()
    paused = read.get_status(who, run_id)
    control.resume(who, run_id)

    assert (paused["status"], paused["paused_before"]) == ("paused", "a")
    assert read.get_status(who, run_id)["paused_before"] is None


def test_command_to_a_pending_run_rings_for_workers_that_passed_over_it_meanwhile(
    who, deploy, start, bells
):
    run_id = start(deploy(*chain("a")))
    rung = bells()

    with pytest.raises(IllegalMove):
        control.step(who, run_id)
    control.set_breakpoint(who, run_id, stage_id="a")

    assert bells() == rung + 2
