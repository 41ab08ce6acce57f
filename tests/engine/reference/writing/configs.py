"""Configs of the stages that run no others."""

from __future__ import annotations

from typing import Any

from tests.engine.reference.writing.drawing import Drawing, Place
from tests.engine.reference.writing.themes import ERRORS, VARIABLES


class Configs(Drawing):
    """A method for each kind; gates get their targets by `aim`, when these exist."""

    def make_give(self, place: Place) -> dict[str, Any]:
        config = {"value": self.value(place)}
        fails = self.chance(self.theme.failing // 2)
        return {**config, "error": self.one_of(*ERRORS)} if fails else config

    def make_work(self, place: Place) -> dict[str, Any]:
        config = {"value": self.value(place), "ms": self.one_of(0, 5, 20, 90)}
        if self.chance(self.theme.failing):
            config |= {"fails": self.one_of(1, 2, 3), "error": self.one_of(*ERRORS)}
        if place.repeats and self.chance(50):
            config |= {"fails_below_round": self.one_of(1, 2), "error": self.one_of(*ERRORS)}
        return config

    def make_variable_set(self, place: Place) -> dict[str, Any]:
        config = {"name": self.one_of(*VARIABLES), "value": self.value(place)}
        if place.in_loop and self.chance(30):
            config["scope"] = "loop"
        if self.chance(20):
            config["overwrite"] = False
        return config

    def make_json_transform(self, place: Place) -> dict[str, Any]:
        if self.chance(50):
            return {"data": self.value(place)}
        data = {"a": self.value(place), "l": [self.value(place)]}
        mapping = {"one": "a", "two": "l[0]", "three": "a.k", "four": "nope"}
        return {"data": data, "mapping": mapping, "defaults": {"four": 4}}

    def make_logger(self, place: Place) -> dict[str, Any]:
        return {"message": "m", "passthrough": self.value(place)}

    def make_filter(self, place: Place) -> dict[str, Any]:
        config = {"invert": self.one_of(False, True), "pass_if_missing": self.one_of(False, True)}
        if self.chance(50):
            test = self.one_of(
                "item == 1", "index > 0", "item.k == 1", "item > (vars.a | default(0))"
            )
            return {
                **config,
                "data": [0, 1, {"k": 1}],
                "filter_mode": "filter_array",
                "condition": test,
            }
        if self.chance(50):
            return {**config, "data": self.value(place), "field_conditions": {"k": 1}}
        test = self.one_of("data.k == 1", "data == 1", "data > input.n")
        return {**config, "data": self.value(place), "condition": test}

    def make_loop(self, place: Place) -> dict[str, Any]:
        return {
            "items": self.one_of([0, 1, 2, 3, 4], [], "{{ input.list }}"),
            "batch_size": self.one_of(1, 2, 3),
            "max_iterations": self.one_of(None, 0, 1, 2),
            "start_index": self.one_of(0, 1, 4),
            "include_metadata": self.one_of(True, False),
        }

    def make_break_loop(self, place: Place) -> dict[str, Any]:
        return {"condition": self.whether(place), "result": self.value(place)}

    def make_continue_loop(self, place: Place) -> dict[str, Any]:
        return {"condition": self.whether(place)}

    def make_return(self, place: Place) -> dict[str, Any]:
        config = {"return_value": self.value(place), "status": self.one_of("completed", "failed")}
        if self.chance(50):
            return {**config, "condition": self.whether(place)}
        return {**config, "condition_expression": self.condition(place)}

    def make_conditional(self, place: Place) -> dict[str, Any]:
        if self.chance(50):
            return {"condition": self.value(place)}
        return {"condition": self.value(place), "condition_expression": "value == 1"}

    def make_router(self, place: Place) -> dict[str, Any]:
        return {
            "value": self.value(place),
            "routes": {},
            "case_insensitive": self.one_of(False, True),
        }

    def make_switch_router(self, place: Place) -> dict[str, Any]:
        return {"data": self.value(place), "cases": []}

    def aim(self, stage: dict[str, Any], later: list[str]) -> None:
        """Gives a gate its targets, among later stages of its body."""
        config, kind = stage["config"], stage["component_type"]
        if kind == "conditional":
            config["true_branch_stages"] = self.some_of(later)
            config["false_branch_stages"] = self.some_of(later)
        elif kind == "router":
            config["routes"] = {key: self.some_of(later) for key in self.some_of(["1", "X", ""], 3)}
            config["default_route"] = self.some_of(later)
        else:
            values = self.some_of([0, 1, "x"], 3)  # type: ignore[list-item]
            pairs = [(value, self.some_of(later, 1)) for value in values]
            config["cases"] = [{"value": value, "route": ids[0]} for value, ids in pairs if ids]
            default = self.some_of(later, 1)
            if default:
                config["default_route"] = default[0]
