"""What operators and postfixes mean, beside the examples of the contract."""

import pytest

from app.engine.expressions import ExpressionError

DEEP = {"a": [1, {"b": None}], "c": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 == 1.0", True),
        ("1 != true", True),
        ("0 == false", False),
        ("null == false", False),
        ('"1" == 1', False),
        ('{"a": 1, "b": [2.0]} == {"b": [2], "a": 1}', True),
        ("[true] == [1]", False),
        ("[1, 2] == [1]", False),
        ('{"a": 1} == {"b": 1}', False),
        ("[] == {}", False),
        ('"a" < "b"', True),
        ('"Z" < "a"', True),
        ("2 >= 2.0", True),
        ("3 > 4", False),
        ("2 <= 1", False),
        ("1 in [1.0]", True),
        ("true in [1]", False),
        ("[1] in [[1]]", True),
        ('"bc" in "abcd"', True),
        ('1 in {"1": 1}', False),
        ('"z" not in "abc"', True),
        ("7 // 2.0", 3.0),
        ("-7 // 2", -4),
        ("7 % -3", -2),
        ("7.5 % 2", 1.5),
        ("4 / 2", 2.0),
        ("2 - 3 - 4", -5),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("[1] + [2]", [1, 2]),
        ("--2", 2),
        ("-2 | abs", -2),
        ("1 + [2] | length", 2),
        ("not 1 == 2", True),
        ("not not []", False),
        ("0 or [] or null", None),
        ("1 and 2 and 3", 3),
        ("1 and 0 and 3", 0),
        ("1 if false else 2 if false else 3", 3),
        ("1 if true else 1 / 0", 1),
        ("true or 1 / 0", True),
        ("false and 1 / 0", False),
        ("True and not False and None == null", True),
        ('"abc"[1]', "b"),
        ('"abc"[-1]', "c"),
        ("[1, 2][-2]", 1),
        ('{"a": {"b": 1}}.a["b"]', 1),
        ('{"if": 1}.if', 1),
        ("[[1, 2], [3]][0][1]", 2),
        (r'"\u00e9\n\t\\\"\'"', "é\n\t\\\"'"),
        (r'"\ud83d\ude00"', "😀"),
        ("'single \"quoted\"'", 'single "quoted"'),
        ("1.5e2", 150.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775807", -(2**63) + 1),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_expression_gives_its_value(value_of, text, expected):
    value = value_of(text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "1 + true",
        "true + true",
        "null + 1",
        '[1] + "a"',
        "{} + {}",
        '"a" * 2',
        "true * 2",
        "-true",
        '-"a"',
        "1 / 0",
        "1 // 0.0",
        "1 % 0",
        '1 < "a"',
        "true < false",
        "[1] < [2]",
        "null < 1",
        "1 in 1",
        '1 in "1"',
        '"a" in null',
        "9223372036854775807 + 1",
        "-9223372036854775807 - 1",
        "9223372036854775807 * 9223372036854775807",
        "1e308 * 10",
        "1e308 + 1e308",
        "[1][true]",
        "[1][0.0]",
        "{}[0]",
        "[1][2]",
        "[1][-2]",
        '"abc"[3]',
        "null.a",
        "null[0]",
        "(5).a",
        "[1].a",
        "input.n.a",
        '{"a": 1}.b',
        '{"a": 1}["b"]',
        "upstream.unknown",
        "vars.x",
        "env.HOME",
    ],
)
def test_expression_without_a_value_fails(value_of, text):
    with pytest.raises(ExpressionError):
        value_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null | default(1)", 1),
        ("0 | default(1)", 0),
        ("default(input.nope, 2)", 2),
        ("input.nope | default(input.neither) | default(3)", 3),
        ("input.n | default(1 / 0)", 5),
        ("input.tags[9] | default(4)", 4),
        ("env.HOME | default(5)", 5),
        ("upstream.unknown.a | default(6)", 6),
        ("input.nope | upper | default(7)", 7),
        ("(input.nope + 1) | default(8)", 8),
        ("defined(input.nope)", False),
        ("input.n | defined", True),
        ("null | defined", False),
        ("input.nope.x | defined | string", "false"),
    ],
)
def test_missing_value_is_forgiven(value_of, text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    "text", ["(1 / 0) | default(1)", "defined(1 + true)", "upper(1)|default(1)"]
)
def test_other_failures_are_not_forgiven(value_of, text):
    with pytest.raises(ExpressionError):
        value_of(text)


def test_roots_come_from_the_names(value_of):
    roots = {"vars": {"a": 1}, "env": {"B": "b"}, "context": {"run_id": "r"}, "item": 3, "index": 0}

    value = value_of("[vars.a, env.B, context.run_id, item, index, error]", error=None, **roots)

    assert value == [1, "b", "r", 3, 0, None]


def test_referred_value_is_given_itself(value_of):
    assert value_of("vars.deep", vars={"deep": DEEP}) is DEEP


def test_equality_of_values_deeper_than_the_stack_is_decided(value_of):
    one, other = [1], [1.0]
    for _ in range(5000):
        one, other = [one], [other]

    assert value_of("vars.a == vars.b", vars={"a": one, "b": other}) is True
