from __future__ import annotations

import pytest

from app.core import wire
from app.core.errors import IdempotencyMismatch, InvalidInput, NotFound
from app.infra import bus
from app.models import Run
from app.services.runs import drive, read
from app.services.runs.start import Idempotency, start_run
from tests.services.runs.conftest import (
    count_write_transactions,
    row,
    seen,
    stored_types,
    tape,
    transform,
)

TWO = (transform("a", "{{ input.n + 1 }}"), transform("b", "{{ upstream.a.result * 2 }}"))


def test_started_run_is_pending_and_rings_once(who, deploy, bells):
    started = start_run(who, deploy(*TWO), {"n": 1}).run

    assert (started["status"], started["output"]) == ("pending", None)
    assert [stage["status"] for stage in started["stages"]] == ["pending", "pending"]
    assert bells() == 1


def test_driven_run_completes_with_the_output_of_its_terminal_stage(run):
    done = run(*TWO, input={"n": 1})

    assert (done["status"], done["output"]["result"]) == ("completed", 4)
    assert [(s["stage_id"], s["status"]) for s in done["stages"]] == [
        ("a", "completed"),
        ("b", "completed"),
    ]


def test_long_filter_in_the_pool_sees_what_its_stage_sees(run):
    config = {
        "data": list(range(1000)),
        "filter_mode": "filter_array",
        "condition": "item < upstream.a.result + input.n",
    }
    few = {"id": "few", "component_type": "filter", "config": config}

    done = run(transform("a", 2), few, input={"n": 1})

    assert done["output"]["data"] == [0, 1, 2]


def test_output_of_one_stage_is_stored_once(run):
    done = run(*TWO, input={"n": 1})

    stored = row(done["id"])
    assert (stored.output, stored.output_stage_run_id) == (None, done["stages"][1]["id"])


def test_events_are_numbered_and_end_with_the_final_one(run, who):
    done = run(*TWO, input={"n": 1})

    events = tape(who, done["id"])
    assert [event["seq"] for event in events] == list(range(1, 7))
    assert [event["type"] for event in events] == [
        "run_started",
        "stage_started",
        "stage_completed",
        "stage_started",
        "stage_completed",
        "run_completed",
    ]
    assert events[0]["stage_ids"] == ["a", "b"]
    assert events[4]["output"]["result"] == 4
    assert events[5]["output"] == done["output"]
    assert events[5]["duration_ms"] == done["duration_ms"]


def test_published_events_equal_the_stored_ones(deploy, start, who, settings):
    listener = bus.client().pubsub(ignore_subscribe_messages=True)
    run_id = start(deploy(*TWO), {"n": 1})
    listener.subscribe(bus.run_channel(run_id))
    listener.get_message(timeout=1)

    drive.advance_run()

    heard = []
    while message := listener.get_message(timeout=0.5):
        heard.append(wire.read(message["data"]))
    listener.close()
    assert heard == tape(who, run_id)


def test_short_run_of_pure_stages_costs_three_write_transactions(deploy, start, monkeypatch):
    pipeline = deploy(*TWO)
    start(pipeline, {"n": 0})
    drive.advance_run()  # plans are cached now, as in a worker that has run a while
    writes = count_write_transactions(monkeypatch)

    start(pipeline, {"n": 1})
    drive.advance_run()

    assert len(writes) == 3, writes


def test_failed_run_tells_its_first_error(run, who):
    done = run(transform("a", "{{ input.nope }}"), transform("b", depends_on=["a"]))

    assert done["status"] == "failed"
    assert (done["error"]["type"], done["error"]["stage_id"]) == ("EXPRESSION", "a")
    assert [(s["stage_id"], s["status"], s["skip_reason"]) for s in done["stages"]] == [
        ("a", "failed", None),
        ("b", "skipped", "run_failed"),
    ]
    assert tape(who, done["id"])[-1]["failed_stage_id"] == "a"


def test_loop_shows_its_iterations(run):
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": [1, 2, 3], "loop_stages": ["t"]},
    }

    done = run(each, transform("t", "{{ context.item * 10 }}"))

    assert [r["result"] for r in done["output"]["results"]] == [10, 20, 30]
    assert [(s["stage_id"], s["iteration"]) for s in done["stages"]] == [
        ("each", None),
        ("t", 0),
        ("t", 1),
        ("t", 2),
    ]


def test_loop_of_a_thousand_shows_two_hundred_of_its_iterations(run):
    each = {
        "id": "each",
        "component_type": "foreach",
        "config": {"items": "{{ range(1000) }}", "loop_stages": ["t"]},
    }

    done = run(each, transform("t", "{{ context.item }}"))

    assert done["status"] == "completed", done["error"]
    assert (len(done["stages"]), done["stages_truncated"]) == (201, True)
    assert row(done["id"]).event_seq == 2 + 2 + 2000


def test_logs_of_a_stage_are_shown(run):
    done = run(
        {"id": "say", "component_type": "logger", "config": {"message": "hello", "data": {"x": 1}}}
    )

    [entry] = done["stages"][0]["logs"]
    assert (entry["message"], entry["level"], entry["data"]) == ("hello", "info", {"x": 1})


def test_nul_in_a_value_survives_the_database(run):
    done = run(transform("a", "{{ input.x }}"), input={"x": "a\u0000b"})

    assert (done["input"]["x"], done["output"]["result"]) == ("a\u0000b", "a\u0000b")


def test_input_that_breaks_the_schema_is_refused_and_nothing_is_stored(who, deploy):
    schema = {"type": "object", "required": ["url"], "properties": {"n": {"type": "integer"}}}
    pipeline = deploy(transform("a"), input_schema=schema)

    with pytest.raises(InvalidInput) as refused:
        start_run(who, pipeline, {"n": "x"})

    assert set(refused.value.errors) == {"/input/url", "/input/n"}
    assert Run.select().count() == 0


def test_another_organisation_does_not_find_the_run(run, stranger):
    done = run(transform("a"))

    for look in (read.get_run, read.get_status, read.get_head):
        with pytest.raises(NotFound):
            look(stranger, done["id"])
    with pytest.raises(NotFound):
        read.list_events(stranger, done["id"], 0, 10)


def test_repeated_key_gives_the_first_run(who, deploy, bells):
    pipeline, key = deploy(transform("a")), Idempotency("k", "POST /runs", "digest")

    first = start_run(who, pipeline, {}, idempotency=key)
    second = start_run(who, pipeline, {}, idempotency=key)

    assert (first.replayed, second.replayed) == (False, True)
    assert wire.dumps(second.run) == wire.dumps(first.run)
    assert (bells(), Run.select().count()) == (1, 1)


def test_key_of_another_body_is_refused(who, deploy):
    pipeline = deploy(transform("a"))
    start_run(who, pipeline, {}, idempotency=Idempotency("k", "POST /runs", "one"))

    with pytest.raises(IdempotencyMismatch):
        start_run(who, pipeline, {}, idempotency=Idempotency("k", "POST /runs", "two"))


def test_status_counts_stages_outside_bodies(run, who):
    done = run(*TWO, input={"n": 1})

    status = read.get_status(who, done["id"])

    assert status["progress"] == {"completed": 2, "total": 2}
    assert status["current_stage_ids"] == []


def test_status_counts_no_stage_of_a_body_and_every_one_that_a_failure_skips(run, who):
    body = {"try_stages": ["a", "b"], "error_scope": "propagate"}
    done = run(
        {"id": "tc", "component_type": "trycatch", "config": body},
        transform("a", "{{ input.nope }}"),
        transform("b", depends_on=["a"]),
        transform("never", depends_on=["tc"]),
    )

    status = read.get_status(who, done["id"])

    assert (status["status"], status["progress"]) == ("failed", {"completed": 2, "total": 2})


def test_status_tells_the_stages_that_run_inside_of_bodies_too(run, who):
    items = {"items": [1, 2], "loop_stages": ["w"]}
    retry = {"max_attempts": 2, "initial_delay_ms": 5000, "retry_on": ["EXPRESSION"]}
    parked = run(
        {"id": "each", "component_type": "foreach", "config": items},
        transform("w", "{{ input.nope }}", retry=retry),
    )

    status = read.get_status(who, parked["id"])

    assert (status["status"], status["current_stage_ids"]) == ("running", ["each"])
    assert status["progress"] == {"completed": 0, "total": 1}


def test_events_are_paged_by_seq(run, who):
    done = run(*TWO, input={"n": 1})

    page = read.list_events(who, done["id"], 2, 3)

    assert ([e["seq"] for e in page["items"]], page["next"]) == ([3, 4, 5], 5)
    assert read.list_events(who, done["id"], 5, 3)["next"] is None


def test_end_that_comes_while_events_are_read_is_told_with_its_status(
    who, deploy, start, monkeypatch
):
    run_id = start(deploy(*TWO), {"n": 1})
    read_row = read.get_row

    def read_row_and_end(*which):
        before = read_row(*which)
        drive.advance_run()
        return before

    monkeypatch.setattr(read, "get_row", read_row_and_end)
    end = tape(who, run_id)[-1]

    assert (end["type"], end["status"]) == ("run_completed", "completed")
    assert (end["output"]["result"], end["duration_ms"]) == (4, row(run_id).duration_ms)


def test_nothing_to_claim_is_a_quiet_answer(bells):
    drive.advance_run()

    assert Run.select().count() == 0


def test_stored_types_of_a_failed_run_end_with_run_failed(run):
    done = run(transform("a", "{{ input.nope }}"))

    assert stored_types(done["id"])[-1] == "run_failed"


def test_skipped_stage_tells_why(run, who):
    done = run(transform("a", when="false"), transform("b", depends_on=["a"]))

    assert [(s["stage_id"], s["skip_reason"]) for s in done["stages"]] == [
        ("a", "when"),
        ("b", "upstream_skipped"),
    ]
    assert done["output"] is None
    assert seen(who, done["id"])["stages"][0]["id"] is None
