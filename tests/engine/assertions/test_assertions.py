"""Each type of assertion: what passes, what fails, what is refused before it is judged."""

from __future__ import annotations

import pytest

from app.engine.assertions import CHECKS, Assertion, read_assertion

ROOT = {
    "n": 5,
    "f": 5.0,
    "half": 2.5,
    "text": "héllo world",
    "empty": "",
    "list": [1, {"a": 1.0}, "x"],
    "obj": {"k": 1, "odd key": None},
    "null": None,
    "yes": True,
    "": "nameless",
}


def judged(path, type, value=None, **rest):
    raw = {"path": path, "type": type, **rest}
    if type in CHECKS:
        raw["value"] = value
    made = read_assertion(raw)
    assert isinstance(made, Assertion), made
    return made.judge(ROOT)


@pytest.mark.parametrize(
    ("path", "type", "value"),
    [
        ("n", "exists", None),
        ("null", "exists", None),
        ('obj["odd key"]', "exists", None),
        ("nope", "notExists", None),
        ("list.7", "notExists", None),
        ("n.deeper", "notExists", None),
        ("n", "equals", 5.0),
        ("f", "equals", 5),
        ("list", "equals", [1.0, {"a": 1}, "x"]),
        ("", "equals", ROOT),
        ("$", "type", "object"),
        ("yes", "notEquals", 1),
        ("n", "notEquals", "5"),
        ("obj", "notEquals", {"k": 1}),
        ("list", "contains", {"a": 1}),
        ("obj", "contains", "k"),
        ("text", "contains", "llo w"),
        ("list", "notContains", 2),
        ("obj", "notContains", "zzz"),
        ("text", "notContains", "x"),
        ("text", "matches", r"^h.llo\s"),
        ("text", "matches", "o w"),
        ("empty", "matches", "^$"),
        ("text", "type", "string"),
        ("n", "type", "integer"),
        ("f", "type", "integer"),
        ("f", "type", "number"),
        ("half", "type", "number"),
        ("yes", "type", "boolean"),
        ("obj", "type", "object"),
        ("list", "type", "array"),
        ("null", "type", "null"),
        ("half", "lessThan", 3),
        ("n", "lessOrEqual", 5),
        ("n", "greaterThan", 4.9),
        ("n", "greaterOrEqual", 5.0),
        ("half", "closeTo", 2.5000000001),
        ("text", "lengthEquals", 11),
        ("list", "lengthLessThan", 4),
        ("obj", "lengthGreaterThan", 1),
        ("text", "startsWith", "hé"),
        ("text", "endsWith", "world"),
        ("n", "oneOf", [1, 5.0]),
        ("obj", "schema", {"type": "object", "required": ["k"]}),
    ],
)
def test_passes(path, type, value):
    verdict = judged(path, type, value)

    assert verdict.passed
    assert verdict.message is None


@pytest.mark.parametrize(
    ("path", "type", "value", "says"),
    [
        ("nope", "exists", None, "nope is not there."),
        ("null", "notExists", None, "null is there."),
        ("n", "equals", 6, "n is 5, expected to equal 6."),
        ("yes", "equals", 1, "yes is true, expected to equal 1."),
        ("n", "notEquals", 5, "n is 5, expected not to equal 5."),
        ("nope", "notEquals", 1, "nope is not there."),
        ("list", "contains", True, 'list is [1,{"a":1.0},"x"], expected to contain true.'),
        ("n", "contains", 5, "n is 5, which is not a string, array or object."),
        ("n", "notContains", 5, "n is 5, which is not a string, array or object."),
        ("nope", "notContains", 5, "nope is not there."),
        ("text", "notContains", "world", "expected not to contain"),
        ("text", "matches", "^w", 'expected to match "^w".'),
        ("n", "matches", "5", "n is 5, which is not a string."),
        ("half", "type", "integer", 'half is 2.5, expected to be of type "integer".'),
        ("yes", "type", "number", "expected to be of type"),
        ("null", "type", "object", "expected to be of type"),
        ("n", "lessThan", 5, "n is 5, expected to be less than 5."),
        ("text", "lessThan", 5, "which is not a number."),
        ("yes", "lessOrEqual", 5, "yes is true, which is not a number."),
        ("n", "greaterThan", 5, "n is 5, expected to be greater than 5."),
        ("n", "greaterOrEqual", 6, "n is 5, expected to be at least 6."),
        ("half", "closeTo", 2.6, "half is 2.5, expected to be close to 2.6 within 1e-09."),
        ("n", "lengthEquals", 1, "which is not a string, array or object."),
        ("list", "lengthLessThan", 3, "expected to be shorter than 3."),
        ("list", "lengthGreaterThan", 3, "expected to be longer than 3."),
        ("text", "startsWith", "w", 'expected to start with "w".'),
        ("list", "endsWith", "x", "which is not a string."),
        ("n", "oneOf", ["5"], 'expected to be one of ["5"].'),
    ],
)
def test_fails_with_a_sentence(path, type, value, says):
    verdict = judged(path, type, value)

    assert not verdict.passed
    assert says in verdict.message


def test_schema_tells_what_is_wrong_where():
    verdict = judged("obj", "schema", {"properties": {"k": {"type": "string"}}})

    assert verdict.message.startswith("obj does not fit the schema: /k: ")


def test_own_message_is_told_instead():
    assert judged("n", "equals", 6, message="five is six").message == "five is six"


def test_own_tolerance_counts():
    assert judged("half", "closeTo", 2.6, tolerance=0.2).passed


def test_actual_value_is_told():
    assert judged("list.1", "equals", 3).actual == {"a": 1.0}


def test_long_value_is_cut_in_the_sentence():
    root = {"long": "x" * 10_000}
    made = read_assertion({"path": "long", "type": "equals", "value": "y" * 10_000})

    assert len(made.judge(root).message) < 500


def test_pattern_works_in_linear_time():
    root = {"text": "a" * 100_000 + "b"}
    made = read_assertion({"path": "text", "type": "matches", "value": "^(a+)+$"})

    assert not made.judge(root).passed


@pytest.mark.parametrize(
    ("raw", "member"),
    [
        ({"path": "a", "type": "like", "value": 1}, "type"),
        ({"path": "a", "type": "Equals", "value": 1}, "type"),
        ({"path": "a..b"}, "path"),
        ({"path": "a", "type": "equals"}, "value"),
        ({"path": "a", "type": "matches", "value": "(?=x)"}, "value"),
        ({"path": "a", "type": "matches", "value": r"(a)\1"}, "value"),
        ({"path": "a", "type": "matches", "value": "("}, "value"),
        ({"path": "a", "type": "matches", "value": 5}, "value"),
        ({"path": "a", "type": "matches", "value": "(a{1000}){1000}"}, "value"),
        ({"path": "a", "type": "type", "value": "float"}, "value"),
        ({"path": "a", "type": "type", "value": ["string"]}, "value"),
        ({"path": "a", "type": "lessThan", "value": "5"}, "value"),
        ({"path": "a", "type": "greaterThan", "value": True}, "value"),
        ({"path": "a", "type": "closeTo", "value": None}, "value"),
        ({"path": "a", "type": "closeTo", "value": 1, "tolerance": -1}, "tolerance"),
        ({"path": "a", "type": "closeTo", "value": 1, "tolerance": "x"}, "tolerance"),
        ({"path": "a", "type": "equals", "value": 1, "tolerance": 1}, "tolerance"),
        ({"path": "a", "type": "lengthEquals", "value": -1}, "value"),
        ({"path": "a", "type": "lengthEquals", "value": 1.5}, "value"),
        ({"path": "a", "type": "startsWith", "value": 1}, "value"),
        ({"path": "a", "type": "oneOf", "value": {"a": 1}}, "value"),
        ({"path": "a", "type": "schema", "value": {"type": "nothing"}}, "value"),
        ({"path": "a", "type": "schema", "value": {"$ref": "http://x/y"}}, "value"),
        ({"path": "a", "type": "schema", "value": True}, "value"),
    ],
)
def test_what_cannot_be_judged_is_refused_at_its_member(raw, member):
    problems = read_assertion(raw)

    assert isinstance(problems, list)
    assert [name for name, _ in problems] == [member]
