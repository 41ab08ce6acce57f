"""Templates within values: where they end, what they refer to, how they fail."""

import pytest

from app.engine.expressions import (
    ExpressionError,
    ExpressionSyntaxError,
    References,
    check_value,
    compile_expression,
    compile_value,
)


def test_value_without_templates_resolves_to_itself(names):
    raw = {"a": [1, {"b": "}} text"}], "{{ key }}": None}

    value = compile_value(raw)

    assert value.constant
    assert value.resolve(names()) is raw
    assert value.references == References()


def test_templates_at_any_depth_are_replaced_in_order(names):
    value = compile_value({"a": [1, {"b": "{{ input.n }}"}], "c": 2, "d": "n{{ input.n }}"})

    resolved = value.resolve(names())

    assert resolved == {"a": [1, {"b": 5}], "c": 2, "d": "n5"}
    assert list(resolved) == ["a", "c", "d"]
    assert not value.constant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ '}}' }}", "}}"),
        ('{{"\\"}}"}}', '"}}'),
        ('{{{"a":{"b":1}}}}', {"a": {"b": 1}}),
        ('{{ {"a": "}"} }}', {"a": "}"}),
        ("a }} b", "a }} b"),
        ("}}{{ 1 }}{", "}}1{"),
        ("{ {{ 1 }} }", "{ 1 }"),
        ("{{ 1 }}{{ 2 }}", "12"),
        (" {{ 1 }}", " 1"),
        ("{{ 2.0 }}|{{ 40 }}|{{ 1e300 }}", "2.0|40|1e+300"),
        ("{{ {} }}-{{ [] }}", "{}-[]"),
        ('{{ "é" }}é', "éé"),
        ("", ""),
    ],
)
def test_template_ends_outside_of_strings_and_objects(resolve, text, expected):
    assert resolve(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("a {{ 1", "template-syntax", 2),
        ("{{", "template-syntax", 0),
        ("{{ '}}", "template-syntax", 0),
        ("{{ }}", "template-syntax", 3),
        ("{{ 1 + }} {{ nope }}", "template-syntax", 7),
        ("ab{{ nope }}", "unknown-root", 5),
        ("ab{{ nope() }}", "unknown-function", 5),
        ("{{ upstream }}", "template-syntax", 3),
        ("{{ upstream[0] }}", "template-syntax", 3),
        ("{{ upstream[input.n] }}", "template-syntax", 3),
        ("{{ upstream | keys }}", "template-syntax", 3),
        ("{{ output }}", "unknown-root", 3),
        ("{{ __class__ }}", "unknown-root", 3),
        ("{{ input.__x }}", "template-syntax", 9),
        ("{{ {a: 1} }}", "template-syntax", 4),
        ("{{ [1,] }}", "template-syntax", 6),
        ("{{ 1 = 1 }}", "template-syntax", 5),
        ("{{ a b }}", "unknown-root", 3),
        ("{{ 1 if 2 }}", "template-syntax", 10),
        ("{{ 1 not 2 }}", "template-syntax", 9),
        ("{{ {{ 1 }} }}", "template-syntax", 4),
    ],
)
def test_problem_is_told_with_its_place_in_the_string(text, code, position):
    with pytest.raises(ExpressionSyntaxError) as refused:
        compile_value({"x/y": [text]})

    assert (refused.value.code, refused.value.position) == (code, position)
    assert refused.value.pointer == "/x~1y/0"
    assert refused.value.message.endswith(f"at character {position + 1}.")


def test_all_problems_of_a_value_are_found():
    value = {"a": "{{ nope }} {{ 1 + }}", "b": ["{{ input }}", "{{ f(1) }}"], "c": "{{"}

    problems = check_value(value)

    assert [(problem.pointer, problem.code) for problem in problems] == [
        ("/a", "unknown-root"),
        ("/a", "template-syntax"),
        ("/b/1", "unknown-function"),
        ("/c", "template-syntax"),
    ]
    assert check_value({"a": "{{ output.x }}"}, frozenset({"output"})) == []


def test_failure_names_its_field_and_expression(names):
    value = compile_value({"headers": [{"X-A": "v{{ input.n }}{{ input.nope }}"}]})

    with pytest.raises(ExpressionError) as failed:
        value.resolve(names())

    assert failed.value.pointer == "/headers/0/X-A"
    assert failed.value.expression == "input.nope"
    assert "/headers/0/X-A" in failed.value.message
    assert "input.nope" in failed.value.message


def test_failure_shows_only_the_start_of_a_long_expression(names):
    expression = compile_expression("input" + ".nope" * 500)

    with pytest.raises(ExpressionError) as failed:
        expression.evaluate(names())

    assert len(failed.value.message) < 400
    assert failed.value.expression == expression.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'input.a.c + context.b + input["d e"]',
            References(
                roots=frozenset({"input", "context"}), input_members=frozenset({"a", "d e"})
            ),
        ),
        (
            'upstream.a.b + upstream["b-c"]',
            References(roots=frozenset({"upstream"}), upstream=frozenset({"a", "b-c"})),
        ),
        (
            'vars.x.y + vars["z"]',
            References(roots=frozenset({"vars"}), variables=frozenset({"x", "z"})),
        ),
        (
            "vars[input]",
            References(roots=frozenset({"vars", "input"}), whole_variables=True, whole_input=True),
        ),
        ("input[context.a]", References(roots=frozenset({"input", "context"}), whole_input=True)),
        ('input | get("a")', References(roots=frozenset({"input"}), whole_input=True)),
        ("keys(vars)", References(roots=frozenset({"vars"}), whole_variables=True)),
        ('vars["a" + "b"]', References(roots=frozenset({"vars"}), whole_variables=True)),
        ('{"vars": "upstream.x"}', References()),
    ],
)
def test_references_are_what_the_expression_looks_at(text, expected):
    assert compile_expression(text).references == expected
    assert compile_value({"f": ["{{" + text + "}}", 1]}).references == expected


def test_references_of_a_value_are_those_of_all_its_templates():
    value = compile_value(
        {"a": "{{ vars.x }} {{ upstream.s }}", "b": ["{{ vars }}"], "c": "{{ input.y + input }}"}
    )

    assert value.references == References(
        roots=frozenset({"vars", "upstream", "input"}),
        upstream=frozenset({"s"}),
        variables=frozenset({"x"}),
        whole_variables=True,
        input_members=frozenset({"y"}),
        whole_input=True,
    )


@pytest.mark.parametrize("text", ["input.n", "{{ input.n }}", "  {{input.n}}\n", " input.n "])
def test_expression_may_stand_bare_or_in_one_pair_of_braces(text, names):
    expression = compile_expression(text)

    assert expression.evaluate(names()) == 5
    assert expression.text == "input.n"


@pytest.mark.parametrize(
    "text", ["{{ input.n }} {{ input.n }}", "a {{ input.n }}", "{{ input.n", "{{{{ 1 }}}}", ""]
)
def test_expression_with_any_other_template_is_a_problem(text):
    with pytest.raises(ExpressionSyntaxError):
        compile_expression(text)


def test_problem_inside_of_enclosing_braces_counts_from_the_start():
    with pytest.raises(ExpressionSyntaxError) as refused:
        compile_expression("  {{ nope }}")

    assert refused.value.position == 5


def test_extra_roots_are_known_where_they_are_given(names):
    expression = compile_expression("data.x + 1", extra_roots=frozenset({"data"}))

    assert expression.evaluate(names(data={"x": 1})) == 2
    assert expression.references.roots == {"data"}
    with pytest.raises(ExpressionSyntaxError):
        compile_expression("data.x + 1")


def test_equal_texts_share_one_compiled_expression():
    assert compile_expression("input.n * 2") is compile_expression("{{input.n * 2}}")


def test_literals_are_made_anew_each_time(names):
    expression = compile_expression("[[], {}]")

    first, second = expression.evaluate(names()), expression.evaluate(names())

    assert first == second
    assert first is not second and first[0] is not second[0]
