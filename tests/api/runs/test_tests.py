"""/tests over HTTP: what is refused where, idempotency, other organisations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.infra import database
from app.models import TestRun
from app.services.runs import drive
from app.services.runs.testing.advancing import advance_test_run
from tests.api.conftest import GOOD, problem

PATH = "/api/v1/tests/run"
KEY = {"Idempotency-Key": "once"}
HTTP = {"id": "call", "component_type": "http_request", "config": {"url": "http://x.test/"}}
LOOP = {
    "id": "each",
    "component_type": "foreach",
    "config": {"items": [1, 2], "loop_stages": ["t"]},
}
GATE = {
    "id": "gate",
    "component_type": "conditional",
    "config": {"condition": True, "true_branch_stages": ["call"]},
}
END = {"id": "end", "component_type": "return", "config": {}}
BODY_STAGE = {"id": "t", "component_type": "json_transform", "config": {"data": 1}}
RICH = {"name": "rich", "stages": [HTTP, LOOP, BODY_STAGE, GATE, END]}
ERROR = {"type": "CONNECTIVITY", "message": "no route"}


@pytest.fixture(autouse=True)
def pipelines(client):
    """Saved pipelines called `greet` and `rich`."""
    for document in (GOOD, RICH):
        assert client.post("/api/v1/pipelines", json=document).status_code == 201


def suite(*tests, **rest):
    return {
        "name": "s",
        "tests": [{"name": f"t{n}", **test} for n, test in enumerate(tests)],
    } | rest


def body(*tests, **rest):
    return {"pipeline_id": "greet", "suite": suite(*tests or ({},))} | rest


def advance():
    """Does all the work there is."""
    advance_test_run()
    drive.advance_run()
    advance_test_run()


def test_suite_is_accepted_with_the_place_to_look(client):
    accepted = client.post(PATH, json=body())

    test_id = accepted.json["test_id"]
    assert (accepted.status_code, accepted.json["status"]) == (202, "pending")
    assert accepted.headers["Location"] == f"/api/v1/tests/{test_id}/status"
    assert client.get(accepted.headers["Location"]).json == {
        "test_id": test_id,
        "status": "pending",
        "progress": {"completed": 0, "total": 1},
    }
    problem(client.get(f"/api/v1/tests/{test_id}/results"), 409, "illegal-move")


def test_results_are_there_once_it_has_ended(client):
    test_id = client.post(PATH, json=body({"input": {"n": 5}})).json["test_id"]
    advance()

    results = client.get(f"/api/v1/tests/{test_id}/results")

    assert (results.status_code, results.json["status"]) == (200, "passed")
    assert results.json["tests"][0]["output"]["result"] == {"v": 5}
    assert list(results.json) == [
        "test_id",
        "name",
        "status",
        "pipeline_id",
        "pipeline_version",
        "started_at",
        "completed_at",
        "duration_ms",
        "summary",
        "tests",
        "coverage",
    ]
    run = client.get(f"/api/v1/runs/{results.json['tests'][0]['run_id']}").json
    assert run["trigger"] == {"type": "test", "id": test_id}


def test_runs_of_tests_are_listed_only_when_asked_for(client):
    client.post(PATH, json=body({"input": {"n": 5}}))
    advance()

    assert client.get("/api/v1/runs").json["items"] == []
    assert len(client.get("/api/v1/runs?trigger=test").json["items"]) == 1


@pytest.mark.parametrize("subject", [{"pipeline_id": "nope"}, {"from_run": "run-x"}])
def test_unknown_subject_is_not_found(client, subject):
    asked = {"suite": suite({})} | subject

    problem(client.post(PATH, json=asked), 404, "not-found")


def test_other_organisations_things_are_not_found(client, rival):
    test_id = client.post(PATH, json=body({"input": {"n": 5}})).json["test_id"]
    advance()
    run_id = client.get(f"/api/v1/tests/{test_id}/results").json["tests"][0]["run_id"]

    for path in (f"/api/v1/tests/{test_id}/status", f"/api/v1/tests/{test_id}/results"):
        problem(rival.get(path), 404, "not-found")
    problem(rival.post(PATH, json=body()), 404, "not-found")
    problem(rival.post(PATH, json={"from_run": run_id}), 404, "not-found")
    own = {"document": GOOD, "suite": suite({"from_run": run_id})}
    problem(rival.post(PATH, json=own), 404, "not-found")
    assert client.post(PATH, json=own).status_code == 202


@pytest.mark.parametrize(
    "id", ["tst-1", "run-01jz0000000000000000000000", "x%00y", "tst-" + "0" * 26]
)
def test_what_is_no_id_is_not_found(client, id):
    problem(client.get(f"/api/v1/tests/{id}/status"), 404, "not-found")
    problem(client.get(f"/api/v1/tests/{id}/results"), 404, "not-found")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, ""),
        ({"suite": suite({})}, ""),
        (body(document=GOOD), ""),
        (body(from_run="run-x"), ""),
        ({"pipeline_id": "greet"}, "/suite"),
        ({"document": GOOD, "suite": None}, "/suite"),
        (body(nope=1), "/nope"),
        (body(pipeline_id=5), "/pipeline_id"),
        (body(pipeline_id="a\0b"), "/pipeline_id"),
        (body(pipeline_id=None, document="x"), "/document"),
        (body(pipeline_id=None, from_run=["x"]), "/from_run"),
        (body(fail_fast="yes"), "/fail_fast"),
        (body(suite=[]), "/suite"),
        (body(suite=suite()), "/suite/tests"),
        (body(*[{}] * 101), "/suite/tests"),
        (body(suite=suite({}) | {"name": ""}), "/suite/name"),
        (body(suite={"tests": [{"name": "a"}]}), "/suite/name"),
        (body(suite=suite({}) | {"surplus": 1}), "/suite/surplus"),
        (body(suite={"name": "s", "tests": [5]}), "/suite/tests/0"),
        (body({"name": "a\0"}), "/suite/tests/0/name"),
        (body({"name": None}), "/suite/tests/0/name"),
        (body({}, {"name": "t0"}), "/suite/tests/1/name"),
        (body({"input": []}), "/suite/tests/0/input"),
        (body({"input": None}), "/suite/tests/0/input"),
        (body({"timeout_ms": 99}), "/suite/tests/0/timeout_ms"),
        (body({"timeout_ms": 600_001}), "/suite/tests/0/timeout_ms"),
        (body({"timeout_ms": "500"}), "/suite/tests/0/timeout_ms"),
        (body({"timeout_ms": True}), "/suite/tests/0/timeout_ms"),
        (body({"timeout_ms": 500.0}), "/suite/tests/0/timeout_ms"),
        (body({"skip": 1}), "/suite/tests/0/skip"),
        (body({"tags": "x"}), "/suite/tests/0/tags"),
        (body({"tags": ["x", 5]}), "/suite/tests/0/tags/1"),
        (body({"live": ["nope"]}), "/suite/tests/0/live/0"),
        (body({"live": "a"}), "/suite/tests/0/live"),
        (body({"expect_error": False}), "/suite/tests/0/expect_error"),
        (body({"expect_error": 5}), "/suite/tests/0/expect_error"),
        (body({"expect_error": {"kind": "x"}}), "/suite/tests/0/expect_error/kind"),
        (body({"expect_error": {"type": "BAD"}}), "/suite/tests/0/expect_error/type"),
        (body({"expect_error": {"stage_id": "nope"}}), "/suite/tests/0/expect_error/stage_id"),
        (body({"assertions": {}}), "/suite/tests/0/assertions"),
        (body({"assertions": ["x"]}), "/suite/tests/0/assertions/0"),
        (body({"assertions": [{}]}), "/suite/tests/0/assertions/0/path"),
        (body({"assertions": [{"path": 5}]}), "/suite/tests/0/assertions/0/path"),
        (body({"assertions": [{"path": "a[x"}]}), "/suite/tests/0/assertions/0/path"),
        (body({"assertions": [{"path": "a", "type": "is"}]}), "/suite/tests/0/assertions/0/type"),
        (
            body({"assertions": [{"path": "a"}, {"path": "a", "type": "equals"}]}),
            "/suite/tests/0/assertions/1/value",
        ),
        (
            body({"assertions": [{"path": "a", "type": "matches", "value": "(?=x)"}]}),
            "/suite/tests/0/assertions/0/value",
        ),
        (
            body({"assertions": [{"path": "a", "type": "schema", "value": {"type": 5}}]}),
            "/suite/tests/0/assertions/0/value",
        ),
        (
            body({"assertions": [{"path": "a", "type": "closeTo", "value": 1, "tolerance": "x"}]}),
            "/suite/tests/0/assertions/0/tolerance",
        ),
        (
            body({"assertions": [{"path": "a", "message": 5}]}),
            "/suite/tests/0/assertions/0/message",
        ),
        (body({"stage_assertions": []}), "/suite/tests/0/stage_assertions"),
        (body({"stage_assertions": {"nope": []}}), "/suite/tests/0/stage_assertions/nope"),
        (body({"stage_assertions": {"a/b\0": []}}), "/suite/tests/0/stage_assertions/a~1b\0"),
        (body({"stage_assertions": {"a": {}}}), "/suite/tests/0/stage_assertions/a"),
        (
            body({"stage_assertions": {"a": [{"path": "x", "type": "is"}]}}),
            "/suite/tests/0/stage_assertions/a/0/type",
        ),
        (
            body({"stage_assertions": {"a": [{"path": 1}]}}),
            "/suite/tests/0/stage_assertions/a/0/path",
        ),
        (body({"mocks": []}), "/suite/tests/0/mocks"),
        (body({"mocks": {"nope": {"output": {}}}}), "/suite/tests/0/mocks/nope"),
        (body({"mocks": {"http_request": {"output": {}}}}), "/suite/tests/0/mocks/http_request"),
        (body({"mocks": {"a": {}}}), "/suite/tests/0/mocks/a"),
        (body({"mocks": {"a": 5}}), "/suite/tests/0/mocks/a"),
        (body({"mocks": {"a": {"output": 5}}}), "/suite/tests/0/mocks/a/output"),
        (body({"mocks": {"a": {"outputs": []}}}), "/suite/tests/0/mocks/a/outputs"),
        (body({"mocks": {"a": {"outputs": [{}]}}}), "/suite/tests/0/mocks/a/outputs"),
        (body({"mocks": {"a": {"outputs": [{}, 5]}}}), "/suite/tests/0/mocks/a/outputs/1"),
        (body({"mocks": {"a": {"output": {}, "error": ERROR}}}), "/suite/tests/0/mocks/a"),
        (body({"mocks": {"a": {"error": {}}}}), "/suite/tests/0/mocks/a/error/type"),
        (
            body({"mocks": {"a": {"error": ERROR | {"type": "BAD"}}}}),
            "/suite/tests/0/mocks/a/error/type",
        ),
        (
            body({"mocks": {"a": {"error": ERROR | {"retryable": 1}}}}),
            "/suite/tests/0/mocks/a/error/retryable",
        ),
    ],
)
def test_what_is_wrong_is_refused_at_its_pointer(client, asked, pointer):
    refused = problem(client.post(PATH, json=asked), 422, "validation-failed")

    assert pointer in refused["errors"], refused["errors"]
    assert TestRun.select().count() == 0


@pytest.mark.parametrize("key", ["foreach", "conditional", "return"])
def test_owners_gates_and_return_are_not_mocked_by_their_type(client, key):
    asked = body({"mocks": {key: {"output": {}}}}, pipeline_id="rich")

    refused = problem(client.post(PATH, json=asked), 422, "validation-failed")

    assert list(refused["errors"]) == [f"/suite/tests/0/mocks/{key}"]


def test_mocks_by_stage_and_type_and_for_each_iteration_are_taken(client):
    mocks = {
        "http_request": {"output": {"status_code": 200}},
        "t": {"outputs": [{"result": 1}, {"result": 2}]},
        "json_transform": {"outputs": [{"result": 1}]},
        "each": {"output": {}},
        "gate": {"error": ERROR},
        "end": {"output": {}},
    }

    assert client.post(PATH, json=body({"mocks": mocks}, pipeline_id="rich")).status_code == 202


def test_all_that_is_wrong_is_told_at_once(client):
    asked = body(
        {"live": ["nope"], "mocks": {"x": {"output": {}}}},
        {"name": "t0", "assertions": [{"path": "a", "type": "equals"}]},
    )

    refused = problem(client.post(PATH, json=asked), 422, "validation-failed")

    assert sorted(refused["errors"]) == [
        "/suite/tests/0/live/0",
        "/suite/tests/0/mocks/x",
        "/suite/tests/1/assertions/0/value",
        "/suite/tests/1/name",
    ]


def test_document_with_problems_is_refused_at_its_pointers(client):
    stage = {"id": "a", "component_type": "json_transform", "config": {"data": "{{ nope }}"}}
    document = {"name": "x", "stages": [stage], "surplus": 1}

    refused = problem(
        client.post(PATH, json={"document": document, "suite": suite({})}), 422, "invalid-pipeline"
    )

    assert [each["pointer"] for each in refused["problems"]] == [
        "/document/stages/0/config/data",
        "/document/surplus",
    ]
    assert list(refused["errors"]) == ["/document/stages/0/config/data", "/document/surplus"]


def test_document_is_tested_without_being_saved(client):
    document = GOOD | {"name": "unsaved", "version": "3.1.4"}
    asked = {"document": document, "suite": suite({"input": {"n": 7}})}
    test_id = client.post(PATH, json=asked).json["test_id"]
    advance()

    results = client.get(f"/api/v1/tests/{test_id}/results").json
    assert (results["status"], results["pipeline_id"], results["pipeline_version"]) == (
        "passed",
        None,
        None,
    )
    problem(client.get("/api/v1/pipelines/unsaved"), 404, "not-found")


def test_every_read_of_a_run_of_an_unsaved_document_works(client):
    asked = {"document": GOOD | {"name": "unsaved"}, "suite": suite({"input": {"n": 7}})}
    test_id = client.post(PATH, json=asked).json["test_id"]
    advance()
    run_id = client.get(f"/api/v1/tests/{test_id}/results").json["tests"][0]["run_id"]

    path = f"/api/v1/runs/{run_id}"
    run, events = client.get(path).json, client.get(f"{path}/events").json["items"]
    listed = client.get("/api/v1/runs?trigger=test").json["items"][0]
    for told in (run, listed, events[0]):
        assert (told["pipeline_id"], told["pipeline_name"], told["pipeline_version"]) == (
            None,
            "unsaved",
            None,
        )
    assert [stage["stage_id"] for stage in run["stages"]] == ["a"]
    assert client.get(f"{path}/status").json["progress"] == {"completed": 1, "total": 1}
    assert client.get(f"{path}/stages").json["items"][0]["output"]["result"] == {"v": 7}
    problem(client.post(f"{path}/stop"), 409, "illegal-move")


def test_same_request_with_the_same_key_is_answered_again(client):
    first = client.post(PATH, json=body(), headers=KEY)
    advance()

    again = client.post(PATH, json=body(), headers=KEY)

    assert (again.status_code, again.json) == (202, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert TestRun.select().count() == 1


def test_other_body_with_the_same_key_is_refused(client):
    client.post(PATH, json=body(), headers=KEY)

    other = client.post(PATH, json=body({"input": {"n": 1}}), headers=KEY)

    problem(other, 422, "idempotency-mismatch")
    assert TestRun.select().count() == 1


def test_refused_request_may_be_repeated_with_its_key(client):
    problem(client.post(PATH, json={}, headers=KEY), 422, "validation-failed")

    assert client.post(PATH, json=body(), headers=KEY).status_code == 202


def test_of_copies_at_once_one_is_taken(app, client, settings):
    database.disconnect()
    database.connect(settings.database_url, max_connections=20)

    def ask(_):
        own = app.test_client()
        own.environ_base.update(client.environ_base)
        return own.post(PATH, json=body(), headers=KEY)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(32)))

    assert {(answer.status_code, answer.data) for answer in answers} == {(202, answers[0].data)}
    assert TestRun.select().count() == 1


def test_nul_is_kept_in_free_form_values(client):
    test = {
        "input": {"n": 1, "x\0": "\0"},
        "assertions": [{"path": "output", "type": "notEquals", "value": "\0"}],
    }
    test_id = client.post(PATH, json=body(test)).json["test_id"]
    advance()

    assert client.get(f"/api/v1/tests/{test_id}/results").json["status"] == "passed"


def test_passed_test_run_lets_its_version_be_published(client):
    test_id = client.post(PATH, json=body({"input": {"n": 1}})).json["test_id"]
    path = "/api/v1/pipelines/greet/publish"
    problem(client.post(path, json={"test_run_id": test_id}), 422, "validation-failed")
    advance()

    published = client.post(path, json={"test_run_id": test_id})

    assert (published.status_code, published.json["version"]) == (200, "1.0.0")
    assert client.get("/api/v1/pipelines/greet").json["last_test_run_id"] == test_id


def test_test_run_that_failed_or_is_of_something_else_does_not(client, rival):
    failing = body({"input": {"n": 1}, "assertions": [{"path": "nope"}]})
    failed = client.post(PATH, json=failing).json["test_id"]
    advance()
    unsaved = {"document": GOOD, "suite": suite({"input": {"n": 1}})}
    of_document = client.post(PATH, json=unsaved).json["test_id"]
    advance()
    of_rich = client.post(PATH, json=body({"skip": True}, pipeline_id="rich")).json["test_id"]
    advance()
    rival.post("/api/v1/pipelines", json=GOOD)
    of_others = rival.post(PATH, json=body({"skip": True})).json["test_id"]
    advance()

    for test_id in (failed, of_document, of_rich, of_others):
        refused = client.post("/api/v1/pipelines/greet/publish", json={"test_run_id": test_id})
        assert list(problem(refused, 422, "validation-failed")["errors"]) == ["/test_run_id"]


def test_run_of_a_test_is_no_run_of_the_version_as_it_is(client):
    test_id = client.post(PATH, json=body({"input": {"n": 1}})).json["test_id"]
    advance()
    run_id = client.get(f"/api/v1/tests/{test_id}/results").json["tests"][0]["run_id"]

    refused = client.post("/api/v1/pipelines/greet/publish", json={"test_run_id": run_id})

    problem(refused, 422, "validation-failed")
