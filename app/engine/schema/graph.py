"""A JSON Schema as a graph: which subschemas judge the same value, and which judge its parts.

JSON Schema 2020-12, core sections 8.2 (references) and 10 (applicators).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

import re2

Node = dict[str, Any]
Weights = Counter[int]  #: subschema -> how often it is asked

_ONE = ("not", "if")
_AFTER_IF = ("then", "else")
_MANY = ("allOf", "anyOf", "oneOf")
_LISTED = ("enum", "required", "properties", "patternProperties", "dependentRequired")

OUTSIDE = "$ref must point at a schema inside the document."


class SchemaError(ValueError):
    """The schema cannot be used; `pointer` leads to what is wrong in it."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer


class SchemaGraph:
    """The subschemas of a document by a number of their own. Booleans are no nodes."""

    def __init__(self, schema: Node) -> None:
        self._bases: dict[int, str] = {}
        self._resources: dict[str, Node] = {"": schema}
        self._anchors: dict[tuple[str, str], Node] = {}
        self._dynamic: dict[str, list[Node]] = {}
        self._nodes: dict[int, Node] = {}
        self._collect(schema)
        self.root = self.number(schema)

    def number(self, node: Node) -> int:
        """The number of a subschema."""
        self._nodes[id(node)] = node
        return id(node)

    def _collect(self, schema: Node) -> None:
        stack: list[tuple[Any, str]] = [(schema, "")]
        while stack:
            item, base = stack.pop()
            if isinstance(item, dict):
                base = self._name(item, base)
                stack.extend((value, base) for value in item.values())
            elif isinstance(item, list):
                stack.extend((value, base) for value in item)

    def _name(self, node: Node, base: str) -> str:
        if isinstance(node.get("$id"), str):
            base = urldefrag(urljoin(base, node["$id"])).url
            self._resources[base] = node
        self._bases[id(node)] = base
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                self._anchors[base, node[keyword]] = node
        if isinstance(node.get("$dynamicAnchor"), str):
            self._dynamic.setdefault(node["$dynamicAnchor"], []).append(node)
        return base

    def cost(self, number: int) -> int:
        """How much one look at a value costs, apart from other subschemas."""
        node = self._nodes[number]
        listed = sum(len(node[word]) for word in _LISTED if isinstance(node.get(word), list | dict))
        return 1 + listed // 8

    def beside(self, number: int) -> Iterator[int]:
        """The subschemas asked about the same value, as often as they are asked."""
        node = self._nodes[number]
        found = [node[word] for word in _ONE if word in node]
        found += [node[word] for word in _AFTER_IF if word in node and "if" in node]
        for word in _MANY:
            found += node.get(word, ())
        found += node.get("dependentSchemas", {}).values()
        found += self._referred(node)
        # What no other keyword looked at can only be told by asking all of them again.
        twice = 2 if "unevaluatedProperties" in node or "unevaluatedItems" in node else 1
        for child in found:
            if isinstance(child, dict):
                yield from [self.number(child)] * twice

    def _referred(self, node: Node) -> list[Any]:
        found = [self.resolve(node, node["$ref"])] if "$ref" in node else []
        if "$dynamicRef" in node:
            target = self.resolve(node, node["$dynamicRef"])
            name = target.get("$dynamicAnchor") if isinstance(target, dict) else None
            found += self._dynamic[name] if name in self._dynamic else [target]
        return found

    def resolve(self, node: Node, reference: str) -> Any:
        """The schema that a reference in `node` names. Raises SchemaError."""
        url, fragment = urldefrag(urljoin(self._bases.get(id(node), ""), reference))
        fragment = unquote(fragment)
        anchored = bool(fragment) and not fragment.startswith("/")
        try:
            if anchored:
                return self._anchors[url, fragment]
            return _at_pointer(self._resources[url], fragment)
        except (KeyError, IndexError, TypeError, ValueError):
            raise SchemaError(OUTSIDE) from None

    def parts(self, weights: Weights) -> list[Weights]:
        """What is asked about each distinct part of a value, when `weights` are asked of itself."""
        nodes = [(self._nodes[number], times) for number, times in weights.items()]
        names = {name for node, _ in nodes for name in node.get("properties", ())}
        places = range(max((len(node.get("prefixItems", ())) for node, _ in nodes), default=0))
        asked = [self._of_names(nodes)]
        asked += [self._of_member(nodes, name) for name in (*names, None)]
        asked += [self._of_element(nodes, place) for place in (*places, None)]
        return [each for each in asked if each]

    def _add(self, into: Weights, schema: Any, times: int) -> None:
        if isinstance(schema, dict):
            into[self.number(schema)] += times

    def _of_names(self, nodes: list[tuple[Node, int]]) -> Weights:
        asked: Weights = Counter()
        for node, times in nodes:
            self._add(asked, node.get("propertyNames"), times)
        return asked

    def _of_member(self, nodes: list[tuple[Node, int]], name: str | None) -> Weights:
        """For the member `name`, or (None) for any that no `properties` names."""
        asked: Weights = Counter()
        for node, times in nodes:
            own, rest = Counter[int](), Counter[int]()
            self._add(own, node.get("properties", {}).get(name), times)
            for pattern, schema in node.get("patternProperties", {}).items():
                if name is None or may_match(pattern, name):
                    self._add(own, schema, times)
            for word in ("additionalProperties", "unevaluatedProperties"):
                one: Weights = Counter()
                self._add(one, node.get(word), times)
                rest |= one
            # The rest is asked of what neither a name nor a pattern took.
            asked += own if name in node.get("properties", ()) else own | rest
        return asked

    def _of_element(self, nodes: list[tuple[Node, int]], place: int | None) -> Weights:
        """For the element at `place`, or (None) for any behind every `prefixItems`."""
        asked: Weights = Counter()
        for node, times in nodes:
            prefix = node.get("prefixItems", ())
            if place is not None and place < len(prefix):
                self._add(asked, prefix[place], times)
            else:
                rest, other = Counter[int](), Counter[int]()
                self._add(rest, node.get("items"), times)
                self._add(other, node.get("unevaluatedItems"), times)
                asked += rest | other
            self._add(asked, node.get("contains"), times)
        return asked


def may_match(pattern: str, name: str) -> bool:
    """Whether a member's name matches a pattern, or could."""
    try:
        return bool(re2.search(pattern, name))
    except re2.error:
        return True


def _at_pointer(value: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901 section 4)."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
