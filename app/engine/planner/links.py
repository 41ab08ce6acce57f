"""What one stage says of others: dependencies, references, variables, the stages it runs or gates.

Everything is told with its place below the stage, so that a problem can point at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core import wire
from app.core.wire import JSON
from app.engine.coercion import CoercionError, coerce
from app.engine.component import Component, Field, Kind
from app.engine.document import Stage
from app.engine.expressions import (
    ExpressionSyntaxError,
    References,
    Value,
    check_value,
    compile_expression,
    compile_value,
)
from app.engine.owner import BodyField, Owner

SETTER = "variable_set"

#: Roots that only some bodies have, so that syntax alone cannot refuse them.
PLACED_ROOTS = frozenset({"item", "index", "error"})


class Named(NamedTuple):
    """A name, and where it stands below the stage."""

    pointer: str
    name: str


class Wrong(NamedTuple):
    """A problem of one stage; `pointer` is below the stage."""

    pointer: str
    code: str
    message: str


class ListedBody(NamedTuple):
    """A body as an owner's config names it."""

    rule: BodyField
    name: str
    members: tuple[Named, ...]


@dataclass(slots=True)
class Links:
    """All that one stage says of others, and what it reads of the run.

    `placed` are the roots it uses of PLACED_ROOTS, `sets` the variable that it writes. `inputs` are
    the members of the run's input that it names, `all_inputs`: it uses the input as a whole.
    """

    depends: list[Named] = field(default_factory=list)
    upstream: list[Named] = field(default_factory=list)
    gated: list[Named] = field(default_factory=list)
    bodies: list[ListedBody] = field(default_factory=list)
    placed: list[Named] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    all_variables: bool = False
    inputs: set[str] = field(default_factory=set)
    all_inputs: bool = False
    sets: str | None = None
    wrong: list[Wrong] = field(default_factory=list)

    def add(self, pointer: str, references: References, own_roots: frozenset[str]) -> None:
        """Takes in what the text at `pointer` refers to."""
        self.upstream += [Named(pointer, name) for name in sorted(references.upstream)]
        placed = (references.roots & PLACED_ROOTS) - own_roots
        self.placed += [Named(pointer, root) for root in sorted(placed)]
        self.variables |= references.variables
        self.all_variables |= references.whole_variables
        self.inputs |= references.input_members
        self.all_inputs |= references.whole_input


def links_of(stage: Stage, component: Component | None) -> Links:
    """Reads `depends_on`, `when` and `config` of a stage; `component` is None for an unknown type.

    What cannot be compiled is told in `wrong` and refers to nothing.
    """
    fields = component.fields if component else {}
    links = Links(depends=list(_names("/depends_on", stage.depends_on)))
    for name, value in stage.config.items():
        _read_field(links, wire.pointer("config", name), value, fields.get(name))
    if stage.when is not None:
        _read_expression(links, "/when", stage.when, frozenset())
    if stage.component_type == SETTER and isinstance(stage.config.get("name"), str):
        links.sets = stage.config["name"]
        links.variables.add(links.sets)
    if component is not None:
        links.all_variables |= component.reads_variables(stage.config)
        _read_stages(links, stage.config, component)
    return links


def _read_field(links: Links, pointer: str, value: JSON, field: Field | None) -> None:
    if field is not None and (field.constant or field.stages):
        return
    if field is not None and _is_expression(field) and isinstance(value, str):
        return _read_expression(links, pointer, value, field.roots)
    for below, text in texts(value):
        _read_template(links, pointer + below, text)


def _read_template(links: Links, pointer: str, text: str) -> None:
    errors = check_value(text)
    for error in errors:
        links.wrong.append(Wrong(pointer, error.code, error.message))
    if not errors:
        links.add(pointer, compile_value(text).references, frozenset())


def _read_expression(links: Links, pointer: str, text: str, roots: frozenset[str]) -> None:
    try:
        references = compile_expression(text, extra_roots=roots).references
    except ExpressionSyntaxError as error:
        links.wrong.append(Wrong(pointer, error.code, error.message))
    else:
        links.add(pointer, references, roots)


def texts(value: JSON) -> Iterator[tuple[str, str]]:
    """Pointer and text of every string with a `{{` in a JSON value, in order."""
    stack: list[tuple[str, JSON]] = [("", value)]
    while stack:
        pointer, item = stack.pop()
        if isinstance(item, str):
            if "{{" in item:
                yield pointer, item
        elif isinstance(item, dict):
            stack += [(pointer + wire.pointer(k), v) for k, v in reversed(item.items())]
        elif isinstance(item, list):
            stack += [(f"{pointer}/{i}", item[i]) for i in range(len(item) - 1, -1, -1)]


def compile_config(config: Mapping[str, JSON], component: Component) -> Value:
    """The config ready to be resolved; its expression fields resolve to their own text."""
    fields = component.fields
    return compile_value(
        {
            name: _as_text(value) if name in fields and _is_expression(fields[name]) else value
            for name, value in config.items()
        }
    )


def _is_expression(declared: Field) -> bool:
    return declared.kind is Kind.EXPRESSION


def _as_text(expression: JSON) -> JSON:
    """An expression in a form that is no template."""
    if not isinstance(expression, str) or "{{" not in expression:
        return expression
    inner = expression.strip()
    if inner.startswith("{{") and inner.endswith("}}") and "{{" not in inner[2:]:
        return inner[2:-2]
    # A pair of braces inside one of its string literals.
    return "{{ " + json.dumps(expression) + " }}"


def _read_stages(links: Links, config: Mapping[str, JSON], component: Component) -> None:
    owned = component.body_fields if isinstance(component, Owner) else ()
    rules = {rule.field: rule for rule in owned}
    for name, declared in component.fields.items():
        if not _names_stages(declared):
            continue
        pointer, value = wire.pointer("config", name), _coerced(declared, config.get(name))
        if name in rules:
            links.bodies += _bodies(rules[name], pointer, value, _holds_several(declared))
        else:
            links.gated += _gated(declared, pointer, value)


def _names_stages(declared: Field) -> bool:
    """Whether the field, or something in it, holds stage ids."""
    parts = (*(declared.members or {}).values(), *([declared.items] if declared.items else ()))
    return declared.stages or any(map(_names_stages, parts))


def _gated(declared: Field, pointer: str, value: JSON) -> Iterator[Named]:
    """The stages that a gate names, wherever its field says that they stand."""
    if declared.stages:
        yield from _targets(pointer, value)
    elif declared.members is not None and isinstance(value, dict):
        for name, member in declared.members.items():
            yield from _gated(member, pointer + wire.pointer(name), value.get(name))
    elif declared.items is not None and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _gated(declared.items, f"{pointer}/{i}", item)


def _coerced(declared: Field, value: JSON) -> JSON:
    try:
        return declared.default if value is None else coerce(declared, value)
    except CoercionError:
        return None


def _holds_several(declared: Field) -> bool:
    """Whether each element of the field is a body of its own, as in `parallel.tasks`."""
    element = declared.items if declared.kind is Kind.ARRAY else None
    return element is not None and element.kind is not Kind.STRING


def _bodies(rule: BodyField, pointer: str, value: JSON, several: bool) -> Iterator[ListedBody]:
    if not several:
        yield ListedBody(rule, rule.field, tuple(_targets(pointer, value)))
        return
    for i, members in enumerate(value or ()):
        yield ListedBody(rule, f"{rule.field}.{i}", tuple(_targets(f"{pointer}/{i}", members)))


def _targets(pointer: str, value: JSON) -> Iterator[Named]:
    # A template is refused as such, not as an unknown stage.
    return (named for named in _names(pointer, value) if "{{" not in named.name)


def _names(pointer: str, value: JSON) -> Iterator[Named]:
    if isinstance(value, str):
        yield Named(pointer, value)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _names(f"{pointer}/{i}", item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _names(pointer + wire.pointer(name), item)
