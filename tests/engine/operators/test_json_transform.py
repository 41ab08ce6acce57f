"""json_transform by contract 02."""

import time

import pytest

from app.core.errors import StageError
from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.operators.json_transform import JsonTransform

DATA = {"user": {"name": "Ada", "tags": ["x", "y"], "none": None}, "n": 1}


def transform(**config):
    context = StageContext(run_id="run-1", stage_id="s", attempt=1)
    return JsonTransform().run(context, build_inputs(JsonTransform.fields, config))


def result_of(**config):
    return transform(**config)["result"]


def test_without_instructions_the_data_passes():
    assert transform(data=DATA) == {"result": DATA, "fields_mapped": 0, "fields_missing": []}


def test_mapping_picks_found_paths_and_lists_missing_ones():
    mapping = {
        "name": "user.name",
        "first": "user.tags[0]",
        "last": "user.tags.-1",
        "nothing": "user.none",
        "lost": "user.nope.deep",
        "filled": "nope",
    }

    done = transform(data=DATA, mapping=mapping, defaults={"filled": 9, "name": "unused"})

    assert done == {
        "result": {
            "name": "Ada",
            "first": "x",
            "last": "y",
            "nothing": None,
            "lost": None,
            "filled": 9,
        },
        "fields_mapped": 4,
        "fields_missing": ["lost", "filled"],
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("user.name", "Ada"),
        ("user.tags[?@ == 'y']", ["y"]),
        ("{a: n, b: user.tags[-1]}", {"a": 1, "b": "y"}),
        ("nope", None),
        ("sort(user.tags) | join('-', @)", "x-y"),
        ("to_string(user.tags)", '["x","y"]'),
        ("user.tags[] | [0:1]", ["x"]),
    ],
)
def test_jmespath_expression_gives_what_it_finds(expression, expected):
    assert result_of(data=DATA, jmespath_expression=expression) == expected


def test_first_given_instruction_applies():
    both = {"mapping": {"a": "n"}, "flatten": True}

    assert result_of(data=DATA, jmespath_expression="n", **both) == 1
    assert result_of(data=DATA, **both) == {"a": 1}


def test_flatten_makes_dotted_names_in_order():
    data = {"a": {"b": {"c": 1}, "e": {}}, "d": [{"x": 1}], "f": None}

    result = result_of(data=data, flatten=True)

    assert list(result.items()) == [("a.b.c", 1), ("a.e", {}), ("d", [{"x": 1}]), ("f", None)]


@pytest.mark.parametrize("data", [[{"a": {"b": 1}}], 5, None, {}])
def test_flatten_leaves_what_has_no_members(data):
    assert result_of(data=data, flatten=True) == data


def test_excluded_fields_are_removed_from_an_object_only():
    assert result_of(data=DATA, exclude_fields=["user"]) == {"n": 1}
    assert result_of(data=DATA, mapping={"a": "n", "b": "n"}, exclude_fields=["b"]) == {"a": 1}
    assert result_of(data=["user"], exclude_fields=["user"]) == ["user"]
    assert DATA["user"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [('{"a": 1}', {"a": 1}), ("[1]", [1]), ("5", 5), ("plain", "plain"), ("[" * 1000, "[" * 1000)],
)
def test_string_that_is_json_is_parsed(data, expected):
    assert result_of(data=data) == expected


def test_string_is_kept_when_it_shall_not_be_parsed():
    assert result_of(data="[1]", parse_json_strings=False) == "[1]"


@pytest.mark.parametrize("expression", ["a[", "", "nope(@)", "sum(@)", "&a", "(" * 500, "a" * 5000])
def test_bad_expression_fails_the_transformation(expression):
    with pytest.raises(StageError) as failed:
        transform(data=DATA, jmespath_expression=expression)

    assert failed.value.type == "TRANSFORMATION"
    assert not failed.value.retryable


@pytest.mark.parametrize("expression", ["a[", "", "*." * 1500 + "a", "!" * 100 + "a"])
def test_bad_constant_expression_is_told_at_save(expression):
    (told,) = JsonTransform.check_config({"jmespath_expression": expression})

    assert told[0] == "jmespath_expression"
    assert told[1].endswith(".")


@pytest.mark.parametrize("config", [{}, {"jmespath_expression": "a.b[?c > `1`]"}])
def test_good_config_is_not_told(config):
    assert list(JsonTransform.check_config(config)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@][]|" * 60 + "@",
        "[@,@]|" * 60 + "to_string(@)",
        "[@,@]|" * 60 + "@",
        "[@,@]|to_array(join('', [].to_string(@)))|" * 40 + "@",
        "a|" * 2000 + "a",
        "[@,@][]|" * 60 + "map(&[@,@], @)",
    ],
)
@pytest.mark.parametrize("text", ["x", "x" * 100_000])
def test_expression_that_multiplies_its_data_is_stopped(expression, text):
    began = time.process_time()

    with pytest.raises(StageError) as failed:
        transform(data=[text, "y"], jmespath_expression=expression)

    assert failed.value.type == "TRANSFORMATION"
    assert time.process_time() - began < 3


def test_join_is_measured_before_it_is_made():
    data = ["x" * 100_000, [""] * 100_000]

    with pytest.raises(StageError, match="4194304 bytes"):
        transform(data=data, jmespath_expression="join([0], [1])")
    with pytest.raises(StageError, match="4194304 bytes"):
        transform(data=data, jmespath_expression="join('', [" + "[0]," * 99 + "[0]])")


@pytest.mark.parametrize(
    "config",
    [
        {"data": {"big": "x" * 1_000_000}, "mapping": {str(at): "big" for at in range(10_000)}},
        {"data": {"k" * 500_000: {str(at): at for at in range(1000)}}, "flatten": True},
    ],
)
def test_result_over_the_output_limit_is_not_made(config):
    with pytest.raises(StageError) as failed:
        transform(**config)

    assert failed.value.type == "EXECUTION"
