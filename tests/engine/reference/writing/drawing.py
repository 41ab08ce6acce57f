"""Values and conditions, drawn for a place in a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.engine.reference.writing.themes import VARIABLES, Theme


@dataclass
class Place:
    """Where a stage is being made: what it may refer to."""

    depth: int = 0
    visible: list[str] = field(default_factory=list)  # outer stages, then earlier ones of the body
    in_loop: bool = False
    has_error: bool = False
    repeats: bool = False


class Drawing:
    """Draws values; `stages` are those made so far."""

    def __init__(self, draw: Any, theme: Theme) -> None:
        self.draw = draw
        self.theme = theme
        self.stages: list[dict[str, Any]] = []

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        """True in about so many of a hundred times, found by halving; shrinks to false."""
        low, high = 0, 64
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.draw(st.booleans()) else (low, middle)
            if high * 100 <= (100 - percent) * 64:
                return False
            if low * 100 >= (100 - percent) * 64:
                return True
        return False

    def some_of(self, names: list[str], most: int = 2) -> list[str]:
        if not names:
            return []
        return self.draw(st.lists(st.sampled_from(names), unique=True, max_size=most))

    def value(self, place: Place) -> Any:
        if self.chance(self.theme.reading):
            return f"{{{{ {self.variable()} }}}}"
        if self.chance(50):
            return f"{{{{ {self.one_of(*self.texts(place))} }}}}"
        own = 100 + len(self.stages)
        return self.one_of(own, 1, "x", None, [own, 2], {"k": 1}, "n{{ input.n }}")

    def variable(self) -> str:
        name = self.one_of(*VARIABLES)
        texts = [f"vars.{name} | default(0)"] * 6 + [f"[vars.{name} | default(0), 1]", "vars"]
        return str(self.one_of(*texts, f"vars.{name}", f"(vars.{name} | default(0)) + 1"))

    def texts(self, place: Place) -> list[str]:
        """Expressions that suit the place; some of them fail."""
        texts = ["input.n"]
        if self.chance(5):
            texts += ["input.nope", "1 / 0"]
        if place.in_loop:
            texts += ["item", "index", "context.item", "[item, index]"]
        if place.has_error:
            texts += ["error.type | default('none')", "error.stage_id | default('none')", "error"]
        if place.visible:
            stage_id = self.one_of(*place.visible)
            texts += [
                f"upstream.{stage_id}",
                f"upstream.{stage_id}.value | default(7)",
                f"upstream.{stage_id}.error.type | default('fine')",
            ]
            if self.chance(10):
                texts.append(f"upstream.{stage_id}.value")
        return texts

    def condition(self, place: Place) -> str:
        name = self.one_of(*VARIABLES)
        choices = ["true", "false", "{{ input.flag }}", "input.n == 2"]
        choices.append(f"(vars.{name} | default(0)) == 1")
        if place.in_loop:
            choices += ["index == 1", "item == 1", "{{ index != 1 }}"]
        if place.visible:
            stage_id = self.one_of(*place.visible)
            choices += [f"upstream.{stage_id} == null", f"upstream.{stage_id} | defined"]
        return str(self.one_of(*choices))

    def whether(self, place: Place) -> Any:
        """A boolean of a config, constant or not."""
        return self.one_of(True, False, f"{{{{ {self.condition(place).strip('{} ')} }}}}")

    def items(self, place: Place) -> Any:
        choices = [[0, 1, 2], [1], [], [[0, 1], [2]], "{{ input.list }}"]
        if place.in_loop:
            choices.append("{{ item }}")
        return self.one_of(*choices)
