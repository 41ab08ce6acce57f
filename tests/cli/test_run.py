"""`fm run`: a run is started, watched, and told by its exit code."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from app.cli.runs import following
from tests.cli.scripted import RUN_ID, completed, ended, stage, started


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Asks a Studio that is away more often than a person's patience needs."""
    monkeypatch.setattr(following, "_AWAY_PAUSE_SECONDS", 0.02)


def later(*deeds, seconds=0.3):
    """Does these things one after the other, each after a while, beside the test."""

    def work():
        for deed in deeds:
            time.sleep(seconds)
            deed()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_completed_run_prints_its_output_and_tells_each_event(cli, scripted):
    scripted.tell(started("a", "b"), stage("started", "a"), completed("a"))
    scripted.tell(stage("skipped", "b", reason="when"), ended("completed"))

    done = cli("run", "greet", "--watch")

    assert (done.exit_code, done.stdout) == (0, '{\n  "text": "hello"\n}\n')
    assert done.stderr.splitlines() == [
        f"Run {RUN_ID} is accepted.",
        "    1  greet 1.0.0 started",
        "    2  a started",
        "    3  a completed in 5 ms",
        "    4  b skipped: when",
        "    5  completed in 12 ms",
    ]


def test_json_is_an_object_with_the_result(cli, scripted):
    scripted.tell(started("a"), ended("completed"))

    done = cli("run", "greet", "--watch", "--json")

    assert json.loads(done.stdout) == {
        "run_id": RUN_ID,
        "pipeline_id": "pl-01jz0000000000000000000000",
        "pipeline_name": "greet",
        "pipeline_version": "1.0.0",
        "status": "completed",
        "result": {"text": "hello"},
        "error": None,
        "duration_ms": 12,
    }


def test_failed_run_exits_1_with_its_error(cli, scripted):
    scripted.error = {"type": "TIMEOUT", "message": "too\nslow", "stage_id": "a"}
    scripted.tell(started("a"), stage("failed", "a", error=scripted.error), ended("failed"))

    done = cli("run", "greet", "--watch")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "    2  a failed: TIMEOUT: too slow\n" in done.stderr
    assert done.stderr.endswith("The run failed at stage a: TIMEOUT: too slow\n")


def test_cancelled_run_exits_3(cli, scripted):
    scripted.tell(started("a"), ended("cancelled"))

    done = cli("run", "greet", "--watch", "--json")

    assert done.exit_code == 3
    assert json.loads(done.stdout)["status"] == "cancelled"


def test_without_watching_the_id_is_printed(cli, scripted):
    done = cli("run", "greet")

    assert (done.exit_code, done.stdout) == (0, RUN_ID + "\n")
    assert f"fm watch {RUN_ID}" in done.stderr
    assert [method for method, *_ in scripted.asked] == ["POST"]


def test_events_that_come_late_are_told(cli, scripted):
    scripted.tell(started("a"))
    late = later(lambda: scripted.tell(completed("a")), lambda: scripted.tell(ended("completed")))

    done = cli("run", "greet", "--watch")

    late.join()
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stderr.splitlines()[1:]] == ["1", "2", "3"]


def test_studio_is_asked_less_often_the_longer_nothing_happens(cli, scripted):
    scripted.tell(started("a"))

    done = cli("run", "greet", "--timeout", "2")

    asked = sum(path.endswith("/events") for _, path, _ in scripted.asked)
    assert done.exit_code == 4
    assert 4 <= asked <= 12


def test_timeout_exits_4_and_the_run_goes_on(cli, scripted):
    done = cli("run", "greet", "--timeout", "0.2")

    assert done.exit_code == 4
    assert "did not end within 0.2 s" in done.stderr
    assert f"fm watch {RUN_ID}" in done.stderr
    assert {method for method, path, _ in scripted.asked if path != "/api/v1/runs"} == {"GET"}


def test_timeout_without_watching_is_a_wrong_use(cli, scripted):
    assert cli("run", "greet", "--no-watch", "--timeout", "5").exit_code == 2
    assert scripted.asked == []


def test_watching_survives_a_restart_of_studio(cli, scripted):
    scripted.tell(started("a"))
    restart = later(
        scripted.stop, lambda: scripted.tell(completed("a"), ended("completed")), scripted.start
    )

    done = cli("run", "greet", "--watch")

    restart.join()
    assert done.exit_code == 0
    assert "Studio does not answer any more" in done.stderr
    assert [line.split()[0] for line in done.stderr.splitlines()[1:]] == ["1", "Studio", "2", "3"]


def test_studio_that_cannot_serve_for_a_moment_is_asked_again(cli, scripted):
    scripted.tell(started("a"))

    def fall_ill():
        scripted.refuse_with = (503, {"code": "unavailable", "detail": "Later."})

    def recover():
        scripted.refuse_with = None
        scripted.tell(ended("completed"))

    illness = later(fall_ill, recover)
    done = cli("run", "greet", "--watch")

    illness.join()
    assert done.exit_code == 0


def test_studio_that_stays_away_exits_4(cli, scripted, monkeypatch):
    monkeypatch.setattr(following, "_AWAY_SECONDS", 0.3)
    scripted.tell(started("a"))
    gone = later(scripted.stop)

    done = cli("run", "greet", "--watch")

    gone.join()
    assert done.exit_code == 4
    assert "No Studio answers" in done.stderr


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Ctrl-C is heard, also where whoever started the suite has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupt_leaves_the_run_and_says_how_to_look_at_it(cli, scripted, heard_interrupts):
    scripted.tell(started("a"))
    interrupt = later(lambda: os.kill(os.getpid(), signal.SIGINT))

    done = cli("run", "greet", "--watch")

    interrupt.join()
    assert done.exit_code == 130
    assert f"The run goes on. Look at it: fm watch {RUN_ID}" in done.stderr
    assert {method for method, path, _ in scripted.asked if path != "/api/v1/runs"} == {"GET"}


def test_without_a_studio_the_exit_code_is_4(cli):
    assert cli("run", "greet").exit_code == 4
