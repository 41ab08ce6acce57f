"""router by itself: which route a value takes, and what that keeps from running."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.operators.router import Router
from tests.engine.operators.running import output_of

ROUTES = {"new": ["a", "both"], "paid": ["b", "both"], "5": ["five"], "true": ["yes"], "": ["none"]}


def run(value, routes=ROUTES, **config):
    return output_of(Router(), value=value, routes=routes, **config)


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("new", "new"),
        ("paid", "paid"),
        (5, "5"),
        ("5", "5"),
        (True, "true"),
        ("", ""),
        (None, ""),
        ("NEW", "default"),
        ("other", "default"),
        (5.5, "default"),
        ([5], "default"),
    ],
)
def test_the_key_that_equals_the_text_of_the_value_is_taken(value, taken):
    assert run(value)["route_taken"] == taken


def test_arrays_and_objects_have_their_compact_json_as_text():
    routes = {'[1,"a"]': ["x"], '{"k":1}': ["y"]}

    assert run([1, "a"], routes)["route_taken"] == '[1,"a"]'
    assert run({"k": 1}, routes)["route_taken"] == '{"k":1}'


def test_any_case_matches_when_asked_for_and_the_exact_key_comes_first():
    routes = {"ab": ["x"], "AB": ["y"], "Straße": ["z"]}

    assert run("AB", routes, case_insensitive=True)["route_taken"] == "AB"
    assert run("aB", routes, case_insensitive=True)["route_taken"] == "ab"
    assert run("STRASSE", routes, case_insensitive=True)["route_taken"] == "Straße"
    assert run("c", routes, case_insensitive=True)["route_taken"] == "default"


def test_a_matching_route_names_what_runs_and_what_does_not():
    output = run("paid", default_route=["d"])

    assert output == {
        "route_taken": "paid",
        "original_value": "paid",
        "matched_value": "paid",
        "stages_to_execute": ["b", "both"],
        "stages_to_skip": ["a", "five", "yes", "none", "d"],
        "data": None,
    }


def test_without_a_match_the_default_route_is_taken():
    output = run("zzz", {"a": ["x"], "b": ["y", "d2"]}, default_route=["d1", "d2"])

    assert (output["route_taken"], output["stages_to_execute"]) == ("default", ["d1", "d2"])
    assert output["stages_to_skip"] == ["x", "y"]


def test_without_a_match_and_default_nothing_runs():
    output = run("zzz", {"a": ["x"]})

    assert (output["stages_to_execute"], output["stages_to_skip"]) == ([], ["x"])


def test_an_expression_gives_what_is_matched():
    output = run({"state": "new"}, value_expression="value.state")

    assert (output["route_taken"], output["matched_value"]) == ("new", "new")
    assert output["original_value"] == {"state": "new"}


def test_an_expression_sees_what_the_stage_sees():
    assert run(0, value_expression="input.n + value")["route_taken"] == "5"


def test_an_expression_that_fails_fails_the_stage():
    with pytest.raises(StageError) as failed:
        run({}, value_expression="value.nope")

    assert failed.value.type == "EXPRESSION"


def test_pass_data_is_given_on():
    assert run("new", pass_data=[1])["data"] == [1]


def test_the_stages_of_other_routes_are_closed():
    config = {"routes": ROUTES, "default_route": ["d"]}

    closed = Router().closes(config, run("new", default_route=["d"]))

    assert set(closed) == {"b", "five", "yes", "none", "d"}


def test_a_gate_that_failed_closes_every_route():
    config = {"routes": {"a": ["x"], "b": ["y"]}, "default_route": ["d"]}

    assert set(Router().closes(config, None)) == {"x", "y", "d"}


def test_a_route_that_is_called_default_is_a_route_like_any_other():
    output = run("default", {"default": ["x"]}, default_route=["d"])

    assert output["stages_to_execute"] == ["x"]
