"""A value brought to the types that a schema asks for, by contract 01's coercion table.

Followed are `type`, `enum`, `const` and the `default` of an optional null; into the value
`properties`, `patternProperties`, `additionalProperties`, `prefixItems` and `items`; and beside it
`$ref`, `allOf` and one variant of `anyOf` or `oneOf`: the first that fits the value as it is, else
the first that fits what it makes of it. So a value that is valid stays as it is. Other keywords are
left to the check, and so is whatever cannot be coerced.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from app.core.wire import JSON, MAX_DEPTH
from app.engine.coercion import CoercionError, coerce
from app.engine.component import Field, Kind
from app.engine.expressions import Purse
from app.engine.expressions.operators import equal
from app.engine.schema.graph import Node, SchemaError, SchemaGraph, may_match

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_UNIONS = ("anyOf", "oneOf")


def coerce_to_schema(schema: Node, value: JSON, purse: Purse) -> JSON:
    """The value with its parts in the types that `schema`, which compiles, asks for.

    The work is about the schema's weight for each part of the value; `purse` counts it. Raises
    SchemaError when the variants of the schema nest too deeply for that.
    """
    try:
        return _Coercion(SchemaGraph(schema), purse).made(schema, value)
    except RecursionError:
        raise SchemaError("The schema nests its variants too deeply.") from None


class _Coercion:
    """One value and one schema.

    `exact`: nothing is changed, it is only asked what fits. A value *fits* a schema when its types,
    choices and required members do.
    """

    def __init__(self, graph: SchemaGraph, purse: Purse, exact: bool = False) -> None:
        self._graph = graph
        self._purse = purse
        self._exact = exact
        self._asking = self if exact else _Coercion(graph, purse, exact=True)

    def made(self, schema: Any, value: JSON) -> JSON:
        """The value in the types of the schema."""
        return self._apply(schema, value, 0)[0]

    def _apply(self, schema: Any, value: JSON, depth: int, optional: bool = False) -> _Made:
        """The value by this schema, and whether it fits."""
        if type(schema) is not dict or depth > MAX_DEPTH:
            return value, schema is not False
        nodes = self._together(schema)
        if not self._exact:
            value = _typed(nodes, value, optional)
        fits = all(self._fits(node, value) for node in nodes)
        if self._exact and not fits:
            return value, False
        for variants in (node[word] for node in nodes for word in _UNIONS if word in node):
            value, one_fits = self._variant(variants, value, depth)
            fits = fits and one_fits
        required = {name for node in nodes for name in node.get("required", ())}
        for node in nodes if type(value) in (dict, list) else ():
            value, parts_fit = self._parts(node, value, required, depth + 1)
            fits = fits and parts_fit
        return value, fits

    def _together(self, schema: Node) -> list[Node]:
        """The schema and those that hold wherever it holds."""
        nodes: list[Node] = []
        known: set[int] = set()
        stack: list[Any] = [schema]
        while stack:
            node = stack.pop()
            if type(node) is dict and id(node) not in known:
                self._purse.spend(1)
                known.add(id(node))
                nodes.append(node)
                stack.extend(reversed(node.get("allOf", ())))
                if "$ref" in node:
                    stack.append(self._graph.resolve(node, node["$ref"]))
        return nodes

    def _variant(self, variants: list[Any], value: JSON, depth: int) -> _Made:
        if any(self._asking._apply(variant, value, depth)[1] for variant in variants):
            return value, True
        for variant in () if self._exact else variants:
            made, fits = self._apply(variant, value, depth)
            if fits:
                return made, True
        return value, False

    def _fits(self, node: Node, value: JSON) -> bool:
        if "type" in node and not _is_one_of(_types(node), value):
            return False
        if type(value) is dict and not all(name in value for name in node.get("required", ())):
            return False
        choices = _choices(node)
        return choices is None or any(equal(self._purse, value, choice) for choice in choices)

    def _parts(self, node: Node, value: JSON, required: set[str], depth: int) -> _Made:
        """The members or elements, each by the schemas that this node has for it."""
        made, fits = value, True
        for place, schema in _asked(node, value):
            optional = type(value) is dict and place not in required
            part, part_fits = self._apply(schema, made[place], depth, optional)
            fits = fits and part_fits
            if part is not made[place]:
                made = copy.copy(value) if made is value else made
                made[place] = part
        return made, fits


_Made = tuple[JSON, bool]


def _asked(node: Node, value: JSON) -> Iterator[tuple[Any, Any]]:
    """Each part of a value and a schema that the node has for it."""
    if type(value) is list:
        prefix, rest = node.get("prefixItems", ()), node.get("items", True)
        yield from ((i, prefix[i] if i < len(prefix) else rest) for i in range(len(value)))
        return
    properties, patterns = node.get("properties", {}), node.get("patternProperties", {})
    for name in value:
        found = [schema for pattern, schema in patterns.items() if may_match(pattern, name)]
        if name in properties:
            found.insert(0, properties[name])
        for schema in found or [node.get("additionalProperties", True)]:
            yield name, schema


def _types(node: Node) -> tuple[str, ...]:
    types = node["type"]
    return (types,) if isinstance(types, str) else tuple(types)


def _is_one_of(types: tuple[str, ...], value: JSON) -> bool:
    """JSON Schema 2020-12, 6.1.1: a number without fraction is an integer."""
    whole = type(value) is float and value.is_integer() and "integer" in types
    return whole or any(type(value) in _TYPES[name] for name in types)


def _choices(node: Node) -> list[JSON] | None:
    choices: list[JSON] | None = node.get("enum")
    return [node["const"]] if choices is None and "const" in node else choices


def _typed(nodes: list[Node], value: JSON, optional: bool) -> JSON:
    if value is None and optional:
        value = _default(nodes)
    for node in nodes:
        if "type" in node and value is not None:
            value = _converted(_types(node), value)
        if type(value) is str:
            value = _chosen(_choices(node) or (), value)
    return value


def _default(nodes: list[Node]) -> JSON:
    """What a null means where it is not allowed; null when the schema does not say."""
    refused = any("type" in node and "null" not in _types(node) for node in nodes)
    defaults = (node["default"] for node in nodes if "default" in node)
    return copy.deepcopy(next(defaults, None)) if refused else None


def _converted(types: tuple[str, ...], value: JSON) -> JSON:
    if type(value) is float and _is_one_of(types, value) and "number" not in types:
        types = ("integer",)
    elif _is_one_of(types, value):
        return value
    try:
        return coerce(_field(types), value)
    except CoercionError:
        return value


@lru_cache(maxsize=256)
def _field(types: tuple[str, ...]) -> Field:
    """The field that takes these types; null is looked at before."""
    kinds = [Kind(name) for name in types if name != "null"]
    return Field(required=True, variants=tuple(Field(kind) for kind in kinds))


def _chosen(choices: Any, text: str) -> str:
    """The choice that a text means: exactly, else in any case."""
    texts = [choice for choice in choices if type(choice) is str]
    if text in texts:
        return text
    folded = text.lower()
    return next((choice for choice in texts if choice.lower() == folded), text)
