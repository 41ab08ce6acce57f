"""What holds for the events and stage runs of every finished run (contract 03)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.core import clock
from tests.pipelines.notation import place_of

ENDS = {"stage_completed": "completed", "stage_failed": "failed", "stage_skipped": "skipped"}
FINAL = set(ENDS.values()) | {"cancelled"}


def check(run: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """All of them."""
    _check_tape(run, events)
    _check_attempts(events)
    _check_stage_runs(run, events)


def _check_tape(run: dict[str, Any], events: list[dict[str, Any]]) -> None:
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    types = Counter(event["type"] for event in events)
    assert events[0]["type"] == "run_started" and types["run_started"] == 1
    assert events[-1]["type"] == f"run_{run['status']}" and types[events[-1]["type"]] == 1
    assert {event["run_id"] for event in events} == {run["id"]}
    times = [clock.parse(event["timestamp"]) for event in events]
    assert times == sorted(times)
    if run["status"] == "failed":
        assert events[-1]["error"] == run["error"]
        assert events[-1]["failed_stage_id"] == run["error"]["stage_id"]
    else:
        assert events[-1]["output"] == run["output"]


def _check_attempts(events: list[dict[str, Any]]) -> None:
    """Attempts count up from 1, later ones tell why, and nothing follows an end."""
    attempts: dict[str, int] = {}
    ended: set[str] = set()
    for event in events[1:-1]:
        place = place_of(event)
        assert place not in ended, f"{event['type']} after the end of {place}"
        if event["type"] == "stage_started":
            attempts[place] = attempts.get(place, 0) + 1
            assert ("previous_error" in event) is (attempts[place] > 1)
        else:
            ended.add(place)
        assert event["attempt"] == attempts.get(place, 0)


def _check_stage_runs(run: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """Every stage run is final, and tells what its last event told."""
    last = {place_of(event): event for event in events[1:-1]}
    for stage in run["stages"]:
        assert stage["status"] in FINAL
        event = last.get(place_of(stage))
        if event is not None and event["type"] in ENDS:
            assert stage["status"] == ENDS[event["type"]]
            assert stage["skip_reason"] == event.get("reason")
            assert stage["output"] == event.get("output")
            assert stage["error"] == event.get("error")
            assert stage["attempt"] == event["attempt"]
        else:
            quiet = stage["skip_reason"] == "run_failed" or stage["status"] == "cancelled"
            assert quiet, f"{place_of(stage)} ended without an event"
