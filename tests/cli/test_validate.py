"""`fm validate`: files are judged without a Studio, and every problem has its place."""

from __future__ import annotations

import json

import pytest

from tests.cli.documents import note, pipeline

BROKEN = pipeline("broken", note("a", "{{ nope }}"), note("b", depends_on=["ghost"]))


def test_good_file_is_valid(cli, write):
    done = cli("validate", write("good.json", pipeline("good")))

    assert (done.exit_code, done.stdout) == (0, "1 file is valid.\n")


def test_every_problem_is_a_line_with_file_line_pointer_code_and_message(cli, write):
    done = cli("validate", write("broken.pipeline.json", BROKEN))

    assert done.exit_code == 1
    first, second, total = done.stdout.splitlines()
    assert first.startswith("broken.pipeline.json:8: /stages/0/config/data: unknown-root: ")
    assert second.startswith("broken.pipeline.json:18: /stages/1/depends_on/0: unknown-dependency:")
    assert total == "2 problems in 1 file."


def test_folder_means_every_pipeline_file_below_it(cli, write):
    write("all/one.pipeline.json", pipeline("one"))
    write("all/deep/er/two.pipeline.json", pipeline("two"))
    write("all/other.json", [])

    assert cli("validate", "all").stdout == "2 files are valid.\n"


def test_file_given_twice_is_one_file(cli, write):
    write("all/one.pipeline.json", pipeline("one"))

    done = cli("validate", "all", "all/one.pipeline.json", "./all/../all")

    assert done.stdout == "1 file is valid.\n"


def test_json_holds_every_file_and_problem(cli, write):
    write("all/a.pipeline.json", pipeline("a", abstract=True))
    write("all/b.pipeline.json", pipeline("b", max_concurrency=0))

    done = cli("validate", "--json", "all")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "valid": False,
        "files": [
            {
                "file": "all/a.pipeline.json",
                "name": "a",
                "abstract": True,
                "valid": True,
                "problems": [],
                "warnings": [],
            },
            {
                "file": "all/b.pipeline.json",
                "name": "b",
                "abstract": False,
                "valid": False,
                "problems": [
                    {
                        "file": "all/b.pipeline.json",
                        "line": 12,
                        "pointer": "/max_concurrency",
                        "code": "wrong-type",
                        "message": "This must be an integer from 1 to 100.",
                    }
                ],
                "warnings": [],
            },
        ],
    }


def test_parent_is_found_among_the_files_given(cli, write):
    base = write("bases/base.json", pipeline("base"))
    child = write("child.json", pipeline("child", extends="base", overrides={"a": {"name": "A"}}))

    assert cli("validate", child, base).exit_code == 0


def test_parent_is_found_beside_the_file_that_asks(cli, write):
    write("far/root.pipeline.json", pipeline("root", version="2.0.0"))
    base = write("far/base.json", pipeline("base", extends="root@2.0.0"))
    write("near/base.pipeline.json", pipeline("other"))
    child = write("near/child.json", pipeline("child", extends="base"))

    assert cli("validate", child, base).exit_code == 0


def test_problem_of_a_parent_is_told_with_its_file_and_who_inherits_it(cli, write):
    write("base.pipeline.json", pipeline("base", note("a", "{{ nope }}")))
    child = write("child.json", pipeline("child", note("b"), extends="base"))

    done = cli("validate", child)

    line = done.stdout.splitlines()[0]
    assert line.startswith("base.pipeline.json:8: /stages/0/config/data: unknown-root: ")
    assert line.endswith("(inherited by child.json)")


def test_problem_of_an_override_is_told_where_it_stands(cli, write):
    write("base.pipeline.json", pipeline("base"))
    overrides = {"a": {"config": {"data": "{{ nope }}"}}, "ghost": {}}
    child = write("child.json", {"name": "child", "extends": "base", "overrides": overrides})

    done = cli("validate", child)

    assert [line.split(": ")[:3] for line in done.stdout.splitlines()[:2]] == [
        ["child.json:7", "/overrides/a/config/data", "unknown-root"],
        ["child.json:10", "/overrides/ghost", "unknown-override"],
    ]


def test_parent_is_found_in_studio(cli, write, api):
    api.post("/pipelines", pipeline("base", note("a", {"x": 1})))
    child = write("child.json", pipeline("child", note("b"), extends="base@1.0.0"))

    assert cli("validate", child).exit_code == 0


def test_unknown_parent_is_a_problem_and_it_is_said_that_no_studio_was_asked(cli, write):
    child = write("child.json", pipeline("child", extends="ghost"))

    done = cli("validate", child)

    assert done.exit_code == 1
    assert done.stdout.startswith("child.json:12: /extends: unknown-parent: ")
    assert "No Studio answers" in done.stderr


def test_neighbour_that_cannot_be_read_is_told_when_a_parent_is_missing(cli, write):
    write("base.pipeline.json", "{")
    child = write("child.json", pipeline("child", extends="base"))

    done = cli("validate", child)

    assert "Not looked at: base.pipeline.json:1:2: is not JSON" in done.stderr


def test_two_files_of_one_name_are_a_problem(cli, write):
    one, two = write("one.json", pipeline("same")), write("two.json", pipeline("same"))

    done = cli("validate", one, two)

    assert done.exit_code == 1
    assert done.stdout.startswith("two.json:2: /name: duplicate-name: The file one.json")


def test_document_that_is_no_object_is_a_problem(cli, write):
    done = cli("validate", write("list.json", [1]))

    assert done.exit_code == 1
    assert done.stdout.startswith('list.json:1: "": wrong-type: ')


def test_byte_order_mark_is_no_part_of_the_document(cli, write):
    raw = b"\xef\xbb\xbf" + json.dumps(pipeline("good")).encode()

    assert cli("validate", write("good.json", raw)).exit_code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "odd.json:1:1: is not JSON"),
        ("{\n  'a': 1}", "odd.json:2:3: is not JSON"),
        ('{"a": NaN}', "odd.json:1:7: is not JSON"),
        (b'{"a": "\xff"}', "odd.json: is not UTF-8 text"),
        ('{"a": 1}'.encode("utf-16"), "odd.json: is not UTF-8 text"),
        ('{\n  "a": 1,\n  "b": [{}, {"c": 1,\n  "c": 2}]\n}', "odd.json:4: The member 'c' occurs"),
        ("[" * 70 + "]" * 70, "odd.json: The JSON is nested deeper"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": 99999999999999999999}', "odd.json: An integer lies outside"),
        (b" " * (16 * 2**20 + 1), "odd.json: is larger than 16 MiB"),
    ],
)
def test_file_that_is_no_json_is_told_with_its_place(cli, write, content, told):
    done = cli("validate", write("odd.json", content))

    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize("target", ["gone", "x.pipeline.json"])
def test_file_that_cannot_be_read_is_told(cli, here, target):
    (here / "x.pipeline.json").symlink_to(target)

    done = cli("validate", ".")

    assert done.exit_code == 2
    assert done.stderr.startswith("fm: x.pipeline.json: cannot be read: ")


def test_every_file_that_is_no_json_is_told(cli, write):
    done = cli(
        "validate", write("a.json", "{"), write("b.json", pipeline("b")), write("c.json", "}")
    )

    assert done.exit_code == 2
    assert "a.json:1:2" in done.stderr
    assert "c.json:1:1" in done.stderr


@pytest.mark.parametrize("words", [[], ["gone.json"], ["empty"]])
def test_nothing_to_validate_is_a_wrong_use(cli, here, words):
    (here / "empty").mkdir()

    done = cli("validate", *words)

    assert done.exit_code == 2
    assert "Error: " in done.stderr


def test_names_that_would_steer_a_terminal_are_shown_harmless(cli, write):
    done = cli("validate", write("odd.json", pipeline("a", **{"\x1b[31m\n": 1})))

    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 2
