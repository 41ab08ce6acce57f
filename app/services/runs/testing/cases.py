"""The tests of a suite as they are kept: what they leave open is put in from recorded runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.core import wire
from app.core.errors import ValidationFailed
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.planner import Plan
from app.services.runs.testing import recording
from app.services.runs.testing.recording import Mocks, Recorded, find_recorded, too_large
from app.services.runs.testing.suite import Case, mock_of


def cases_of(
    who: Principal, plan: Plan, tests: Sequence[Mapping[str, Any]], recorded: Recorded | None
) -> list[Case]:
    """The tests of a document with this plan. `recorded` supplies those that name no run of their
    own. Raises NotFound for an unknown run; ValidationFailed when more is recorded than tests may
    keep."""
    supplies = _Supplies(who, recorded)
    return [_case(plan, test, supplies.of(number, test)) for number, test in enumerate(tests)]


class _Supply(NamedTuple):
    """What one recorded run gives to a test; `size` of its mocks in bytes."""

    recorded: Recorded
    mocks: Mocks
    size: int


class _Supplies:
    """The recorded runs of one suite, each read once; their sum is bounded before it is held."""

    def __init__(self, who: Principal, recorded: Recorded | None) -> None:
        self._who, self._common = who, recorded
        self._known: dict[str, _Supply] = {}
        self._left = recording.MOST_BYTES

    def of(self, number: int, test: Mapping[str, Any]) -> _Supply | None:
        """What the test of this number is supplied with; None when no run is named."""
        if test["from_run"] is None:
            return self._taken(self._common) if self._common else None
        try:
            return self._taken(self._find(test["from_run"]))
        except ValidationFailed as refused:
            base = f"/suite/tests/{number}"
            errors = {base + pointer: why for pointer, why in refused.errors.items()}
            raise ValidationFailed(errors) from None

    def _find(self, run_id: str) -> Recorded:
        known = self._known.get(run_id)
        return known.recorded if known else find_recorded(self._who, run_id)

    def _taken(self, recorded: Recorded) -> _Supply:
        supply = self._known.get(recorded.run_id)
        if supply is None:
            mocks = recorded.mocks()
            supply = _Supply(recorded, mocks, len(wire.dumps_bytes(mocks)))
            self._known[recorded.run_id] = supply
        self._left -= supply.size
        if self._left < 0:
            raise too_large()
        return supply


def _case(plan: Plan, test: Mapping[str, Any], supply: _Supply | None) -> Case:
    members = ("name", "live", "assertions", "stage_assertions", "expect_error", "timeout_ms")
    said = {name: test[name] for name in (*members, "skip")}
    if supply is None:
        return Case(**said, input=test.get("input", {}), mocks=test["mocks"])
    return Case(
        **said,
        input=test.get("input", supply.recorded.input),
        mocks={**_still_mocked(plan, supply, test), **test["mocks"]},
        variables=supply.recorded.subject.variables,
    )


def _still_mocked(plan: Plan, supply: _Supply, test: Mapping[str, Any]) -> dict[str, JSON]:
    """The recorded mocks without those of stages of which the test says something itself, and of
    stages that the document does not have any more, or has as another component."""
    then = supply.recorded.plan.stages
    return {
        stage_id: mock
        for stage_id, mock in supply.mocks.items()
        if (now := plan.stages.get(stage_id)) is not None
        and stage_id in then
        and now.component.type == then[stage_id].component.type
        and stage_id not in test["live"]
        and mock_of(now, test["mocks"]) is None
    }
