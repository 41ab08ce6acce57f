"""Forks, with a real worker process killed under them."""

from __future__ import annotations

import threading

from app.models import Snapshot, StageRun
from app.services.runs.replay import start_replay
from tests.conftest import wait_until
from tests.crash.conftest import chain, ended, event_numbers, event_types


def snapshot_behind(run_id: str, stage_id: str) -> str:
    stage = StageRun.get(StageRun.run == run_id, StageRun.stage_id == stage_id)
    return Snapshot.get(Snapshot.stage_run_id == stage.id).id


def test_worker_killed_under_a_replay_loses_and_repeats_nothing(workers, world, start, who):
    first = workers.start()
    [source] = start(chain(world, 6))
    ended([source])
    fifth_stage = threading.Event()
    world.on_request = lambda key: key.endswith("/s4") and fifth_stage.wait(30)
    fork = start_replay(who, source, snapshot_behind(source, "s2")).run["id"]
    wait_until(lambda: f"{fork}/s4" in world.seen)

    workers.kill(first)
    fifth_stage.set()
    workers.start()

    [run] = ended([fork])
    assert run.status == "completed"
    assert event_numbers(fork) == list(range(1, run.event_seq + 1))
    assert event_types(fork).count("run_completed") == 1
    times = {key: n for key, n in world.counts.items() if key.startswith(fork)}
    assert times == {f"{fork}/s3": 1, f"{fork}/s4": 2, f"{fork}/s5": 1}
    taken = StageRun.select().where(StageRun.run == fork, StageRun.reused)
    assert sorted(stage.stage_id for stage in taken) == ["s0", "s1", "s2"]
