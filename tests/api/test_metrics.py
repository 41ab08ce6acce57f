"""GET /metrics: valid for Prometheus, and only for this machine or an administrator."""

from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.infra import counters
from app.infra.probe import Probe
from app.services import figures
from app.services.runs import drive
from tests.api.conftest import GOOD, problem

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def nothing_counted(settings):
    """No counts of earlier tests in this process."""
    counters._counted.clear()


def samples(client) -> dict[tuple, float]:
    """Each sample by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def test_open_and_finished_runs_are_counted(client, anonymous):
    client.post("/api/v1/pipelines", json=GOOD)
    for _ in range(2):
        client.post("/api/v1/runs", json={"pipeline_id": "greet", "input": {"n": 1}})
    drive.advance_run()
    counters.flush()

    found = samples(anonymous)

    assert found["flowmason_runs", "pending", "team"] == 1
    assert found["flowmason_queue_depth",] == 1
    assert found["flowmason_runs_finished_total", "completed"] == 1
    assert found["flowmason_stage_duration_seconds_count", "json_transform"] == 1
    assert found["flowmason_event_lag_seconds_count",] >= 1


def test_counts_of_several_flushes_add_up(settings):
    counters.add("x", 2)
    counters.flush()
    counters.add("x")
    counters.flush()

    assert counters.read() == {"x": 3}


def test_database_that_never_answers_is_unavailable(anonymous, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(figures, "_database", Probe(answered.wait))

    problem(anonymous.get("/metrics"), 503, "unavailable")

    answered.set()


def test_stranger_needs_the_scope_admin(anonymous, with_key, new_key):
    problem(anonymous.get("/metrics", environ_base=ELSEWHERE), 401, "unauthenticated")
    reader = with_key(new_key("runs:read"))
    problem(reader.get("/metrics", environ_base=ELSEWHERE), 403, "forbidden")
    assert with_key(new_key()).get("/metrics", environ_base=ELSEWHERE).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        (0, None, 200),
        (0, "203.0.113.9", 401),  # a proxy on this machine that nobody declared
        (1, "203.0.113.9", 401),
        (1, "127.0.0.1, 203.0.113.9", 401),
        (1, "127.0.0.1", 200),
        (1, "nonsense", 401),
        (1, "[::1]:4711", 200),
        (2, "127.0.0.1", 401),
    ],
)
def test_who_is_on_this_machine_is_judged_behind_trusted_proxies(
    changed_app, proxies, forwarded, status
):
    client = changed_app(trusted_proxies=proxies).test_client()
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    assert client.get("/metrics", headers=headers).status_code == status
