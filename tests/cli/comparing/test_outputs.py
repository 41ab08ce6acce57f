"""`fm ci`: outputs that differ, what of them counts, and JUnit."""

from __future__ import annotations

from xml.etree import ElementTree

from app.cli.comparing import asking
from tests.cli.comparing.conftest import GREET, LINE, LOUD, changed
from tests.cli.documents import note, pipeline

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


def test_stage_on_which_others_depend_does_not_excuse_the_output(ci, worker, record):
    chain = pipeline("chain", LINE, LOUD)
    worker.post("/pipelines", chain)
    record("chain", name="Ada")
    bye = changed(chain, "line", config={"data": "Bye, {{ input.name }}!"})

    assert ci(bye, "--allow", "line").exit_code == 1
    done = ci(bye, "--allow", "line", "--allow", "loud")
    assert done.exit_code == 0, done.output


def test_of_many_differences_the_first_are_told_and_the_rest_are_counted(ci, worker, record):
    many = pipeline("many", note("a", "{{ input.items }}"))
    worker.post("/pipelines", many)
    record("many", items=list(range(30)))

    done = ci(changed(many, "a", config={"data": "{{ [] }}"}))

    lines = done.stdout.splitlines()
    assert sum(" -> null" in line for line in lines) == 20
    assert lines[-3].startswith("    and ")
    assert lines[-3].endswith(" more differences.")


def test_long_values_are_told_from_where_they_differ(ci, worker, record):
    long = pipeline("long", note("a", "{{ input.text }} ends well"))
    worker.post("/pipelines", long)
    record("long", text="x" * 5000)

    done = ci(changed(long, "a", config={"data": "{{ input.text }} ends badly"}))

    [told] = [line for line in done.stdout.splitlines() if line.startswith("    a /")]
    start = "..." + "x" * 24 + " ends "
    assert told == f'    a /output/result: {start}well" -> {start}badly"'


def test_ctrl_c_while_runs_are_compared_is_no_verdict(ci, ada, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "read_run", interrupted)

    assert ci(GREET).exit_code == 130
