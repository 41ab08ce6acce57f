"""Suites carried out in this process: the real services, database and broker, without a worker."""

from __future__ import annotations

import pytest

from app.api.runs.test_schemas import SuiteIn
from app.core import wire
from app.infra import broker
from app.models import Run, TestRun
from app.services.runs import drive, read
from app.services.runs.testing.advancing import advance_test_run
from app.services.runs.testing.asking import run_tests
from app.services.runs.testing.reading import get_test_results, get_test_status
from tests.counting import counting


def suite_of(*tests: dict, name: str = "suite") -> dict:
    """A suite as the API reads it; tests without a name are called t0, t1..."""
    named = [{"name": f"t{n}", **test} for n, test in enumerate(tests)]
    return SuiteIn().load({"name": name, "tests": named})


@pytest.fixture
def ask(who, bells):
    """Takes a suite of these tests; gives the test run's id."""

    def ask(*tests: dict, **asked: object) -> str:
        suite = suite_of(*tests) if tests else None
        return run_tests(who, suite=suite, **asked).test_id

    return ask


def advance_all(test_id: str) -> None:
    """Does the work of all workers until the test run has ended."""
    for _ in range(1000):
        advance_test_run()
        if TestRun.get_by_id(test_id).status not in ("pending", "running"):
            return
        drive.advance_run()
    raise AssertionError("the test run did not end")


@pytest.fixture
def outcome(ask, who):
    """Takes a suite and carries it out; gives its results as a caller reads them."""

    def outcome(*tests: dict, **asked: object) -> dict:
        test_id = ask(*tests, **asked)
        advance_all(test_id)
        return seen(who, test_id)

    return outcome


def seen(who, test_id: str) -> dict:
    """The results from the wire."""
    return wire.read(wire.dumps(get_test_results(who, test_id)))


def status(who, test_id: str) -> dict:
    """Where it stands."""
    return get_test_status(who, test_id)


def runs_of(test_id: str) -> list[Run]:
    """The rows of its runs, in the order of their start."""
    return list(Run.select().where(Run.trigger_id == test_id).order_by(Run.id))


def rung() -> int:
    """How many bells for test runs wait."""
    return broker._broker().count("housekeeping")


def equals(path: str, value: object) -> dict:
    """The assertion used most."""
    return {"path": path, "type": "equals", "value": value}


@pytest.fixture
def world(settings):
    """A server that counts its answers; `count` is how many it gave."""
    with counting() as server:
        yield server


def call(world, stage_id="call", path="/", **changes):
    return {
        "id": stage_id,
        "component_type": "http_request",
        "config": {"url": f"{world.url}{path}"},
        **changes,
    }


@pytest.fixture
def record(start, who):
    """Runs a pipeline for real; gives the run's id."""

    def record(pipeline, input=None, status="completed"):
        run_id = start(pipeline, input)
        drive.advance_run()
        assert read.get_status(who, run_id)["status"] == status
        return run_id

    return record
