"""`fm ci`: recorded runs against a changed document. Runs and tests are executed for real."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest

from app.core.ids import new_id
from app.infra import egress
from app.models import Run, StageRun
from tests.cli.documents import note, pipeline
from tests.conftest import wait_until

LINE = note("line", "Hello, {{ input.name }}!")
LOUD = note("loud", "{{ upper(upstream.line.result) }}")
GREET = pipeline("greet", LINE, LOUD, output_stage_id="loud")
FILE = "greet.pipeline.json"


class World(ThreadingHTTPServer):
    """A server that counts its answers: each has another number."""

    daemon_threads, count = True, 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Counting(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.count += 1
        body = json.dumps({"n": self.server.count}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def world(api):
    """What stages that reach out find."""
    server = World(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    egress.connect(("127.0.0.0/8",))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def record(worker):
    """Runs a saved pipeline to its end; gives the run's id."""

    def record(pipeline_name, status="completed", **input):
        run_id = worker.post("/run", {"pipeline": pipeline_name, "input": input})["run_id"]
        wait_until(lambda: worker.get(f"/runs/{run_id}")["status"] == status)
        return run_id

    return record


@pytest.fixture
def ci(cli, write):
    """Holds runs against a changed document."""

    def ci(document, *words, runs="last:50"):
        path = write(f"{document['name']}.pipeline.json", document)
        return cli("ci", "--runs", runs, "--pipeline", path, *words)

    return ci


@pytest.fixture
def ada(worker, record):
    """A run of `greet`, which is saved."""
    worker.post("/pipelines", GREET)
    return record("greet", name="Ada")


def call(world, name="call", **members):
    return {
        "id": name,
        "component_type": "http_request",
        "config": {"url": world.url},
        **members,
    }


def changed(document, stage_id, **members):
    """The document with other members of a stage."""
    stages = [{**s, **members} if s["id"] == stage_id else s for s in document["stages"]]
    return {**document, "stages": stages}


def spent(run_id, stage_id, dollars):
    """Says what a recorded stage cost."""
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "cost_usd": dollars}
    StageRun.update(usage=usage).where(
        StageRun.run == run_id, StageRun.stage_id == stage_id
    ).execute()


BYE = changed(GREET, "line", config={"data": "Bye, {{ input.name }}!"})


def test_same_document_gives_the_same(ci, ada, record):
    eve = record("greet", name="Eve")

    done = ci(GREET)

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["ok", eve], ["ok", ada]]
    assert lines[2:] == ["", "2 runs compared: 2 same. Cost $0."]


def test_changed_output_is_told_by_run_and_stage_with_old_and_new(ci, ada, worker):
    done = ci(BYE)

    assert done.exit_code == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith(f"DIFFERS  {ada}  ")
    assert 'line /output/result: "Hello, Ada!" -> "Bye, Ada!"' in lines
    assert 'loud /output/result: "HELLO, ADA!" -> "BYE, ADA!"' in lines
    assert 'run /output/result: "HELLO, ADA!" -> "BYE, ADA!"' in lines
    assert [
        line.split()[:2] for line in lines if line.startswith(("STAGE", "line  ", "loud  "))
    ] == [
        ["STAGE", "OUTPUT"],
        ["line", "differs"],
        ["loud", "differs"],
    ]
    assert lines[-1] == "1 run compared: 1 different. Cost $0."
    assert worker.versions() == {"greet": "1.0.0"}


def test_allowed_stages_are_told_and_do_not_count(ci, ada):
    some = ci(BYE, "--allow", "line")
    all_of_them = ci(BYE, "--allow", "line", "--allow", "loud")

    assert (some.exit_code, all_of_them.exit_code) == (1, 0)
    assert 'line (allowed) /output/result: "Hello, Ada!" -> "Bye, Ada!"' in some.stdout
    assert 'run /output/result: "HELLO, ADA!"' in some.stdout
    assert "run (allowed) /output/result:" in all_of_them.stdout
    assert all_of_them.stdout.splitlines()[-1] == "1 run compared: 1 allowed. Cost $0."


def test_output_of_the_run_is_that_of_the_last_stages_when_none_is_named(ci, worker, record):
    both = pipeline("both", note("a", "{{ input.n }}"), note("b", "{{ input.n + 1 }}"))
    worker.post("/pipelines", both)
    record("both", n=1)
    other = changed(both, "b", config={"data": "{{ input.n + 2 }}"})

    assert ci(other, "--allow", "a").exit_code == 1
    assert ci(other, "--allow", "b").exit_code == 0


def test_other_output_stage_is_excused_by_no_stage(ci, ada):
    done = ci({**GREET, "output_stage_id": "line"}, "--allow", "line", "--allow", "loud")

    assert done.exit_code == 1
    assert 'run /output/result: "HELLO, ADA!" -> "Hello, Ada!"' in done.stdout


def test_run_that_now_fails_counts_whatever_is_allowed(ci, ada):
    broken = changed(GREET, "loud", config={"data": "{{ input.nope }}"})

    done = ci(broken, "--allow", "loud")

    assert done.exit_code == 1
    assert 'loud (allowed) /status: "completed" -> "failed"' in done.stdout
    assert 'run /status: "completed" -> "failed"' in done.stdout


def test_unknown_allowed_stage_is_told(ci, ada):
    done = ci(GREET, "--allow", "nope")

    assert done.exit_code == 0
    assert "--allow: neither the document nor a run has a stage nope." in done.stderr


def test_added_stage_is_told_and_does_not_count(ci, ada):
    done = ci({**GREET, "stages": [*GREET["stages"], note("more")]})

    assert done.exit_code == 0, done.output
    assert "more: was not recorded" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 run compared: 1 allowed. Cost $0."


def test_removed_stage_counts_unless_it_is_allowed(ci, worker, record):
    three = pipeline("three", LINE, LOUD, note("extra"), output_stage_id="loud")
    worker.post("/pipelines", three)
    record("three", name="Ada")
    without = {**three, "stages": three["stages"][:2]}

    assert ci(without).exit_code == 1
    done = ci(without, "--allow", "extra")
    assert done.exit_code == 0
    assert "extra (allowed): is not there any more" in done.stdout
    assert "--allow" not in done.stderr


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


def test_junit_has_a_test_case_for_each_run(ci, ada, record):
    record("greet", name="")
    nobody = changed(GREET, "line", config={"data": "Hello, {{ input.name or 'you' }}!"})

    done = ci(nobody, "--junit", "report.xml")

    assert done.exit_code == 1
    root = ElementTree.parse("report.xml").getroot()
    [suite] = root
    assert (root.get("name"), suite.get("name"), suite.get("tests")) == ("fm ci", "greet", "2")
    differs, same = suite
    assert (
        differs.find("failure").get("message") == 'run /output/result: "HELLO, !" -> "HELLO, YOU!"'
    )
    assert 'line /output/result: "Hello, !" -> "Hello, you!"' in differs.find("failure").text
    assert (same.get("name"), same.find("failure")) == (ada, None)


def test_newest_runs_are_taken_and_only_recordings(ci, worker, ada, record):
    newer, newest = record("greet", name="Bob"), record("greet", name="Eve")
    stopped = worker.post("/run", {"pipeline": "greet", "input": {"name": "x"}})["run_id"]
    wait_until(lambda: worker.get(f"/runs/{stopped}")["status"] == "completed")
    Run.update(status="cancelled").where(Run.id == stopped).execute()
    replay = record("greet", name="again")
    Run.update(trigger_type="replay").where(Run.id == replay).execute()

    done = ci(GREET, runs="last:2")

    assert [line.split()[1] for line in done.stdout.splitlines()[:2]] == [newest, newer]
    for run_id, why in ((stopped, "is cancelled;"), (replay, "is a replay,")):
        refused = ci(GREET, runs=f"{ada},{run_id}")
        assert (refused.exit_code, f"--runs: {run_id} {why}" in refused.stderr) == (2, True)


def test_named_runs_are_taken_in_their_order(ci, ada, record):
    eve = record("greet", name="Eve")

    done = ci(GREET, runs=f"{ada}, {eve},{ada}")

    assert [line.split()[1] for line in done.stdout.splitlines()[:2]] == [ada, eve]


def test_run_that_is_unknown_or_of_another_organisation_is_refused(ci, ada):
    theirs = Run.get_by_id(ada)
    Run.update(org_id=new_id("org")).where(Run.id == theirs.id).execute()

    for run_id in (ada, new_id("run")):
        done = ci(GREET, runs=run_id)

        assert (done.exit_code, done.stderr) == (2, f"fm: There is no run {run_id}.\n")


@pytest.mark.parametrize("runs", ["last:0", "last:101", "last:" + "9" * 5000, "last:", "run-1", ""])
def test_what_names_no_runs_is_a_usage_error(ci, here, runs):
    done = ci(GREET, runs=runs)

    assert done.exit_code == 2
    assert "--runs" in done.stderr


def test_more_runs_than_a_suite_holds_are_a_usage_error(ci, here):
    done = ci(GREET, runs=",".join(new_id("run") for _ in range(101)))

    assert (done.exit_code, "at most 100" in done.stderr) == (2, True)


def test_pipeline_without_runs_is_told(ci, worker):
    unknown = ci(GREET)
    worker.post("/pipelines", GREET)
    idle = ci(GREET)

    assert (unknown.exit_code, unknown.stderr) == (2, "fm: There is no pipeline greet.\n")
    assert idle.exit_code == 2
    assert idle.stderr == "fm: --runs: greet has no run that completed or failed.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--live", "nope"), "--live: the document has no stage nope."),
        (("--max-cost-increase", "-1"), "--max-cost-increase"),
        (("--max-cost-increase", "nan"), "--max-cost-increase"),
    ],
)
def test_bad_option_is_a_usage_error_that_names_it(ci, ada, words, said):
    done = ci(GREET, *words)

    assert (done.exit_code, said in done.stderr) == (2, True)


def test_document_with_problems_is_refused(ci, ada):
    done = ci(changed(GREET, "line", config={"data": "{{ nope }}"}))

    assert done.exit_code == 2
    assert "greet.pipeline.json:" in done.stderr


def test_without_a_studio_the_exit_code_is_4(ci, here):
    assert ci(GREET).exit_code == 4
