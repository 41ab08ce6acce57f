"""variable_set by itself: what it gives, and what it says it wrote."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.operators.variable_set import VariableSet


def run(config, **variables):
    context = StageContext(run_id="r", stage_id="s", attempt=1, variables=variables)
    return VariableSet().run(context, build_inputs(VariableSet.fields, config))


def test_a_new_variable_has_no_previous_value():
    assert run({"name": "x", "value": 1}) == {
        "name": "x", "value": 1, "previous_value": None, "was_set": True,
    }  # fmt: skip


def test_an_existing_variable_is_told_as_previous():
    assert run({"name": "x", "value": 1}, x=0)["previous_value"] == 0


def test_without_overwrite_an_existing_null_is_kept():
    output = run({"name": "x", "value": 1, "overwrite": False}, x=None)

    assert (output["value"], output["was_set"]) == (None, False)


def test_without_overwrite_a_new_variable_is_set():
    assert run({"name": "x", "value": 1, "overwrite": False})["was_set"] is True


def test_extract_path_takes_a_part_of_the_value():
    assert run({"name": "x", "value": {"a": [5, 6]}, "extract_path": "a[1]"})["value"] == 6


def test_a_path_that_leads_nowhere_is_refused():
    with pytest.raises(StageError) as refused:
        run({"name": "x", "value": {}, "extract_path": "a.b"})

    assert refused.value.type == "VALIDATION"


@pytest.mark.parametrize(("scope", "stays"), [("pipeline", False), ("loop", True)])
def test_what_it_wrote_is_read_from_output_and_constants(scope, stays):
    output = run({"name": "x", "value": 1, "scope": scope})

    assert VariableSet().variables({"scope": scope}, output) == {"x": (1, stays)}


def test_a_kept_value_was_not_written():
    output = run({"name": "x", "value": 1, "overwrite": False}, x=0)

    assert VariableSet().variables({}, output) == {}
