"""Random changes of a run, as a what-if makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.engine.reference.writing.themes import GATES, INPUT, VARIABLES

VALUES = (1, 2, "y", None, [3], {"k": 1}, "{{ input.n }}", "{{ vars.b | default(4) }}")
INPUTS = {"n": (2, 1, "x"), "flag": (False,), "list": ([], [0, 5], [1]), "o": (1,), "more": (1,)}


@dataclass
class Changes:
    """`input` and `vars` replace members, `outputs` are given, `configs` merged into stages'."""

    input: dict[str, Any] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def new_input(self) -> dict[str, Any]:
        """The input that the changed run has."""
        return {**INPUT, **self.input}

    def new_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document that the changed run executes."""
        stages = [
            {**stage, "config": _merged(stage["config"], self.configs.get(stage["id"], {}))}
            for stage in document["stages"]
        ]
        return {**document, "stages": stages}


def _merged(value: Any, change: Any) -> Any:
    """Objects are merged member by member, anything else is replaced."""
    if not (isinstance(value, dict) and isinstance(change, dict)):
        return change
    return {**value, **{name: _merged(value.get(name), item) for name, item in change.items()}}


@st.composite
def changes(draw: Any, document: dict[str, Any]) -> Changes:
    """Some changes that suit a document."""
    made = Changes()
    kinds = draw(
        st.lists(st.sampled_from(("input", "vars", "outputs", "configs")), min_size=1, max_size=2)
    )
    for kind in kinds:
        if kind == "input":
            name = draw(st.sampled_from(list(INPUTS)))
            made.input[name] = draw(st.sampled_from(INPUTS[name]))
        elif kind == "vars":
            made.vars[draw(st.sampled_from(VARIABLES))] = draw(st.sampled_from((0, 1, [2], "z")))
        else:
            stage = draw(st.sampled_from(document["stages"]))
            found = _outputs(stage) if kind == "outputs" else _configs(stage, document)
            if found:
                getattr(made, kind)[stage["id"]] = draw(st.sampled_from(found))
    return made


def _outputs(stage: dict[str, Any]) -> list[Any]:
    """Outputs that a stage may be given."""
    kind, config = stage["component_type"], stage["config"]
    if kind in ("give", "work"):
        return [{"value": 9}, {"value": None}]
    if kind == "variable_set":
        told = {"name": config["name"], "previous_value": None}
        return [told | {"value": 9, "was_set": True}, told | {"value": 8, "was_set": False}]
    if kind == "retry":
        return [{"success": True, "result": 9, "attempts": 1, "errors": [], "exhausted": False}]
    if kind == "break_loop":
        return [{"broken": is_so, "result": 9, "message": None} for is_so in (True, False)]
    return []


def _configs(stage: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """What may be merged into the config of a stage."""
    kind, config = stage["component_type"], stage["config"]
    if kind in ("give", "work", "variable_set"):
        found = [{"value": value} for value in VALUES]
        if kind == "variable_set":
            return found + [{"name": name} for name in VARIABLES] + [{"overwrite": False}]
        return [*found, {"error": "EXECUTION"}] if kind == "give" else [*found, {"fails": 1}]
    if kind in GATES:
        return [*_aims(stage), *({name: value} for name in ("condition", "value", "data")
                                 if name in config for value in (0, 1, "x"))]  # fmt: skip
    return {
        "foreach": [{"items": items} for items in ([0, 1], [2], "{{ input.list }}")]
        + [{"filter_expression": "item > 0"}],
        "retry": [{"max_retries": 0}, {"max_retries": 2, "retry_on": []}],
        "trycatch": [{"max_retries": 1}, {"error_scope": "continue", "catch_error_types": []}],
        "parallel": [{"on_error": "continue"}, {"return_exceptions": True}],
        "break_loop": [{"condition": True}, {"condition": False}],
        "continue_loop": [{"condition": True}, {"condition": False}],
        "return": [{"condition": True}, {"condition": False}, {"return_value": 9}],
        "logger": [{"passthrough": 9}],
        "filter": [{"invert": True}, {"invert": False}],
    }.get(kind, [])


def _aims(stage: dict[str, Any]) -> list[dict[str, Any]]:
    """The gate without some of its targets."""
    return {
        "conditional": [{"true_branch_stages": []}, {"false_branch_stages": []}],
        "router": [{"default_route": []}, {"routes": {}}],
        "switch_router": [{"cases": []}],
    }[stage["component_type"]]
