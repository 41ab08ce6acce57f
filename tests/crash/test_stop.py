"""Runs that are stopped while real worker processes are busy with them, or die under them."""

from __future__ import annotations

import threading

from app.core.states import StageStatus
from app.infra.database import release
from app.models import Run, StageRun
from app.services.pipelines.documents import create_pipeline
from app.services.runs import control
from tests.conftest import wait_until
from tests.crash.conftest import chain, ended, event_numbers, event_types, loop

FINAL = {"run_completed", "run_failed", "run_cancelled"}


def nested(who, world, levels: int) -> list[dict]:
    """A stage that runs a pipeline that runs a pipeline... the lowest calls the outside world."""
    create_pipeline(who, {"name": "level-0", "stages": chain(world, 2)})
    for level in range(1, levels):
        create_pipeline(who, {"name": f"level-{level}", "stages": [awaiting(level - 1)]})
    return [awaiting(levels - 1)]


def awaiting(level: int) -> dict:
    config = {"pipeline_id": f"level-{level}"}
    return {"id": "s", "component_type": "subpipeline", "config": config}


def all_are_cancelled(stopped: list[str]) -> list[Run]:
    """These runs, and whatever was below them, ended as cancelled and said so once, at last."""
    ended(stopped)
    runs = ended([run.id for run in Run.select(Run.id)])
    assert {run.status for run in runs} == {"cancelled"}
    for run in runs:
        types = event_types(run.id)
        assert event_numbers(run.id) == list(range(1, run.event_seq + 1))
        assert [type for type in types if type in FINAL] == types[-1:] == ["run_cancelled"]
    open_ones = (StageStatus.RUNNING, StageStatus.PENDING)
    assert StageRun.select().where(StageRun.status.in_(open_ones)).count() == 0
    return runs


def test_loop_with_calls_under_way_is_stopped(workers, world, start, who):
    workers.start()
    world.open.clear()
    each, *rest = loop(world, 100)
    each["config"] |= {"parallel": True, "max_parallel": 30}
    [run_id] = start([each, *rest])
    wait_until(lambda: len(world.seen) > 5)

    control.stop(who, run_id)

    all_are_cancelled([run_id])
    assert len(world.counts) < 100


def test_five_levels_spread_over_two_workers_are_stopped(workers, world, start, who):
    first = workers.start()
    world.open.clear()
    run_ids = start(nested(who, world, 5), times=2)
    wait_until(lambda: len(world.seen) >= 2)
    workers.kill(first)
    for _ in range(2):  # either takes some of the levels, each for itself
        workers.start()
    wait_until(lambda: len(world.seen) >= 4, 30)

    for run_id in run_ids:
        control.stop(who, run_id)

    assert len(all_are_cancelled(run_ids)) == 12


def test_runs_whose_worker_dies_before_while_and_after_they_are_stopped_end(
    workers, world, start, who
):
    first = workers.start()
    world.open.clear()
    before, meanwhile, after = start(nested(who, world, 2), times=3)
    wait_until(lambda: len(world.seen) >= 3)
    workers.start()

    def stop_meanwhile():
        control.stop(who, meanwhile)
        release()

    control.stop(who, before)
    stopping = threading.Thread(target=stop_meanwhile)
    stopping.start()
    workers.kill(first)
    control.stop(who, after)
    stopping.join()

    assert len(all_are_cancelled([before, meanwhile, after])) == 9
