"""What strangers try: each is refused by a problem document that names the trouble, nothing is
stored, nothing stalls."""

from __future__ import annotations

import json
import time

import pytest

from app.models.pipelines import Pipeline
from app.models.runs import Run
from tests.api.conftest import GOOD, problem

POSTS = [
    "/api/v1/pipelines",
    "/api/v1/pipelines/validate",
    "/api/v1/pipelines/nope/validate",
    "/api/v1/runs",
    "/api/v1/auth/api-keys",
]
TAKERS = [("POST", path) for path in POSTS] + [("PUT", "/api/v1/pipelines/nope")]
PATIENCE_SECONDS = 2.0


@pytest.fixture(autouse=True)
def in_time():
    """Fails a request that holds the process."""
    began = time.process_time()
    yield
    assert time.process_time() - began < PATIENCE_SECONDS + 8  # fixtures included


def post(client, path, text, method="POST"):
    began = time.process_time()
    answer = client.open(path, method=method, data=text, content_type="application/json")
    assert time.process_time() - began < PATIENCE_SECONDS
    return answer


DEEP = 10_000
MALFORMED = {
    "cut": b'{"name": "x"',
    "empty text": b" ",
    "array": b"[]",
    "number": b"7",
    "string": b'"x"',
    "null": b"null",
    "two values": b"{} {}",
    "trailing comma": b'{"name": "x",}',
    "comment": b'{"name": "x"} // hi',
    "single quotes": b"{'name': 'x'}",
    "duplicate member": b'{"name": "x", "name": "y"}',
    "duplicate member inside": b'{"name": "x", "metadata": {"a": {"b": 1, "b": 2}}}',
    "duplicate by escape": b'{"name": "x", "n\\u0061me": "y"}',
    "nan": b'{"name": "x", "metadata": {"a": NaN}}',
    "infinity": b'{"name": "x", "metadata": {"a": -Infinity}}',
    "overflow": b'{"name": "x", "metadata": {"a": 1e999}}',
    "huge integer": b'{"name": "x", "metadata": {"a": 9223372036854775808}}',
    "huger integer": b'{"name": "x", "metadata": {"a": ' + b"9" * 100_000 + b"}}",
    "least integer": b'{"name": "x", "metadata": {"a": -9223372036854775808}}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "lone surrogate name": b'{"\\udfff": 1}',
    "invalid utf-8": b'{"name": "\xff"}',
    "cesu surrogate": b'{"name": "\xed\xa0\x80"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "control character": b'{"name": "a\nb"}',
    "leading zero": b'{"name": "x", "metadata": {"a": 01}}',
}


@pytest.mark.parametrize(("method", "path"), TAKERS)
@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_text_that_is_no_good_json_object_is_400(client, method, path, text):
    problem(post(client, path, text, method), 400, "malformed-json")
    assert Pipeline.select().count() == 0


TOO_DEEP = {
    "65 arrays": b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}",
    "10,000 arrays": b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "10,000 objects": b'{"a": ' * DEEP + b"1" + b"}" * DEEP,
    "a megabyte of brackets": b"[" * 1_000_000,
}


@pytest.mark.parametrize(("method", "path"), TAKERS)
@pytest.mark.parametrize("text", TOO_DEEP.values(), ids=TOO_DEEP)
def test_deep_nesting_is_400(client, method, path, text):
    problem(post(client, path, text, method), 400, "json-too-deep")


def test_brackets_inside_strings_are_not_depth(client):
    text = json.dumps({"name": "p", "description": "[" * 5000})

    assert post(client, "/api/v1/pipelines", text).status_code == 201


@pytest.mark.parametrize(("method", "path"), TAKERS)
def test_two_megabytes_are_413(client, method, path):
    text = json.dumps({"name": "x" * 2_000_000})

    refused = problem(post(client, path, text, method), 413, "too-large")
    assert refused["limit_bytes"] == 1_048_576


def test_integers_at_the_edge_are_kept(client):
    edge = {"high": 2**63 - 1, "low": -(2**63 - 1)}

    made = post(client, "/api/v1/pipelines", json.dumps({"name": "p", "metadata": edge}))

    assert made.json["metadata"] == edge


def stage(**members):
    return {"name": "p", "stages": [{"id": "a", "component_type": "logger", **members}]}


def chain(*links):
    """A document whose stages depend on each other as given: `chain("ab", "ba")`."""
    return {
        "name": "p",
        "stages": [
            {
                "id": link[0],
                "component_type": "logger",
                "config": {"message": "x"},
                "depends_on": list(link[1:]),
            }
            for link in links
        ],
    }


def message(text):
    return stage(config={"message": text})


REFUSED = {
    "no name": ({}, "/name"),
    "name is a number": ({"name": 5}, "/name"),
    "name with nul": ({"name": "a\0b"}, "/name"),
    "name with at": ({"name": "a@b"}, "/name"),
    "name with slash": ({"name": "a/b"}, "/name"),
    "name like an id": ({"name": "pl-01jz0000000000000000000000"}, "/name"),
    "long name": ({"name": "x" * 101}, "/name"),
    "description with nul": ({"name": "p", "description": "\0"}, "/description"),
    "category with nul": ({"name": "p", "category": "\0"}, "/category"),
    "tag with nul": ({"name": "p", "tags": ["\0"]}, "/tags/0"),
    "boolean as text": ({"name": "p", "is_template": "true"}, "/is_template"),
    "boolean as number": ({"name": "p", "is_template": 1}, "/is_template"),
    "number as boolean": ({"name": "p", "max_concurrency": True}, "/max_concurrency"),
    "number as text": ({"name": "p", "max_concurrency": "5"}, "/max_concurrency"),
    "number over its bound": ({"name": "p", "max_concurrency": 101}, "/max_concurrency"),
    "version without numbers": ({"name": "p", "version": "latest"}, "/version"),
    "endless version": ({"name": "p", "version": "1" * 5000 + ".0.0"}, "/version"),
    "big metadata": ({"name": "p", "metadata": {"a": "x" * 17_000}}, "/metadata"),
    "stages are an object": ({"name": "p", "stages": {}}, "/stages"),
    "stage is a number": ({"name": "p", "stages": [7]}, "/stages/0"),
    "too many stages": ({"name": "p", "stages": [{}] * 2001}, "/stages"),
    "unknown member": ({"name": "p", "owner": "me"}, "/owner"),
    "prototype": ({"name": "p", "__proto__": {}}, "/__proto__"),
    "unknown stage member": (stage(timeuot=5), "/stages/0/timeuot"),
    "unknown component": (stage(component_type="os.system"), "/stages/0/component_type"),
    "self dependency": (chain("aa"), "/stages/0/depends_on"),
    "cycle of three": (chain("ac", "ba", "cb"), "/stages/0/depends_on"),
    "unknown dependency": (chain("az"), "/stages/0/depends_on/0"),
    "unknown stage reference": (message("{{ upstream.nope }}"), "/stages/0/config/message"),
    "unknown root": (message("{{ os.environ }}"), "/stages/0/config/message"),
    "dunder": (message("{{ input.__class__ }}"), "/stages/0/config/message"),
    "unknown function": (message("{{ eval('1') }}"), "/stages/0/config/message"),
    "open braces": (message("{{ input.x"), "/stages/0/config/message"),
    "deep expression": (
        message("{{ " + "(" * 5000 + ")" * 5000 + " }}"),
        "/stages/0/config/message",
    ),
    "long expression": (message("{{ " + "1+" * 50_000 + "1 }}"), "/stages/0/config/message"),
    "many nots": (message("{{ " + "not " * 1000 + "1 }}"), "/stages/0/config/message"),
    "many minuses": (message("{{ " + "-" * 4000 + "1 }}"), "/stages/0/config/message"),
    "huge literal": (message("{{ " + "9" * 4000 + " }}"), "/stages/0/config/message"),
    "unknown output stage": ({"name": "p", "output_stage_id": "z"}, "/output_stage_id"),
    "schema of a wrong type": ({"name": "p", "input_schema": {"type": "text"}}, "/input_schema"),
    "schema with look-behind": (
        {"name": "p", "input_schema": {"pattern": "(?<=a)b"}},
        "/input_schema",
    ),
    "schema with back-reference": (
        {"name": "p", "output_schema": {"pattern": r"(a)\1"}},
        "/output_schema",
    ),
    "schema from the network": (
        {"name": "p", "input_schema": {"$ref": "http://127.0.0.1:1/x.json"}},
        "/input_schema",
    ),
    "schema from a file": (
        {"name": "p", "input_schema": {"$ref": "file:///etc/passwd"}},
        "/input_schema",
    ),
}


@pytest.mark.parametrize(("document", "pointer"), REFUSED.values(), ids=REFUSED)
def test_hostile_document_is_422_at_the_place_and_saves_nothing(client, document, pointer):
    answer = post(client, "/api/v1/pipelines", json.dumps(document))

    refused = problem(answer, 422, "invalid-pipeline")
    assert pointer in refused["errors"]
    assert all(told for told in refused["errors"].values())
    assert Pipeline.select().count() == 0


def test_many_problems_at_once_are_told_in_time(client):
    stages = [{"id": f"s{i}", "component_type": "nope", "x": 1} for i in range(2000)]

    answer = post(client, "/api/v1/pipelines", json.dumps({"name": "p", "stages": stages}))

    assert len(problem(answer, 422, "invalid-pipeline")["problems"]) >= 4000


def test_backtracking_pattern_is_judged_in_linear_time(client):
    schema = {"properties": {"s": {"type": "string", "pattern": "^(a+)+$"}}}
    post(client, "/api/v1/pipelines", json.dumps({"name": "p", "input_schema": schema}))

    body = {"pipeline_id": "p", "input": {"s": "a" * 100_000 + "!"}}
    answer = post(client, "/api/v1/runs", json.dumps(body))

    assert list(problem(answer, 422, "invalid-input")["errors"]) == ["/input/s"]
    assert Run.select().count() == 0


def test_input_is_never_taken_for_a_template(client):
    client.post("/api/v1/pipelines", json=GOOD | {"input_schema": {}})
    hostile = {"n": "{{ env.SECRET_KEY }}", "x": "{% for %}", "nul": "\0"}

    run = client.post("/api/v1/runs", json={"pipeline_id": "greet", "input": hostile}).json

    assert run["input"] == hostile


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/..%2f..%2fetc",
        "/api/v1/runs/%00",
        "/api/v1/pipelines/%ff%fe",
        "/api/v1/pipelines/" + "x" * 7000,
        "/api/v1/pipelines/' OR 1=1 --",
        "/api/v1/auth/api-keys/%F0%9F%98%80",
    ],
)
def test_hostile_path_is_404(client, path):
    problem(client.get(path), 404, "not-found")
