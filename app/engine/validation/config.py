"""Whether the constants of a config fit the fields that its component declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core import wire
from app.core.wire import JSON
from app.engine.coercion import CoercionError, coerce
from app.engine.component import Component, Field, Kind
from app.engine.planner.links import Wrong, texts


def config_problems(component: Component, config: Mapping[str, JSON]) -> Iterator[Wrong]:
    """Unknown and missing fields, and constants that cannot become what their field takes.

    Pointers are below the stage. Templates are looked at elsewhere.
    """
    constants: dict[str, JSON] = {}
    for name, value in config.items():
        pointer, declared = wire.pointer("config", name), component.fields.get(name)
        if declared is None:
            message = f"{component.type} has no field {name[:100]!r}."
            yield Wrong(pointer, "unknown-config", message)
        else:
            yield from _field_problems(declared, value, pointer, constants, name)
    for name, declared in component.fields.items():
        if declared.required and name not in config:
            message = f"{component.type} needs the field {name}."
            yield Wrong(wire.pointer("config", name), "missing-config", message)
    for name, message in component.check_config(constants):
        yield Wrong(wire.pointer("config", name), "wrong-config-type", message)


def _field_problems(
    declared: Field, value: JSON, pointer: str, constants: dict[str, JSON], name: str
) -> Iterator[Wrong]:
    """The problems of one field; what is a good constant goes to `constants`, coerced."""
    if declared.kind is Kind.EXPRESSION:
        if not isinstance(value, str) and (value is not None or declared.required):
            yield Wrong(pointer, "wrong-config-type", "This must be an expression in a string.")
    elif not _is_constant(value):
        yield from _template_problems(declared, value, pointer)
    else:
        try:
            constants[name] = coerce(declared, value)
        except CoercionError as error:
            yield from _constant_problems(declared, value, pointer, error)


def _is_constant(value: JSON) -> bool:
    return next(texts(value), None) is None


def _wrong_type(pointer: str, error: CoercionError) -> Wrong:
    return Wrong(pointer + wire.pointer(*error.path), "wrong-config-type", f"This {error.message}.")


def _template_problems(declared: Field, value: JSON, pointer: str) -> Iterator[Wrong]:
    """What is wrong in a value with templates: that it has some, or its constant parts."""
    if declared.constant or declared.stages:
        for below, _ in texts(value):
            yield Wrong(pointer + below, "wrong-config-type", "This cannot be a template.")
        return
    yield from _member_problems(declared, value, pointer)
    for below, declared_item, item in _parts(declared, value):
        yield from _part_problems(declared_item, item, pointer + below)


def _member_problems(declared: Field, value: JSON, pointer: str) -> Iterator[Wrong]:
    if declared.members is None or not isinstance(value, dict):
        return
    for name in value:
        if name not in declared.members:
            message = "This is not a member here."
            yield Wrong(pointer + wire.pointer(name), "wrong-config-type", message)
    for name, member in declared.members.items():
        if member.required and name not in value:
            place = pointer + wire.pointer(name)
            yield Wrong(place, "wrong-config-type", "This is required.")


def _part_problems(declared: Field, value: JSON, pointer: str) -> Iterator[Wrong]:
    if not _is_constant(value):
        yield from _template_problems(declared, value, pointer)
        return
    try:
        coerce(declared, value)
    except CoercionError as error:
        yield from _constant_problems(declared, value, pointer, error)


def _constant_problems(
    declared: Field, value: JSON, pointer: str, first: CoercionError
) -> Iterator[Wrong]:
    """Each part that is wrong; `first` alone when it is the value as a whole."""
    found = list(_member_problems(declared, value, pointer))
    for below, declared_item, item in _parts(declared, value):
        found += _part_problems(declared_item, item, pointer + below)
    yield from found or [_wrong_type(pointer, first)]


def _parts(declared: Field, value: JSON) -> Iterator[tuple[str, Field, JSON]]:
    """The elements or members whose form the field declares."""
    if declared.members is not None and isinstance(value, dict):
        for name, item in value.items():
            if name in declared.members:
                yield wire.pointer(name), declared.members[name], item
    if declared.items is None:
        return
    if declared.kind is Kind.ARRAY and isinstance(value, list):
        for i, item in enumerate(value):
            yield f"/{i}", declared.items, item
    elif declared.kind is Kind.OBJECT and isinstance(value, dict):
        for name, item in value.items():
            yield wire.pointer(name), declared.items, item
