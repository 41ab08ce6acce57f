from __future__ import annotations

import pytest

from app.core.errors import RunError
from app.engine.assertions import ExpectedError

ERROR = RunError("CONNECTIVITY", "no route to host", "fetch")


@pytest.mark.parametrize(
    "expected",
    [
        ExpectedError(),
        ExpectedError(type="CONNECTIVITY"),
        ExpectedError(message_contains="route"),
        ExpectedError(stage_id="fetch"),
        ExpectedError("CONNECTIVITY", "no route to host", "fetch"),
    ],
)
def test_error_is_the_expected_one(expected):
    assert expected.refusal(ERROR) is None


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (ExpectedError(type="TIMEOUT"), "with TIMEOUT, and failed with CONNECTIVITY"),
        (ExpectedError(message_contains="Route"), "no route to host"),
        (ExpectedError(stage_id="a"), "in a, and failed in fetch"),
    ],
)
def test_error_is_another_one(expected, says):
    assert says in expected.refusal(ERROR)


def test_run_that_did_not_fail_is_refused():
    assert ExpectedError().refusal(None) == "The run was to fail, and did not."
