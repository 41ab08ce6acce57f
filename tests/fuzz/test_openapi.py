"""Every answer is as the API document says, whatever is asked; and nothing fails inside.

A step of its own in the CI; `HYPOTHESIS_PROFILE=thorough` asks fifty times as much.
"""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis.stateful import rule, run_state_machine_as_test
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.modes import GenerationMode

from app.services.runs import drive
from tests.engine.reference.profile import THOROUGH, examples

# One test asks every operation: it grows with them, and with what else the machine does.
pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)

STEPS = 15

#: It goes on until its run ends; tests/api/runs asks it of a real web process.
STREAM = "/api/v1/runs/{run_id}/events/stream"


def put_in(case, known: dict[str, list[str]], number: int) -> None:
    """Has every second case name things that exist, else nearly all would be answered 404.

    A body that breaks its schema keeps what it has: a member put in may be the one that breaks it.
    """
    for members in (case.path_parameters, None if _is_broken(case) else case.body):
        if isinstance(members, dict) and number % 2:
            for name in members.keys() & known.keys():
                members[name] = known[name][number // 2 % len(known[name])]


def _is_broken(case) -> bool:
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return body is not None and body.mode is GenerationMode.NEGATIVE


def operations(schema):
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if one.path != STREAM]


def test_each_operation_answers_as_documented(schema, begin, subtests):
    for operation in operations(schema):
        numbers, known = count(), begin()

        @examples(30)
        @given(case=operation.as_strategy())
        def ask(case):
            put_in(case, known, next(numbers))  # noqa: B023 called in this turn of the loop
            case.call_and_validate()

        with subtests.test(operation.label):
            ask()


def test_sequences_of_operations_answer_as_documented(schema, begin):
    answered: Counter[tuple[str, int]] = Counter()
    schema = schema.exclude(path=STREAM)

    class Caller(schema.as_state_machine()):
        """Calls one operation after another with what earlier ones gave, as workers go on."""

        def setup(self):
            # The same house for each: the same calls are to have the same answers.
            self.known, self.numbers = begin(), count()

        def before_call(self, case):
            put_in(case, self.known, next(self.numbers))

        def after_call(self, response, case):
            answered[case.operation.label, response.status_code] += 1

        @rule()
        def work(self):
            """A worker is free."""
            drive.advance_run()

    run_state_machine_as_test(Caller, settings=settings(examples(90), stateful_step_count=STEPS))

    succeeded = {label for label, status in answered if status < 300}
    assert len(succeeded) > 15, f"too few of the operations were reached: {succeeded}"
    assert "POST /api/v1/runs" in succeeded, "no run was ever started"
