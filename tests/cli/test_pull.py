"""`fm pull`: pipelines as files that differ little from one time to the next."""

from __future__ import annotations

import json

import pytest

from app.cli.files.writing import file_name
from tests.cli.documents import note, pipeline

RICH = pipeline(
    "rich",
    note("a", {"z": 1.0, "a": [1, "ü"]}, retry={"max_attempts": 3}, position={"x": 1, "y": 2.0}),
    {"id": "b", "type": "logger", "input_mapping": {"message": "{{ upstream.a.result }}"}},
    tags=["t", "t"],
    input_schema={"type": "object", "properties": {"z": {}, "a": {}}},
    metadata={"z": None, "a": {}},
    sample_input={"x": 0},
)


def test_file_holds_what_says_something_in_the_order_of_the_contract(cli, here, api):
    api.post(
        "/pipelines", pipeline("a", {"config": {"data": 1}, "type": "json_transform", "id": "x"})
    )

    done = cli("pull", "a")

    assert (done.exit_code, done.stdout) == (0, "a.pipeline.json: written.\n")
    assert (here / "a.pipeline.json").read_text() == (
        "{\n"
        '  "name": "a",\n'
        '  "version": "1.0.0",\n'
        '  "stages": [\n'
        "    {\n"
        '      "id": "x",\n'
        '      "component_type": "json_transform",\n'
        '      "config": {\n'
        '        "data": 1\n'
        "      }\n"
        "    }\n"
        "  ]\n"
        "}\n"
    )


def test_deploying_what_was_pulled_changes_nothing(cli, api):
    api.post("/pipelines", RICH)
    api.post("/pipelines", pipeline("plain"))
    before = api.get("/pipelines")

    cli("pull", "--all")
    done = cli("deploy", ".")

    assert done.stdout == "plain 1.0.0: unchanged.\nrich 1.0.0: unchanged.\n"
    assert api.get("/pipelines") == before


def test_second_pull_writes_nothing(cli, api):
    api.post("/pipelines", RICH)
    cli("pull", "rich")

    assert cli("pull", "rich").stdout == "rich.pipeline.json: unchanged.\n"


def test_version_named_is_the_one_written(cli, write, here, api):
    cli("deploy", write("a.json", pipeline("a", description="first")))
    cli("deploy", write("a.json", pipeline("a", description="second")))

    cli("pull", "a@1.0.0", "--out", "old/er")
    cli("pull", "a")

    assert json.loads((here / "old/er/a.pipeline.json").read_text())["description"] == "first"
    assert json.loads((here / "a.pipeline.json").read_text())["description"] == "second"


def test_file_that_differs_stays_and_then_none_is_written(cli, write, here, api):
    api.post("/pipelines", pipeline("a"))
    api.post("/pipelines", pipeline("b"))
    write("b.pipeline.json", "mine")

    done = cli("pull", "a", "b")

    assert done.exit_code == 1
    assert "b.pipeline.json" in done.stderr
    assert [path.name for path in here.iterdir()] == ["b.pipeline.json"]
    assert (here / "b.pipeline.json").read_text() == "mine"


def test_file_that_differs_is_written_over_by_force(cli, write, here, api):
    api.post("/pipelines", pipeline("b"))
    write("b.pipeline.json", "mine")

    done = cli("pull", "b", "--force")

    assert done.exit_code == 0
    assert json.loads((here / "b.pipeline.json").read_text())["name"] == "b"


def test_all_pages_of_the_list_are_written(cli, here, api):
    for number in range(201):
        api.post("/pipelines", pipeline(f"p{number}"))

    cli("pull", "--all", "--out", "all")

    assert len(list((here / "all").iterdir())) == 201


def test_two_versions_of_one_pipeline_do_not_fit_into_one_file(cli, write, here, api):
    cli("deploy", write("a.json", pipeline("a", description="first")))
    cli("deploy", write("a.json", pipeline("a", description="second")))

    done = cli("pull", "a", "a@1.0.0", "--out", "out")

    assert done.exit_code == 1
    assert "a is named twice" in done.stderr
    assert not (here / "out").exists()


@pytest.mark.parametrize("words", [[], ["a", "--all"]])
def test_neither_names_nor_all_is_a_wrong_use(cli, api, words):
    assert cli("pull", *words).exit_code == 2


def test_unknown_pipeline_is_told(cli, here, api):
    done = cli("pull", "ghost")

    assert done.exit_code == 1
    assert list(here.iterdir()) == []


def test_folder_that_cannot_be_made_is_told(cli, write, api):
    api.post("/pipelines", pipeline("a"))
    write("file", "")

    done = cli("pull", "a", "--out", "file/below")

    assert done.exit_code == 2
    assert "file/below" in done.stderr


@pytest.mark.parametrize("name", ["greet", "My_pipe-2.0", "a..b"])
def test_plain_name_is_the_file_name(name):
    assert file_name(name) == f"{name}.pipeline.json"


@pytest.mark.parametrize(
    "name",
    ["a b", "..", "-rf", ".hidden", "con", "NUL.x", "a\\b", "a:b", "Übung", "日" * 100, "%", "a."],
)
def test_odd_name_gets_a_file_name_that_every_system_takes(name):
    found = file_name(name)

    assert found.isascii()
    assert len(found) < 130
    assert found[0].isalnum()
    assert found.replace(".", "").replace("-", "").isalnum()
    assert found.endswith(".pipeline.json")


def test_names_that_look_alike_get_different_files():
    assert len({file_name(name) for name in ["a b", "a-b", "a  b", "a?b", " ", "?"]}) == 6
