"""What each part of a field's declaration does to a value: kind, variants, items, bounds."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping

from app.core import wire
from app.core.errors import StudioError
from app.core.wire import JSON
from app.engine.coercion.scalars import (
    CoercionError,
    kind_of,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)
from app.engine.component import Field, Kind

Convert = Callable[[JSON], JSON]


def _kept(value: JSON) -> JSON:
    return value


def _parsed(wanted: type, sentence: str) -> Convert:
    """Objects and arrays: themselves, or the JSON text of one."""

    def convert(value: JSON) -> JSON:
        if type(value) is str:
            try:
                value = wire.loads(value)
            except StudioError:
                raise CoercionError(sentence) from None
        if type(value) is not wanted:
            raise CoercionError(sentence)
        return value

    return convert


_KINDS: dict[Kind, Convert] = {
    Kind.ANY: _kept,
    Kind.STRING: to_text,
    Kind.INTEGER: to_integer,
    Kind.NUMBER: to_number,
    Kind.BOOLEAN: to_boolean,
    Kind.OBJECT: _parsed(dict, "must be an object"),
    Kind.ARRAY: _parsed(list, "must be an array"),
    Kind.EXPRESSION: to_text,
}

#: The kinds that take a value of this type as it is, the closest first.
_EXACT: dict[type, tuple[Kind, ...]] = {
    str: (Kind.STRING, Kind.EXPRESSION),
    bool: (Kind.BOOLEAN,),
    int: (Kind.INTEGER, Kind.NUMBER),
    float: (Kind.NUMBER,),
    dict: (Kind.OBJECT,),
    list: (Kind.ARRAY,),
}


def compile_field(field: Field) -> Convert:
    """The function that coerces a value other than null; it raises CoercionError."""
    steps = [_union(field.variants) if field.variants else _KINDS[field.kind]]
    if field.items is not None:
        steps.append(_items(_nested(field.items)))
    if field.members is not None:
        steps.append(_members(field.members))
    if field.choices:
        steps.append(_choice(field.choices))
    if field.low is not None or field.high is not None:
        steps.append(_bounds(field.low, field.high))
    if field.pattern is not None:
        steps.append(_pattern(re.compile(field.pattern)))
    if len(steps) == 1:
        return steps[0]

    def convert(value: JSON) -> JSON:
        for step in steps:
            value = step(value)
        return value

    return convert


def _nested(field: Field) -> Convert:
    """As `compile_field`; a null element or member is one of a field of its own."""
    convert = compile_field(field)

    def present(value: JSON) -> JSON:
        if value is None and (field.kind is not Kind.ANY or field.variants):
            raise CoercionError("must not be null")
        return convert(value)

    return present


def _items(convert: Convert) -> Convert:
    """Each element of an array or member of an object; a new container only when one changes."""

    def each(value: JSON) -> JSON:
        if type(value) is dict:
            pairs = list(value.items())
        elif type(value) is list:
            pairs = list(enumerate(value))
        else:
            return value
        changed = value
        for place, item in pairs:
            try:
                made = convert(item)
            except CoercionError as refused:
                raise CoercionError(refused.message, (place, *refused.path)) from None
            if made is not item:
                changed = copy.copy(value) if changed is value else changed
                changed[place] = made
        return changed

    return each


def _members(fields: Mapping[str, Field]) -> Convert:
    """An object that has all these members and no others: absent ones take their default."""
    converts = {name: _member(field) for name, field in fields.items()}

    def each(value: JSON) -> JSON:
        for name in value:
            if name not in fields:
                raise CoercionError("is not a member here", (name,))
        made = {}
        for name, convert in converts.items():
            if name not in value and fields[name].required:
                raise CoercionError("is required", (name,))
            try:
                made[name] = convert(value.get(name))
            except CoercionError as refused:
                raise CoercionError(refused.message, (name, *refused.path)) from None
        return made

    return each


def _member(field: Field) -> Convert:
    """As a field of its own: null is kept by kind ANY, and is the default of an optional one."""
    convert = compile_field(field)

    def present(value: JSON) -> JSON:
        if value is not None:
            return convert(value)
        if field.required and (field.kind is not Kind.ANY or field.variants):
            raise CoercionError("must not be null")
        return None if field.required else copy.deepcopy(field.default)

    return present


def _choice(choices: tuple[str, ...]) -> Convert:
    folded = {choice.lower(): choice for choice in reversed(choices)}

    def choose(value: JSON) -> JSON:
        if value in choices:
            return value
        found = folded.get(value.lower()) if type(value) is str else None
        if found is None:
            raise CoercionError(f"must be one of {', '.join(choices)}")
        return found

    return choose


def _bounds(low: float | None, high: float | None) -> Convert:
    def bound(value: JSON) -> JSON:
        size = len(value) if type(value) in (str, list, dict) else value
        if type(size) in (int, float):
            unit = _UNITS.get(type(value), "")
            if low is not None and size < low:
                raise CoercionError(f"must {_verb(unit)} at least {_plain(low)}{unit}")
            if high is not None and size > high:
                raise CoercionError(f"must {_verb(unit)} at most {_plain(high)}{unit}")
        return value

    return bound


_UNITS: dict[type, str] = {str: " characters", list: " elements", dict: " members"}


def _verb(unit: str) -> str:
    return "have" if unit else "be"


def _plain(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else str(limit)


def _pattern(pattern: re.Pattern[str]) -> Convert:
    def match(value: JSON) -> JSON:
        if type(value) is str and not pattern.fullmatch(value):
            raise CoercionError(f"must match {pattern.pattern}")
        return value

    return match


def _union(variants: tuple[Field, ...]) -> Convert:
    """The variant of the value's own type, then each in the order listed."""
    compiled = [(variant, compile_field(variant)) for variant in variants]

    def choose(value: JSON) -> JSON:
        first: CoercionError | None = None
        exact = _EXACT.get(type(value), ())
        order = [each for kind in exact for each in compiled if each[0].kind is kind]
        for _, convert in order + compiled:
            try:
                return convert(value)
            except CoercionError as refused:
                first = first or refused
        raise first or CoercionError(f"must not be {kind_of(value)}")

    return choose
