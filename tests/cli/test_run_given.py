"""What `fm run` is given: an input in several ways, a name, or a file that is deployed first."""

from __future__ import annotations

import pytest

from tests.cli.documents import pipeline


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["--input", '{"a": 1}'], {"a": 1}),
        (["--input", "@in.json"], {"from": "file"}),
        (["--input-file", "in.json"], {"from": "file"}),
        (["--input", "-"], {"from": "stdin"}),
        (["--set", "n=5", "--set", "s=01"], {"n": 5, "s": "01"}),
        (["--set", 'q="5"', "--set", "e="], {"q": "5", "e": ""}),
        (["--set", "b=true", "--set", 'o={"k": [1]}'], {"b": True, "o": {"k": [1]}}),
        (["--set", "x=a=b"], {"x": "a=b"}),
        (["--input", '{"a": 1, "b": 1}', "--set", "a=2"], {"a": 2, "b": 1}),
        (["--set", "n=NaN"], {"n": "NaN"}),
    ],
)
def test_input_is_what_was_given(cli, scripted, write, words, expected):
    write("in.json", '\ufeff{"from": "file"}')

    done = cli("run", "greet@1.0.0", *words, input='{"from": "stdin"}')

    assert done.exit_code == 0, done.stderr
    assert scripted.bodies == [{"pipeline_id": "greet@1.0.0", "input": expected}]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--input", "{"], "--input:1:2: is not JSON"),
        (["--input", "[1]"], "The input of a run is a JSON object"),
        (["--input", "@gone.json"], "gone.json: cannot be read"),
        (["--input-file", "gone.json"], "gone.json: cannot be read"),
        (["--input", "-"], "standard input: is not UTF-8 text"),
        (["--input", "{}", "--input-file", "x"], "not both"),
        (["--input", '{"a": 1, "a": 2}'], "occurs twice"),
        (["--set", "novalue"], "key=value"),
        (["--set", "=5"], "key=value"),
        (["--set", "o={'a': 1}"], "--set o:1:2: is not JSON"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_input_that_is_none_is_a_wrong_use(cli, scripted, words, told):
    done = cli("run", "greet", *words, input=b"\xff")

    assert done.exit_code == 2
    assert told in done.stderr
    assert scripted.asked == []


def test_file_is_deployed_and_that_very_version_is_run(cli, write, api):
    cli("deploy", write("a.json", pipeline("a")))
    write("a.json", pipeline("a", description="new"))

    done = cli("run", "a.json", "--set", "n=1")

    run = api.get(f"/runs/{done.stdout.strip()}")
    assert done.exit_code == 0
    assert "a 1.0.1: saved." in done.stderr
    assert (run["pipeline_version"], run["input"]) == ("1.0.1", {"n": 1})


def test_bad_file_is_not_run(cli, write, api):
    done = cli("run", "./" + write("bad.json", pipeline("bad", max_concurrency=0)))

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("bad.json:12: /max_concurrency: wrong-type: ")


def test_abstract_file_is_not_run(cli, write, api):
    done = cli("run", write("a.json", pipeline("a", abstract=True)))

    assert done.exit_code == 2
    assert "a.json is abstract: it cannot be run." in done.stderr


@pytest.mark.parametrize("what", ["gone.json", "./gone", "folder/"])
def test_file_that_is_not_there_is_told(cli, here, api, what):
    (here / "folder").mkdir()

    done = cli("run", what)

    assert done.exit_code == 2
    assert "cannot be read" in done.stderr


def test_input_that_breaks_the_schema_is_refused(cli, api):
    schema = {"type": "object", "required": ["name"]}
    api.post("/pipelines", pipeline("strict", input_schema=schema))

    done = cli("run", "strict")

    assert done.exit_code == 2
    assert "/input/name" in done.stderr


def test_unknown_pipeline_is_refused(cli, api):
    assert cli("run", "ghost").exit_code == 2


def test_bad_setting_is_no_failed_run(cli, monkeypatch):
    monkeypatch.setenv("LEASE_SECONDS", "soon")

    done = cli("run", "greet")

    assert done.exit_code == 2
    assert "LEASE_SECONDS" in done.stderr
