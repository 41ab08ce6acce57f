"""A stage as its author wrote it, right or wrong."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.wire import JSON
from app.engine.document import STAGE_ALIASES, Stage, merged_config, written_as
from app.engine.validation.findings import steps
from app.engine.validation.shape import PARTS, STAGE, Finding


class WrittenStage:
    """One element of `stages`, whatever it is, and as much of a stage as can be read from it."""

    def __init__(self, index: int, raw: JSON) -> None:
        self.index = index
        self.pointer = f"/stages/{index}"
        self._is_object = isinstance(raw, dict)
        self._raw: dict[str, JSON] = raw if isinstance(raw, dict) else {}
        self.has_id = STAGE.members["id"](self._raw.get("id")) is None
        self.read = self._salvage()

    def _salvage(self) -> Stage:
        raw = {
            name: value
            for name, value in self._raw.items()
            if name in STAGE.members and STAGE.members[name](value) is None
        }
        return Stage(
            # No reference can have this form, as no id has.
            id=raw["id"] if self.has_id else f"stage {self.index}",
            component_type=raw.get(written_as(self._raw, "component_type"), ""),
            config=merged_config(raw),
            depends_on=tuple(raw.get("depends_on", ())),
            when=raw.get("when"),
        )

    def shape_problems(self) -> Iterator[Finding]:
        """Pointer, code and sentence of what is wrong with the members themselves."""
        if not self._is_object:
            yield self.pointer, "wrong-type", "A stage is an object."
            return
        yield from STAGE.problems(self._raw, self.pointer)
        if written_as(self._raw, "component_type") not in self._raw:
            yield (
                f"{self.pointer}/component_type",
                "missing-field",
                "The component_type is missing.",
            )
        for name, shape in PARTS.items():
            if isinstance(self._raw.get(name), dict) and not self._is_hidden(name):
                yield from shape.problems(self._raw[name], f"{self.pointer}/{name}")

    def _is_hidden(self, alias: str) -> bool:
        """Whether a canonical member takes the place of this alias."""
        return any(
            alias in aliases and written_as(self._raw, member) != alias
            for member, aliases in STAGE_ALIASES.items()
        )

    def place(self, pointer: str) -> str:
        """The absolute pointer of something below the stage, under the names its author used."""
        head, _, rest = pointer[1:].partition("/")
        if head == "component_type":
            return f"{self.pointer}/{written_as(self._raw, head)}"
        if head == "config" and self._is_mapped(steps(f"/{rest}")[0]):
            return f"{self.pointer}/input_mapping/{rest}"
        return self.pointer + pointer

    def _is_mapped(self, field: str) -> bool:
        config, mapped = self._raw.get("config"), self._raw.get("input_mapping")
        hidden = isinstance(config, dict) and field in config
        return isinstance(mapped, dict) and field in mapped and not hidden
