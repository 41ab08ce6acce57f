"""/tests: suites of pipeline tests, run with mocks (contract 05, Tests)."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView

from app.api.answers import answer
from app.api.bodies import Blueprint, body
from app.api.runs.headers import idempotency
from app.api.runs.test_schemas import TestAcceptedOut, TestsIn, TestStatusOut, TestSuiteOut
from app.api.security import principal, requires
from app.services.runs.testing.asking import run_tests
from app.services.runs.testing.reading import get_test_results, get_test_status

PATH = "/api/v1/tests"
blp = Blueprint("tests", __name__, url_prefix=PATH, description="Tests of pipelines.")


@blp.route("/run")
class Tests(MethodView):
    """Suites to carry out."""

    @requires("runs:write")
    @blp.arguments(TestsIn())
    @blp.response(202, TestAcceptedOut)
    def post(self, args: dict[str, Any]) -> Response:
        """Run tests of a pipeline, of a document that is not saved, or out of a recorded run.

        Each test is a run of its own. Stages that would reach out need a mock, or are named in
        `live`; nothing is delivered.
        """
        asked = run_tests(principal(), **args, idempotency=idempotency(request, body()))
        headers = {"Location": f"{PATH}/{asked.test_id}/status"}
        if asked.replayed:
            headers["Idempotent-Replayed"] = "true"
        return answer({"test_id": asked.test_id, "status": "pending"}, 202, headers)


@blp.route("/<string:test_id>/status")
class TestStatus(MethodView):
    """Where one test run stands."""

    @requires("runs:read")
    @blp.response(200, TestStatusOut)
    def get(self, test_id: str) -> Response:
        """Read how many tests of a test run are over."""
        return answer(get_test_status(principal(), test_id))


@blp.route("/<string:test_id>/results")
class TestResults(MethodView):
    """What came of one test run."""

    @requires("runs:read")
    @blp.response(200, TestSuiteOut)
    def get(self, test_id: str) -> Response:
        """Read the results of a test run that has ended; 409 before that."""
        return answer(get_test_results(principal(), test_id))
