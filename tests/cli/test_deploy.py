"""`fm deploy`: all pipelines of the files are saved, or none."""

from __future__ import annotations

import json

import pytest

from tests.cli.documents import note, pipeline


def test_new_pipelines_are_created_with_the_version_of_the_file(cli, write, api):
    write("a.pipeline.json", pipeline("a", version="2.1.0"))
    write("b.pipeline.json", pipeline("b"))

    done = cli("deploy", ".")

    assert (done.exit_code, done.stdout) == (0, "a 2.1.0: created.\nb 1.0.0: created.\n")
    assert api.versions() == {"a": "2.1.0", "b": "1.0.0"}


def test_second_deployment_saves_nothing(cli, write, api):
    file = write("a.json", pipeline("a", note("x", retry={"max_attempts": 2}), version="1.0.0"))
    cli("deploy", file)

    done = cli("deploy", file)

    assert (done.exit_code, done.stdout) == (0, "a 1.0.0: unchanged.\n")


def test_change_without_a_version_gets_the_next_patch(cli, write, api):
    cli("deploy", write("a.json", pipeline("a")))

    done = cli("deploy", write("a.json", pipeline("a", description="new")))

    assert done.stdout == "a 1.0.1: saved.\n"
    assert api.get("/pipelines/a")["description"] == "new"


def test_higher_version_of_the_file_is_kept(cli, write, api):
    cli("deploy", write("a.json", pipeline("a", version="1.9.0")))

    done = cli("deploy", write("a.json", pipeline("a", note("b"), version="1.10.0")))

    assert done.stdout == "a 1.10.0: saved.\n"


def test_version_that_is_not_higher_is_told_with_the_one_it_became(cli, write, api):
    cli("deploy", write("a.json", pipeline("a", version="1.2.0")))

    done = cli("deploy", write("a.json", pipeline("a", note("b"), version="1.1.0")))

    assert done.exit_code == 0
    assert done.stdout.startswith("a 1.2.1: saved, for 1.1.0 is not higher")


def test_member_that_left_the_file_is_reset(cli, write, api):
    cli("deploy", write("a.json", pipeline("a", description="x", tags=["t"], max_concurrency=3)))

    cli("deploy", write("a.json", pipeline("a")))

    shown = api.get("/pipelines/a")
    assert (shown["description"], shown["tags"], shown["max_concurrency"]) == ("", [], 10)


def test_one_bad_file_and_nothing_is_saved(cli, write, api):
    write("a.pipeline.json", pipeline("a"))
    write("b.pipeline.json", pipeline("b", note("x", "{{ nope }}")))

    done = cli("deploy", ".")

    assert done.exit_code == 1
    assert done.stdout.startswith("b.pipeline.json:8: /stages/0/config/data: unknown-root: ")
    assert api.versions() == {}


def test_child_is_saved_resolved_and_its_abstract_parent_is_not(cli, write, api):
    base = pipeline("base", note("a"), abstract=True, description="from the base")
    write("base.pipeline.json", base)
    overrides = {"a": {"config": {"data": 5}}}
    write("child.pipeline.json", pipeline("child", note("b"), extends="base", overrides=overrides))

    done = cli("deploy", ".")

    assert done.stdout.splitlines() == [
        "base.pipeline.json is abstract: it is not deployed.",
        "child 1.0.0: created.",
    ]
    shown = api.get("/pipelines/child")
    assert [(stage["id"], stage["config"]["data"]) for stage in shown["stages"]] == [
        ("a", 5),
        ("b", "{{ input }}"),
    ]
    assert shown["description"] == "from the base"
    assert "extends" not in shown


def test_parent_in_studio_is_the_newest_saved_or_the_version_named(cli, write, api):
    cli("deploy", write("base.json", pipeline("base", note("a", 1))))
    cli("deploy", write("base.json", pipeline("base", note("a", 2))))
    (write("newest.json", {"name": "newest", "extends": "base"}),)
    (write("named.json", {"name": "named", "extends": "base@1.0.0"}),)

    cli("deploy", "newest.json", "named.json")

    assert api.get("/pipelines/newest")["stages"][0]["config"] == {"data": 2}
    assert api.get("/pipelines/named")["stages"][0]["config"] == {"data": 1}


def test_wrong_abstract_file_stops_the_others(cli, write, api):
    write("base.pipeline.json", pipeline("base", note("a", "{{ 1 + }}"), abstract=True))
    write("other.pipeline.json", pipeline("other"))

    done = cli("deploy", ".")

    assert done.exit_code == 1
    assert api.versions() == {}


def test_json_tells_what_became_of_each_file(cli, write, api):
    write("a.pipeline.json", pipeline("a"))
    write("b.pipeline.json", pipeline("b", abstract=True))

    done = cli("deploy", "--json", ".")

    told = json.loads(done.stdout)
    assert told["valid"] is True
    assert [(each["name"], each["action"], each["version"]) for each in told["files"]] == [
        ("a", "created", "1.0.0"),
        ("b", "skipped", None),
    ]
    assert told["files"][0]["id"] == api.get("/pipelines/a")["id"]


def test_json_of_a_bad_file_is_that_of_validate(cli, write, api):
    done = cli("deploy", "--json", write("a.json", pipeline("a", max_concurrency=0)))

    assert done.exit_code == 1
    (problem,) = json.loads(done.stdout)["files"][0]["problems"]
    assert (problem["pointer"], problem["code"]) == ("/max_concurrency", "wrong-type")


@pytest.mark.parametrize("name", ["a b", "..", "100%", "q?x=1#y", "Übung", "a\\b"])
def test_pipeline_of_an_odd_name_is_found_again(cli, write, api, name):
    cli("deploy", write("a.json", pipeline(name)))

    done = cli("deploy", write("a.json", pipeline(name, description="new")))

    assert done.stdout == f"{name} 1.0.1: saved.\n"


def test_document_over_the_size_of_a_body_is_a_problem_of_its_file(cli, write, api):
    done = cli("deploy", write("a.json", pipeline("a", note("x", "y" * 1_100_000))))

    assert done.exit_code == 1
    assert done.stdout.startswith('a.json:1: "": too-large: ')


def test_without_a_studio_the_exit_code_is_4(cli, write):
    done = cli("deploy", write("a.json", pipeline("a")))

    assert done.exit_code == 4
    assert done.stderr.startswith("fm: No Studio answers at ")


def test_refused_key_is_told_with_how_to_say_another(cli, write, api):
    done = cli("deploy", "--api-key", "fm_wrong", write("a.json", pipeline("a")))

    assert done.exit_code == 1
    assert "--api-key or FLOWMASON_API_KEY" in done.stderr


@pytest.mark.parametrize("key", ["a\nb", "schlüssel"])
def test_key_that_cannot_be_sent_is_told(cli, write, api, key):
    done = cli("deploy", "--api-key", key, write("a.json", pipeline("a")))

    assert done.exit_code == 1
    assert "The API key holds characters" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "nowhere",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999",
        "ftp://x",
        "http://a b",
        "http://ü..x",
    ],
)
def test_url_that_is_none_is_no_studio(cli, write, url):
    done = cli("deploy", "--url", url, write("a.json", pipeline("a")))

    assert done.exit_code == 4
    assert "No Studio answers" in done.stderr


def test_server_that_is_no_studio_is_told(cli, write, scripted):
    scripted.refuse_with = (200, {"hello": "world"})
    scripted.request_id = None

    done = cli("deploy", write("a.json", pipeline("a")))

    assert done.exit_code == 1
    assert "is no Studio" in done.stderr


def test_refused_save_is_told_with_its_file_and_the_json_tells_what_was_saved(cli, write, api):
    file = write("a.json", pipeline("a"))
    reader = {"name": "reader", "scopes": ["pipelines:read"]}
    key = api.post("/auth/api-keys", reader)["key"]

    done = cli("deploy", "--json", "--api-key", key, file)

    assert done.exit_code == 1
    assert done.stderr.startswith("fm: a.json: This needs the scope pipelines:write.")
    assert json.loads(done.stdout)["files"][0]["action"] is None
