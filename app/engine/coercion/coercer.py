"""Values into the kinds that a component's fields declare (contract 01, Type coercion)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import SimpleNamespace

from app.core import wire
from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.coercion.conversions import Convert, compile_field
from app.engine.coercion.scalars import CoercionError
from app.engine.component import Field, Kind

_KEPT = 1024  # declarations are few and live as long as the process


class Coercer:
    """Turns the resolved config of a component into its inputs. Made once per declaration."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self._converts = {name: compile_field(field) for name, field in fields.items()}

    def build(self, values: Mapping[str, JSON]) -> SimpleNamespace:
        """The inputs, one attribute per field; values without a field are left out.

        Raises StageError VALIDATION, which names the field.
        """
        inputs = SimpleNamespace()
        made = inputs.__dict__
        for name, convert in self._converts.items():
            value = values.get(name)
            if value is None:
                made[name] = self._absent(name, given=name in values)
                continue
            try:
                made[name] = convert(value)
            except CoercionError as refused:
                raise _invalid((name, *refused.path), refused.message) from None
        return inputs

    def _absent(self, name: str, given: bool) -> JSON:
        field = self.fields[name]
        if given and field.kind is Kind.ANY and not field.variants:
            return None
        if field.required:
            raise _invalid((name,), "must not be null" if given else "is required")
        return _fresh(field.default)


def _fresh(default: JSON) -> JSON:
    """A default that its taker may change."""
    if type(default) is not dict and type(default) is not list:
        return default
    return copy.deepcopy(default) if default else default.copy()


def _invalid(path: tuple[str | int, ...], message: str) -> StageError:
    place = wire.pointer(*path)
    name = place[1:].replace("/", ".")
    return StageError("VALIDATION", f"The field {name} {message}.", details={"field": place})


# Keyed by identity, for a Field may hold what has no hash; the declaration is kept with its
# compiled form, so its identity is not given away to another.
_coercers: dict[int, Coercer] = {}
_converts: dict[int, tuple[Field, Convert]] = {}


def build_inputs(fields: Mapping[str, Field], values: Mapping[str, JSON]) -> SimpleNamespace:
    """The inputs of a component from its resolved config.

    Raises StageError VALIDATION, which names the field.
    """
    coercer = _coercers.get(id(fields))
    if coercer is None:
        if len(_coercers) >= _KEPT:
            _coercers.clear()
        coercer = _coercers[id(fields)] = Coercer(fields)
    return coercer.build(values)


def coerce(field: Field, value: JSON) -> JSON:
    """A value in the kind of its field.

    Null becomes the default of an optional field, and stays null for one of kind ANY. Raises
    CoercionError.
    """
    if value is None:
        if field.kind is Kind.ANY and not field.variants:
            return None
        if field.required:
            raise CoercionError("must not be null")
        return _fresh(field.default)
    known = _converts.get(id(field))
    if known is None:
        if len(_converts) >= _KEPT:
            _converts.clear()
        known = _converts[id(field)] = (field, compile_field(field))
    return known[1](value)
