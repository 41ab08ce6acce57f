"""What is wrong with the tests of a suite, held against the pipeline that they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core.errors import ValidationFailed
from app.core.wire import JSON, pointer
from app.engine.assertions import read_assertion
from app.engine.doubles import can_be_mocked_by_type
from app.engine.planner import ROOT, Plan, PlannedStage

Problem = tuple[str, str]  #: JSON pointer into the body, and a sentence


def check_tests(plan: Plan, tests: Sequence[Mapping[str, Any]]) -> None:
    """Raises ValidationFailed with everything that is wrong, at pointers below `/suite/tests`."""
    errors: dict[str, list[str]] = {}
    for place, sentence in _problems(plan, tests):
        errors.setdefault(place, []).append(sentence)
    if errors:
        raise ValidationFailed(errors)


def _problems(plan: Plan, tests: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    names: set[str] = set()
    for number, test in enumerate(tests):
        base = f"/suite/tests/{number}"
        if test["name"] in names:
            yield f"{base}/name", "Another test of the suite has this name."
        names.add(test["name"])
        yield from _mock_problems(plan, test["mocks"], f"{base}/mocks")
        for index, stage_id in enumerate(test["live"]):
            yield from _unknown(plan, stage_id, f"{base}/live/{index}")
        yield from _assertion_problems(test["assertions"], f"{base}/assertions")
        for stage_id, assertions in test["stage_assertions"].items():
            place = base + pointer("stage_assertions", stage_id)
            yield from _unknown(plan, stage_id, place)
            yield from _assertion_problems(assertions, place)
        stage_id = (test["expect_error"] or {}).get("stage_id")
        if stage_id is not None:
            yield from _unknown(plan, stage_id, f"{base}/expect_error/stage_id")


def _unknown(plan: Plan, stage_id: str, place: str) -> Iterator[Problem]:
    if stage_id not in plan.stages:
        yield place, f"There is no stage {stage_id[:100]!r}."


def _assertion_problems(assertions: Sequence[Mapping[str, JSON]], base: str) -> Iterator[Problem]:
    for index, raw in enumerate(assertions):
        read = read_assertion(raw)
        if isinstance(read, list):
            for member, sentence in read:
                yield f"{base}/{index}/{member}", sentence


def _mock_problems(plan: Plan, mocks: Mapping[str, Any], base: str) -> Iterator[Problem]:
    for key, mock in mocks.items():
        place, stages = base + pointer(key), _mocked(plan, key)
        if not stages:
            sentence = f"{key[:100]!r} is neither a stage nor a component type of the document."
            yield place, sentence
        elif key not in plan.stages and not can_be_mocked_by_type(stages[0].component):
            yield place, "Owners, gates and return are mocked by the id of a stage alone."
        elif "outputs" in mock and all(stage.body == ROOT for stage in stages):
            yield f"{place}/outputs", "Only stages in a body have several outputs."


def _mocked(plan: Plan, key: str) -> list[PlannedStage]:
    """The stages that a key of mocks means."""
    if key in plan.stages:
        return [plan.stages[key]]
    return [stage for stage in plan.stages.values() if stage.component.type == key]
