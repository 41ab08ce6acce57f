"""`fm test`: reports, JUnit, exit codes. Studio is an API in a thread, and a worker in another."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.cli.documents import note, pipeline
from tests.conftest import wait_until

GREET = pipeline(
    "greet", note("line", "Hello, {{ input.name }}!"), input_schema={"required": ["name"]}
)
HELLO = {
    "name": "says hello",
    "input": {"name": "Ada"},
    "assertions": [{"path": "output.result", "type": "equals", "value": "Hello, Ada!"}],
}
WRONG = HELLO | {"name": "says goodbye", "input": {"name": "Bob"}}
NO_NAME = HELLO | {"name": "nobody", "input": {}}
LATER = HELLO | {"name": "later", "skip": True}


def suite(*tests, **rest):
    return {"suite": {"name": "greetings", "tests": list(tests)}} | rest


@pytest.fixture
def greet(worker):
    """Studio with the pipeline `greet`."""
    worker.post("/pipelines", GREET)
    return worker


def test_passed_tests_are_told_and_the_exit_code_is_0(cli, write, greet):
    done = cli("test", write("a.test.json", suite(HELLO, pipeline_id="greet")))

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok  says hello  ")
    assert lines[-1].startswith("1 passed in ")
    assert lines[-1].endswith("; 1 of 1 stages covered (100 %).")
    assert "1 of 1 tests are over." in done.stderr


def test_what_is_wrong_is_told_and_the_exit_code_is_1(cli, write, greet):
    path = write("a.test.json", suite(HELLO, WRONG, NO_NAME, LATER, pipeline_id="greet"))

    done = cli("test", path)

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith(" ") and line][:4] == [
        "ok",
        "FAILED",
        "ERROR",
        "skipped",
    ]
    assert '    output.result is "Hello, Bob!", expected to equal "Hello, Ada!".' in lines
    assert '      expected: equals "Hello, Ada!"' in lines
    assert '      actual:   "Hello, Bob!"' in lines
    assert "      /name: This member is required." in lines
    assert lines[-1].startswith("1 passed, 1 failed, 1 errored, 1 skipped in ")


def test_results_as_json(cli, write, greet):
    done = cli("test", write("a.test.json", suite(WRONG, pipeline_id="greet")), "--json")

    results = json.loads(done.stdout)
    assert (done.exit_code, results["status"], results["summary"]["failed"]) == (1, "failed", 1)


def test_junit_tells_what_a_ci_reads(cli, write, greet, here):
    odd = HELLO | {"name": "odd \x1b[1m <&>"}
    path = write("a.test.json", suite(odd, WRONG, NO_NAME, LATER, pipeline_id="greet"))

    done = cli("test", path, "--junit", "report.xml")

    root = ElementTree.parse(here / "report.xml").getroot()
    [suite_of] = root
    assert (done.exit_code, root.tag, suite_of.tag) == (1, "testsuites", "testsuite")
    counted = {name: suite_of.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    passed, failed, errored, skipped = suite_of
    assert passed.get("name") == "odd \ufffd[1m <&>"
    assert {case.get("classname") for case in suite_of} == {"greetings"}
    assert float(passed.get("time")) >= 0
    assert [child.tag for child in passed] == ["system-out"]
    assert "expected to equal" in failed.find("failure").get("message")
    assert "actual:" in failed.find("failure").text
    assert errored.find("error").get("type") == "VALIDATION"
    assert [child.tag for child in skipped] == ["skipped"]


def test_junit_that_cannot_be_written_is_refused(cli, write, greet):
    path = write("a.test.json", suite(HELLO, pipeline_id="greet"))

    done = cli("test", path, "--junit", "no/such/folder.xml")

    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_pipeline_beside_the_file_is_tested_without_being_saved(cli, write, worker):
    write("flows/greet.pipeline.json", GREET)
    path = write("flows/a.test.json", suite(HELLO, pipeline_id="greet.pipeline.json"))

    done = cli("test", path)

    assert done.exit_code == 0, done.output
    assert worker.versions() == {}


def test_inheritance_of_the_pipeline_beside_the_file_is_resolved(cli, write, worker):
    write("base.pipeline.json", GREET | {"name": "base", "abstract": True})
    write("child.pipeline.json", {"name": "child", "extends": "base", "stages": []})
    path = write("a.test.json", suite(HELLO, pipeline_id="child.pipeline.json"))

    assert cli("test", path).exit_code == 0


def test_problems_of_the_pipeline_are_told_with_their_lines(cli, write, worker):
    write("bad.pipeline.json", pipeline("bad", note("line", "{{ nope }}")))
    path = write("a.test.json", suite(HELLO, pipeline_id="bad.pipeline.json"))

    done = cli("test", path)

    assert done.exit_code == 2
    assert "bad.pipeline.json:" in done.stderr
    assert ": unknown-root: " in done.stderr


def test_problems_of_the_tests_are_told_with_their_lines(cli, write, greet, here):
    bad = HELLO | {"live": ["nope"], "assertions": [{"path": "output", "type": "is"}]}
    path = write("a.test.json", suite(HELLO | {"name": "first"}, bad, pipeline_id="greet"))

    done = cli("test", path)

    text = (here / path).read_text().splitlines()
    told = dict(line.split(": ", 1) for line in done.stderr.splitlines())
    assert done.exit_code == 2
    for place, said in told.items():
        line = text[int(place.rpartition(":")[2]) - 1]
        assert ("nope" in line) if "/live/0" in said else ('"is"' in line)
    assert len(told) == 2


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1, "a": 2}'])
def test_file_that_is_no_object_is_refused(cli, write, greet, content):
    done = cli("test", write("a.test.json", content))

    assert done.exit_code == 2
    assert done.stderr.startswith("fm: a.test.json")


def test_missing_file_is_refused(cli, greet):
    assert cli("test", "nope.test.json").exit_code == 2


def test_missing_pipeline_is_refused(cli, write, greet):
    done = cli("test", write("a.test.json", suite(HELLO, pipeline_id="nobody")))

    assert (done.exit_code, "no such thing" in done.stderr) == (2, True)


@pytest.fixture
def run_id(greet):
    """A run of `greet` that has completed."""
    accepted = greet.post("/run", {"pipeline": "greet", "input": {"name": "Eve"}})
    path = f"/runs/{accepted['run_id']}"
    wait_until(lambda: greet.get(path)["status"] == "completed")
    return accepted["run_id"]


@pytest.mark.parametrize("words", [(), ("greet",), ("greet@1.0.0",)])
def test_recorded_run_is_tested(cli, run_id, words):
    done = cli("test", *words, "--from-run", run_id)

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"ok  {run_id}  ")


@pytest.mark.parametrize("name", ["other", "greet@2.0.0"])
def test_run_of_another_pipeline_is_refused(cli, run_id, name):
    done = cli("test", name, "--from-run", run_id)

    assert done.exit_code == 2
    assert f"is one of greet@1.0.0, not of {name}." in done.stderr


def test_unknown_run_is_refused(cli, greet):
    for words in ((), ("greet",)):
        done = cli("test", *words, "--from-run", "run-nope")

        assert (done.exit_code, done.stderr) == (2, "fm: There is no run run-nope.\n")


def test_recorded_run_gives_the_input_of_tests_in_a_file(cli, write, run_id):
    eve = {"path": "output.result", "type": "equals", "value": "Hello, Eve!"}
    tests = suite({"name": "as recorded", "assertions": [eve]}, HELLO, pipeline_id="other")

    done = cli("test", write("a.test.json", tests), "--from-run", run_id)

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("words", [(), ("greet",)])
def test_nothing_to_test_is_a_usage_error(cli, here, words):
    assert cli("test", *words).exit_code == 2


def test_without_a_studio_the_exit_code_is_4(cli, write):
    done = cli("test", write("a.test.json", suite(HELLO, pipeline_id="greet")))

    assert done.exit_code == 4
