"""`fm ci`: what reaches out is answered by the recording; loops, failures, costs."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.cli.comparing.conftest import GREET, call, changed, spent
from tests.cli.documents import note, pipeline


def test_nothing_leaves_the_process(ci, worker, record, world):
    asks = pipeline("asks", call(world), note("t", "{{ upstream.call.body.n }}"))
    worker.post("/pipelines", asks)
    record("asks")

    done = ci(changed(asks, "call", config={"url": f"{world.url}/other"}))

    assert (done.exit_code, world.count) == (0, 1), done.output


def test_live_stage_is_executed(ci, worker, record, world):
    asks = pipeline("asks", call(world), note("t", "{{ upstream.call.body.n }}"))
    worker.post("/pipelines", asks)
    record("asks")

    done = ci(asks, "--live", "call")

    assert (done.exit_code, world.count) == (1, 2)
    assert "t /output/result: 1 -> 2" in done.stdout


def test_effectful_stage_without_a_recording_is_told_with_what_to_do(ci, ada, world):
    done = ci({**GREET, "stages": [*GREET["stages"], call(world)]}, "--allow", "call")

    assert (done.exit_code, world.count) == (1, 0)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["ERROR", ada]
    assert lines[1].startswith("    call: nothing was recorded that could answer for this stage.")
    assert "--live call" in lines[1]
    assert lines[-1] == "1 run compared: 1 errored. Cost $0."


def test_loops_are_compared_by_iteration(ci, worker, record, world):
    loop = {"id": "each", "component_type": "foreach"}
    config = {"items": "{{ input.names }}", "loop_stages": ["call", "line"]}
    numbered = pipeline(
        "numbered",
        {**loop, "config": config},
        call(world),
        note("line", "{{ upstream.call.body.n }}: {{ item }}"),
        note("count", "{{ len(upstream.each.results) }}"),
        output_stage_id="count",
    )
    worker.post("/pipelines", numbered)
    run_id = record("numbered", names=["Ada", "Bob", "Eve"])
    spent(run_id, "call", 0.5)
    text = "{{ upstream.call.body.n }}: {{ 'Robert' if item == 'Bob' else item }}"

    same = ci(numbered)
    done = ci(changed(numbered, "line", config={"data": text}), "--allow", "each")

    assert (same.exit_code, done.exit_code, world.count) == (0, 1, 3), same.output
    told = [line.strip() for line in done.stdout.splitlines()]
    assert 'line[1] /output/result: "2: Bob" -> "2: Robert"' in told
    assert not any(line.startswith(("line[0]", "line[2]")) for line in told)
    assert any(line.startswith("line   differs in 1 of 3  $0  ") for line in told)
    assert any(line.startswith("call   same") and "$1.5  " in line for line in told)


def test_cost_may_rise_as_far_as_is_said(ci, worker, record, world):
    config = {"items": "{{ input.items }}", "loop_stages": ["call"]}
    loop = {"id": "each", "component_type": "foreach", "config": config}
    paid = pipeline("paid", loop, call(world), note("end", 1, depends_on=["each"]))
    worker.post("/pipelines", paid)
    spent(record("paid", items=[1, 2]), "call", 0.25)
    more = changed(
        paid, "each", config={"items": "{{ input.items + [3] }}", "loop_stages": ["call"]}
    )

    unlimited = ci(more, "--allow", "each")
    enough = ci(more, "--allow", "each", "--max-cost-increase", "50")
    too_little = ci(more, "--allow", "each", "--max-cost-increase", "49.9", "--junit", "a.xml")

    assert [each.exit_code for each in (unlimited, enough, too_little)] == [0, 0, 1]
    assert unlimited.stdout.splitlines()[-1].endswith(" Cost $0.5 -> $0.75 (+50 %).")
    assert too_little.stdout.splitlines()[-1] == (
        "The cost rises (+50 %): $0.5 -> $0.75. --max-cost-increase allows 49.9 %."
    )
    cases = list(ElementTree.parse("a.xml").iter("testcase"))
    assert [len(case.findall("failure")) for case in cases] == [0, 1]
    assert cases[1].get("name") == "max-cost-increase"


def test_failed_run_is_compared_by_its_error(ci, worker, record, world):
    refused = call(world, config={"url": "http://192.0.2.1/"})
    fails = pipeline("fails", refused, note("t", "{{ upstream.call.status }}"))
    worker.post("/pipelines", fails)
    run_id = record("fails", status="failed")

    same = ci(fails)
    heeded = ci(changed(fails, "call", on_error="continue"))

    assert same.exit_code == 0, same.output
    assert same.stdout.startswith(f"ok  {run_id}  ")
    assert heeded.exit_code == 1
    assert "run /error/stage_id: " in heeded.stdout or "run /error: " in heeded.stdout


def test_input_that_the_changed_document_refuses_is_told(ci, ada):
    done = ci({**GREET, "input_schema": {"required": ["title"]}})

    assert done.exit_code == 1
    assert done.stdout.startswith("ERROR  ")
    assert "/title: This member is required." in done.stdout


def test_failure_after_many_attempts_is_the_same_failure(ci, worker, record, world):
    retry = {"max_attempts": 2, "initial_delay_ms": 1, "jitter": False}
    nobody = call(world, config={"url": "http://127.0.0.1:9/"}, retry=retry)
    worker.post("/pipelines", pipeline("tries", nobody))
    record("tries", status="failed")

    done = ci(pipeline("tries", nobody))

    assert done.exit_code == 0, done.output


def test_child_run_is_answered_by_its_recorded_output(ci, worker, record, ada):
    config = {"pipeline_id": "greet", "input_data": {"name": "Bob"}}
    sub = {"id": "sub", "component_type": "subpipeline", "config": config}
    parent = pipeline("parent", sub, note("t", "{{ upstream.sub }}"), output_stage_id="t")
    worker.post("/pipelines", parent)
    record("parent")
    before = len(worker.get("/runs")["items"])

    done = ci(parent)

    assert done.exit_code == 0, done.output
    assert len(worker.get("/runs")["items"]) == before
