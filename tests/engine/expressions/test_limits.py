"""No expression, however written, does more than its share of work."""

import time
import tracemalloc

import pytest

from app.engine.expressions import (
    Expression,
    ExpressionError,
    ExpressionSyntaxError,
    compile_expression,
    compile_value,
    measure,
)

MIB = 1_048_576


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4096,
        "[" * 4096,
        "{" * 4096,
        '{"a":' * 800,
        "-" * 4096,
        "not " * 1024,
        "a.a" * 1365,
        "a|" * 2048,
        "input" + "[input" * 600,
        "abs(" * 1000,
        '"' + "\\" * 4000,
        "'" * 4095,
        "1<" * 2048,
        "1 if " * 800,
        "." * 4096,
        "9" * 4096,
        "0." + "9" * 4000 + "e" + "9" * 90,
        "\x00" * 4096,
        " " * 4096,
        "x" * 4097,
    ],
)
def test_hostile_text_is_a_problem(text):
    with pytest.raises(ExpressionSyntaxError) as refused:
        compile_expression(text)

    assert "at character" in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "input" + ".a" * 2041 + "|defined",
        "input.n" + "|abs" * 1022,
        "input.x" + "|default(1)" * 371,
        "1" + "+1" * 2047,
        "1" + " if 1 else 1" * 340,
        "1" + " or 1" * 819,
        "[" * 50 + "]" * 50,
        "(" * 50 + "1" + ")" * 50,
        "abs(" * 50 + "1" + ")" * 50,
        "-" * 50 + "1",
        "not " * 50 + "1",
        " " * 4095 + "1",
    ],
)
def test_long_but_shallow_text_has_a_value(text, names):
    assert compile_expression(text).evaluate(names()) is not None


@pytest.mark.parametrize(
    "text",
    ["[" * 51 + "]" * 51, "(" * 51 + "1" + ")" * 51, "-" * 51 + "1", "not " * 51 + "1"],
)
def test_nesting_over_fifty_is_a_problem(text):
    with pytest.raises(ExpressionSyntaxError, match="nests deeper than 50"):
        compile_expression(text)


def test_longest_mixed_nesting_needs_little_of_the_stack(names):
    text = "1 or 1 and not 1 < 1 + 1 * -(" * 16 + "1" + ")" * 16

    def at_depth(frames):
        return at_depth(frames - 1) if frames else compile_expression(text).evaluate(names())

    assert at_depth(400) == 1


@pytest.mark.parametrize("text", ["1e999", "9223372036854775808", "01", "1a", ".5", "1.", '"\\x"'])
def test_number_or_string_that_json_cannot_hold_is_a_problem(text):
    with pytest.raises(ExpressionSyntaxError):
        compile_expression(text)


@pytest.mark.parametrize("text", [r'"\ud800"', r'"\udc00\ud800"', '"\ud800"'])
def test_lone_surrogate_is_a_problem(text):
    with pytest.raises(ExpressionSyntaxError, match="surrogate"):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "vars.long | sum",
        "vars.long | unique",
        "vars.long == vars.same",
        "vars.long + [1]",
        "-1 in vars.long",
        'vars.long | where("a", 1)',
        "vars.long | sort",
        "vars.long | reverse",
        "vars.long | tojson",
        "vars.long | any",
        "slice(vars.long, 0)",
        "flatten([vars.long])",
        "keys(vars.wide)",
        "merge(vars.wide, {})",
        'split(vars.commas, ",")',
        "fromjson(vars.json)",
        " + ".join(["range(10000)"] * 6),
    ],
)
def test_more_than_a_hundred_thousand_steps_fail(value_of, text):
    count = 100_001
    given = {
        "long": [0] * count,
        "same": [0] * count,
        "wide": dict.fromkeys(map(str, range(count))),
        "commas": "," * count,
        "json": "[" + "0," * count + "0]",
    }

    with pytest.raises(ExpressionError, match="100000 steps"):
        value_of(text, vars=given)


@pytest.mark.parametrize(
    "text", ["[vars.long | length, vars.long[-1], first(vars.long), 0 in vars.long]", "vars.long"]
)
def test_long_value_that_is_only_referred_to_costs_nothing(value_of, text):
    assert value_of(text, vars={"long": [0] * 200_000})


def test_steps_are_counted_to_the_last(value_of):
    exact = [0] * (100_000 - 3)

    assert value_of("sum(vars.a)", vars={"a": exact}) == 0
    with pytest.raises(ExpressionError, match="steps"):
        value_of("sum(vars.a)", vars={"a": [*exact, 0]})


@pytest.mark.parametrize(
    "text",
    [
        "vars.half + vars.half + vars.half",
        'replace(vars.half, "a", "aaaa")',
        'replace(vars.half, "", "-----")',
        "join([vars.half, vars.half, vars.half])",
        "join(range(1000), vars.half)",
        "vars.big | upper",
        "vars.big | trim",
        "vars.big | reverse",
        "vars.big | tojson",
        'vars.big | split("b")',
        "vars.big | fromjson",
        "vars.big | urlencode",
        "vars.big | b64encode",
        "slice(vars.big, 0)",
        "vars.sharp | upper",
        "vars.quotes | tojson",
        'replace(vars.half, "a", "€")',
        '[replace(vars.half, "a", "b"), replace(vars.half, "a", "c"), vars.half + "d"]',
        '{"a": replace(vars.half, "a", "b"), "b": vars.half + "c", "c": upper(vars.half)}',
        '[vars.half + "a"] + [vars.half + "b"] + [vars.half + "c"]',
        'merge({"a": vars.half + "a", "b": vars.half + "b"}, {"c": vars.half + "c"})',
    ],
)
def test_value_over_a_mebibyte_is_not_made(value_of, text):
    given = {
        "half": "a" * (MIB // 2),
        "big": "a" * (2 * MIB),
        "sharp": "ß" * (MIB // 2 + 1),
        "quotes": "\x01" * (MIB // 2),
    }
    tracemalloc.start()

    with pytest.raises(ExpressionError, match="1048576 bytes"):
        value_of(text, vars=given)

    assert tracemalloc.get_traced_memory()[1] < 24 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "vars.big",
        "[vars.big]",
        '{"a": vars.big, "b": vars.big}',
        "vars.big | sha256",
        "[vars.big][0]",
    ],
)
def test_large_value_that_is_only_referred_to_is_allowed(value_of, text):
    assert value_of(text, vars={"big": "a" * (2 * MIB)})


def test_embedded_text_over_a_mebibyte_is_not_made(resolve):
    with pytest.raises(ExpressionError, match="too long"):
        resolve("{{ vars.a }}" * 3, vars={"a": "a" * (MIB // 2)})


def test_sorting_long_texts_with_one_beginning_is_paid_for(value_of):
    with pytest.raises(ExpressionError, match="steps"):
        value_of("sort(vars.a)", vars={"a": ["a" * 20_000] * 8000})


def test_many_templates_in_one_long_string_are_read_in_linear_time():
    began = time.process_time()

    compile_value("{{ input.n }} " * 5_000)
    with pytest.raises(ExpressionSyntaxError):
        compile_value("{{" + "{ ' }" * 20_000)

    assert time.process_time() - began < 3


def test_compiling_the_longest_text_is_quick():
    began = time.process_time()

    Expression("1" + "+1" * 2047, frozenset())

    assert time.process_time() - began < 0.5


def test_measuring_stops_soon_after_the_limit():
    shared: list[object] = ["x"]
    for _ in range(200):
        shared = [shared, shared]

    assert 1000 < measure(shared, 1000) < 3000
