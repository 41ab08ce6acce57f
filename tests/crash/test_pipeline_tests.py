"""Pipeline tests survive what happens to processes and to Redis: each test is judged once."""

from __future__ import annotations

import redis

from app.core import wire
from app.models import Run, TestRun
from app.services.pipelines.documents import create_pipeline
from app.services.runs.testing.asking import run_tests
from app.services.runs.testing.reading import get_test_results
from tests.conftest import wait_until
from tests.crash.conftest import post
from tests.services.runs.testing.conftest import suite_of

TESTS = 12


def asked(who, world, **rest) -> str:
    """A suite whose tests call the world; gives the test run's id."""
    create_pipeline(who, {"name": "calls", "stages": [post("call", world.url)]})
    tests = [{"live": ["call"]} for _ in range(TESTS)]
    return run_tests(who, pipeline_id="calls", suite=suite_of(*tests), **rest).test_id


def results(who, test_id: str, seconds: float = 60) -> dict:
    """The results, once there are some."""

    def ended():
        return TestRun.get_by_id(test_id).status not in ("pending", "running")

    wait_until(ended, seconds)
    return wire.read(wire.dumps(get_test_results(who, test_id)))


def all_passed(who, test_id: str) -> None:
    """Every test passed, and each was one run."""
    told = results(who, test_id)
    assert told["summary"]["passed"] == TESTS, told
    assert Run.select().count() == TESTS


def test_killed_in_the_middle_every_test_is_judged_all_the_same(workers, world, who):
    worker, courier = workers.start(), workers.start(queue="housekeeping")
    world.open.clear()
    test_id = asked(who, world)
    wait_until(lambda: len(world.seen) >= 4)

    workers.kill(worker)
    workers.kill(courier)
    world.open.set()
    workers.start()
    workers.start(queue="housekeeping")

    all_passed(who, test_id)


def test_killed_between_tests_that_run_one_after_another_the_rest_follows(workers, world, who):
    courier = workers.start(queue="housekeeping")
    worker = workers.start()
    test_id = asked(who, world, fail_fast=True)
    wait_until(lambda: len(world.seen) >= 3)

    workers.kill(courier)
    workers.kill(worker)
    workers.start(queue="housekeeping")
    workers.start()

    all_passed(who, test_id)


def test_emptied_redis_loses_no_test(workers, world, who, settings):
    workers.start()
    workers.start(queue="housekeeping")
    world.open.clear()
    test_id = asked(who, world)
    wait_until(lambda: len(world.seen) >= 2)

    redis.Redis.from_url(settings.redis_url).flushdb()
    world.open.set()

    all_passed(who, test_id)
