"""Runs that wait for other runs, with real worker processes killed and stopped under them."""

from __future__ import annotations

import signal
import threading

from app.models import Run
from app.services.pipelines.documents import create_pipeline
from tests.conftest import wait_until
from tests.crash.conftest import chain, ended, event_numbers, event_types


def deploy_inner(who, world, length: int) -> str:
    create_pipeline(who, {"name": "inner", "stages": chain(world, length)})
    return "inner"


def around(inner: str) -> list[dict]:
    """A loop, in it a retry, in it a trycatch, in it the child; then a stage of its own."""
    return [
        {
            "id": "each",
            "component_type": "foreach",
            "config": {"items": [1, 2], "loop_stages": ["again"], "parallel": True},
        },
        {"id": "again", "component_type": "retry", "config": {"task": ["tc"]}},
        {"id": "tc", "component_type": "trycatch", "config": {"try_stages": ["child"]}},
        {"id": "child", "component_type": "subpipeline", "config": {"pipeline_id": inner}},
        {
            "id": "end",
            "component_type": "json_transform",
            "config": {"data": "{{ upstream.each.results | length }}"},
        },
    ]


def test_worker_killed_under_parent_and_children_loses_and_repeats_nothing(
    workers, world, start, who
):
    first = workers.start()
    second_stage = threading.Event()
    world.on_request = lambda key: key.endswith("/s1") and second_stage.wait(30)
    [run_id] = start(around(deploy_inner(who, world, 3)))
    wait_until(lambda: len(world.seen) == 4)  # both children are in their second stage

    workers.kill(first)
    second_stage.set()
    workers.start()

    family = [run_id, *(run.id for run in Run.select().where(Run.parent_run_id == run_id))]
    runs = {run.id: run for run in ended(family)}
    assert len(family) == 3
    assert {run.status for run in runs.values()} == {"completed"}
    for id in family:
        assert event_numbers(id) == list(range(1, runs[id].event_seq + 1))
        assert event_types(id).count("run_completed") == 1
    assert {key.rpartition("/")[2]: n for key, n in world.counts.items()} == {
        "s0": 1,
        "s1": 2,
        "s2": 1,
    }


def test_deploy_under_parent_and_children_hands_all_of_them_back(workers, world, start, who):
    first = workers.start()
    world.open.clear()
    [run_id] = start(around(deploy_inner(who, world, 1)))
    wait_until(lambda: len(world.seen) == 2)

    workers.signal(first, signal.SIGTERM)
    first.wait(20)
    workers.running.remove(first)
    handed_back = {run.status for run in Run.select()}
    world.open.set()
    workers.start()

    assert handed_back == {"pending"}
    assert ended([run_id])[0].status == "completed"
    assert Run.select().where(Run.recoveries > 0).count() == 0


def test_one_thread_of_one_process_suffices_for_any_depth(workers, world, start, who):
    name = deploy_inner(who, world, 1)
    for level in range(9):
        stage = {"id": "s", "component_type": "subpipeline", "config": {"pipeline_id": name}}
        name = f"level-{level}"
        create_pipeline(who, {"name": name, "stages": [stage]})
    stage = {"id": "s", "component_type": "subpipeline", "config": {"pipeline_id": name}}
    world.open.clear()
    run_ids = start([stage], times=3)
    worker = workers.start(threads=1)
    wait_until(lambda: world.seen)
    workers.kill(worker)
    world.open.set()

    workers.start(threads=1)

    assert {run.status for run in ended(run_ids)} == {"completed"}
    assert Run.select().where(Run.status != "completed").count() == 0
