"""switch_router by itself: the modes, the first match, and what that keeps from running."""

from __future__ import annotations

import pytest

from app.engine.operators.switch_router import SwitchRouter
from tests.engine.operators.running import output_of


def run(data, *cases, **config):
    """The output for cases given as pairs of value and route."""
    written = [{"value": value, "route": route} for value, route in cases]
    return output_of(SwitchRouter(), data=data, cases=written, **config)


def route_of(mode, data, *cases):
    return run(data, *cases, comparison_mode=mode)["matched_route"]


@pytest.mark.parametrize(
    ("mode", "data", "case", "matches"),
    [
        ("equals", 1, 1.0, True),
        ("equals", {"a": [1]}, {"a": [1]}, True),
        ("equals", "a", "A", False),
        ("equals", 1, True, False),
        ("equals", "1", 1, False),
        ("equals", None, None, True),
        ("case_insensitive", "Gold", "GOLD", True),
        ("case_insensitive", "Gold", "Golden", False),
        ("contains", "error: disk full", "disk", True),
        ("contains", "error", "disk", False),
        ("contains", ["a", {"b": 1}], {"b": 1}, True),
        ("contains", ["a"], "b", False),
        ("contains", "route 66", 66, True),
        ("contains", 66, 6, False),
        ("starts_with", "order-17", "order-", True),
        ("starts_with", "order-17", "17", False),
        ("starts_with", 17, "1", False),
        ("greater_than", 10, 9.5, True),
        ("greater_than", 10, 10, False),
        ("greater_than", "b", "a", True),
        ("greater_than", "10", 9, False),
        ("greater_than", True, 0, False),
        ("less_than", 3, 5, True),
        ("less_than", 5, 5, False),
        ("less_than", None, 5, False),
        ("in", "b", ["a", "b"], True),
        ("in", "c", ["a", "b"], False),
        ("in", [1], [[1], 2], True),
        ("in", "a", "abc", False),
        ("glob", "report-2026.pdf", "*.pdf", True),
        ("glob", "report-2026.pdf", "report-????.pdf", True),
        ("glob", "report-26.pdf", "report-????.pdf", False),
        ("glob", "a.b", "a?b", True),
        ("glob", "a+b", "a+b", True),
        ("glob", "ab", "a+b", False),
        ("glob", "a\nb", "a*b", True),
        ("glob", "xa", "a", False),
    ],
)
def test_a_value_matches_a_case_by_the_mode(mode, data, case, matches):
    assert route_of(mode, data, (case, "hit")) == ("hit" if matches else None)


def test_deep_equality_is_the_mode_unless_another_is_named():
    assert run(5, (5, "five"))["matched_route"] == "five"


def test_the_first_case_that_matches_wins():
    output = run(120, (100, "big"), (10, "some"), comparison_mode="greater_than")

    assert (output["matched_route"], output["matched_case"]) == ("big", 100)


def test_a_path_leads_to_the_value():
    output = run(
        {"order": {"lines": [{"sku": "x"}]}}, ("x", "hit"), value_path="order.lines[0].sku"
    )

    assert (output["matched_route"], output["value"]) == ("hit", "x")
    assert output["data"] == {"order": {"lines": [{"sku": "x"}]}}


def test_a_path_that_leads_nowhere_gives_null_to_match():
    output = run({"a": 1}, (None, "nothing"), value_path="b.c")

    assert (output["matched_route"], output["value"]) == ("nothing", None)


def test_without_a_match_the_default_route_is_taken():
    output = run("z", ("a", "x"), default_route="d")

    assert output == {"matched_route": "d", "matched_case": None, "value": "z", "data": "z"}


def test_without_a_match_and_default_there_is_no_route():
    assert run("z", ("a", "x"))["matched_route"] is None


@pytest.mark.parametrize(
    ("data", "closed"), [("a", {"y", "d"}), ("b", {"x", "d"}), ("z", {"x", "y"})]
)
def test_the_stages_of_other_routes_are_closed(data, closed):
    cases = [{"value": "a", "route": "x"}, {"value": "b", "route": "y"}]
    output = run(data, ("a", "x"), ("b", "y"), default_route="d")

    assert set(SwitchRouter().closes({"cases": cases, "default_route": "d"}, output)) == closed


def test_a_stage_of_several_cases_is_open_when_one_of_them_matches():
    cases = [{"value": 1, "route": "x"}, {"value": 2, "route": "x"}, {"value": 3, "route": "y"}]
    output = run(2, (1, "x"), (2, "x"), (3, "y"))

    assert set(SwitchRouter().closes({"cases": cases}, output)) == {"y"}


def test_a_gate_that_failed_closes_every_route():
    config = {"cases": [{"value": 1, "route": "x"}], "default_route": "d"}

    assert set(SwitchRouter().closes(config, None)) == {"x", "d"}
