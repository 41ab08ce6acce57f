from __future__ import annotations

from dataclasses import replace

import pytest

import config
from app.core.errors import LeaseLost
from app.models import Run, RunEvent, Snapshot, StageRun
from app.services.runs import control, drive, recover
from app.services.runs.events import STAGE_ENDS
from app.services.runs.journal import Journal
from tests.services.runs.conftest import transform
from tests.services.runs.test_waiting import LONG_AGO, flaky  # noqa: F401


def captured(run_id: str) -> list[Snapshot]:
    """The snapshots as they are stored, in order."""
    return list(Snapshot.select().where(Snapshot.run == run_id).order_by(Snapshot.seq))


def expected(run_id: str) -> list[tuple[int, str | None]]:
    """Number and stage run of the snapshots that the events of a run ask for."""
    ends = (
        RunEvent.select(RunEvent.stage_run_id)
        .where(RunEvent.run == run_id, RunEvent.type.in_(STAGE_ENDS))
        .order_by(RunEvent.seq)
    )
    return [*enumerate([None, *(id for (id,) in ends.tuples())])]


def is_whole(run_id: str) -> bool:
    """Whether there is a snapshot of the start and behind each end of a stage, in that order."""
    return [(one.seq, one.stage_run_id) for one in captured(run_id)] == expected(run_id)


def setter(stage_id: str, value: object, **changes: object) -> dict:
    return {
        "id": stage_id,
        "component_type": "variable_set",
        "config": {"name": "v", "value": value, **changes},
    }


def loop(count: int, *body: dict, **changes: object) -> list[dict]:
    names = [stage["id"] for stage in body]
    config = {"items": list(range(count)), "loop_stages": names, **changes}
    return [{"id": "each", "component_type": "foreach", "config": config}, *body]


def test_start_and_end_of_each_stage_are_captured_in_order(run):
    done = run(transform("a"), transform("b", "{{ upstream.a.result }}"), transform("c", 2))

    found = captured(done["id"])
    assert len(found) == 4
    assert is_whole(done["id"])
    assert found[0].id[4:] == done["id"][4:]
    assert [one.id[4:] for one in found[1:]] == [one.stage_run_id[4:] for one in found[1:]]


def test_snapshot_holds_what_its_stage_wrote_and_nothing_else(run):
    done = run(transform("a"), *loop(2, setter("s", "{{ item }}"), setter("t", 9, scope="loop")))

    names = {row.id: row.stage_id for row in StageRun.select()}
    found = [(names.get(one.stage_run_id), one.variables) for one in captured(done["id"])]
    assert found == [
        (None, None),
        ("a", None),
        ("s", [["v", False, 0]]),
        ("t", [["v", True, 9]]),
        ("s", [["v", False, 1]]),
        ("t", [["v", True, 9]]),
        ("each", [["v", False, 1]]),
    ]


def test_failed_and_skipped_stages_are_captured_too(run):
    done = run(
        transform("a", "{{ input.none }}", on_error="continue"),
        transform("b", 1, when="false"),
        transform("c", "{{ input.none }}", depends_on=["a"]),
        transform("d", 1, depends_on=["c"]),
    )

    assert done["status"] == "failed"
    assert len(captured(done["id"])) == 4  # d was never decided upon
    assert is_whole(done["id"])


def test_snapshots_of_many_stages_at_once_are_captured(run):
    done = run(*loop(150, transform("t", "{{ item }}")))

    assert len(captured(done["id"])) == 152
    assert is_whole(done["id"])


def test_nothing_is_captured_when_switched_off(settings, run):
    config.use(replace(settings, snapshots="off"))

    done = run(transform("a"))

    assert done["status"] == "completed"
    assert captured(done["id"]) == []


@pytest.fixture
def interrupted(flaky, deploy, start, monkeypatch):  # noqa: F811
    """Starts three calls in a row, whose worker is gone behind the first; gives the run, pending
    again."""

    def interrupted() -> str:
        call = {"component_type": "flaky", "config": {"failures": 0}}
        chain = [("a", []), ("b", ["a"]), ("c", ["b"])]
        run_id = start(deploy(*({"id": id, "depends_on": needs, **call} for id, needs in chain)))
        write, writes = Journal.flush, iter([True, True, False])

        def flush(self):
            if not next(writes):
                raise LeaseLost(run_id)
            write(self)

        with monkeypatch.context() as patched:
            patched.setattr(Journal, "flush", flush)
            drive.advance_run()
        Run.update(lease_until=LONG_AGO).execute()
        recover.sweep()
        return run_id

    return interrupted


def test_next_worker_goes_on_counting(interrupted):
    run_id = interrupted()
    assert is_whole(run_id)
    before = len(captured(run_id))

    drive.advance_run()

    assert Run.get_by_id(run_id).status == "completed"
    assert is_whole(run_id)
    assert (before, len(captured(run_id))) == (2, 4)


def test_run_that_began_without_snapshots_gets_none_later(settings, interrupted):
    config.use(replace(settings, snapshots="off"))
    run_id = interrupted()
    config.use(settings)

    drive.advance_run()

    assert Run.get_by_id(run_id).status == "completed"
    assert captured(run_id) == []


def test_run_that_never_started_has_none(who, deploy, start):
    run_id = start(deploy(transform("a")))
    control.stop(who, run_id)

    assert captured(run_id) == []
