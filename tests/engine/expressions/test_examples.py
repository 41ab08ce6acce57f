"""Every example of contract 01, in its order."""

import pytest

from app.engine.expressions import ExpressionError, ExpressionSyntaxError, compile_value
from tests.engine.expressions.conftest import INPUT

EXAMPLES = [
    ("{{ input.n }}", 5),
    ("n={{ input.n }}", "n=5"),
    ("{{input}}", INPUT),
    ('{{ input.user["first name"] }}', "A"),
    ("{{ input.tags[0] }}-{{ input.tags[-1] }}", "x-y"),
    ("{{ input.tags }} ", '["x","y"] '),
    ("{{ input.n + 1 }}", 6),
    ("{{ input.n / 2 }}", 2.5),
    ("{{ input.n // 2 }}", 2),
    ("{{ -7 % 3 }}", 2),
    ('{{ "a" + "b" }}', "ab"),
    ('{{ input.n > 3 and input.name == "Ada" }}', True),
    ('{{ input.empty or "none" }}', "none"),
    ("{{ not input.tags }}", False),
    ('{{ "x" in input.tags }}', True),
    ('{{ "id" not in input.user }}', False),
    ('{{ "big" if input.n >= 5 else "small" }}', "big"),
    ('{{ input.nope.deeper | default("d") }}', "d"),
    ("{{ upstream.off }}", None),
    ("{{ upstream.off.x | default(0) + 1 }}", 1),
    ('{{ upstream.fetch.body.items | map("p") | sum }}', 40),
    (
        '{{ upstream.fetch.body.items | where("id", 2) | first | tojson }}',
        '{"id":2,"p":30}',
    ),
    ('{{ input.name | upper }}/{{ input.tags | join(",") }}', "ADA/x,y"),
    ('{{ [1, "a", null] }}', [1, "a", None]),
    ('{{ {"k": input.f} }}', {"k": 2.5}),
    ("{{ 1 == true }}", False),
    ("{{ round(2.5) }} {{ round(2.345, 2) }}", "2 2.35"),
    ("v:{{ null }}|{{ true }}", "v:|true"),
    ('{{ "{{" }}', "{{"),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_example_gives_the_value_of_the_contract(resolve, text, expected):
    value = resolve(text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("text", ['{{ "a" + 1 }}', "{{ input.nope }}"])
def test_failing_example_is_an_expression_error(resolve, text):
    with pytest.raises(ExpressionError) as failed:
        resolve(text)

    assert failed.value.type == "EXPRESSION"
    assert not failed.value.retryable


def test_name_with_two_underscores_is_a_syntax_problem():
    with pytest.raises(ExpressionSyntaxError) as refused:
        compile_value("{{ input.__class__ }}")

    assert refused.value.code == "template-syntax"
    assert refused.value.message.endswith("at character 10.")
