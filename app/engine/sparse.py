"""A document without the members that say nothing: what `normalize` makes whole again."""

from __future__ import annotations

from collections.abc import Mapping

from app.core import wire
from app.core.wire import JSON
from app.engine.document import DOCUMENT_DEFAULTS, RETRY_DEFAULTS, normalize

_BARE = {"id": "a", "component_type": "a"}


def sparse(normal: Mapping[str, JSON]) -> dict[str, JSON]:
    """The members of a normal document that differ from what an absent one means, in their order.

    What a document does not have is left out, too. `normalize(sparse(document)) == document`.
    """
    members = {name: normal[name] for name in DOCUMENT_DEFAULTS if name in normal}
    kept = _differing(members, DOCUMENT_DEFAULTS)
    if "stages" in kept:
        defaults = normalize({"stages": [_BARE]})["stages"][0]
        kept["stages"] = [_sparse_stage(stage, defaults) for stage in kept["stages"]]
    return kept


def _sparse_stage(stage: Mapping[str, JSON], defaults: Mapping[str, JSON]) -> dict[str, JSON]:
    named = {name: stage[name] for name in _BARE}
    kept = {**named, **_differing(stage, {**defaults, **dict.fromkeys(_BARE)})}
    if "retry" in kept:
        kept["retry"] = _differing(kept["retry"], RETRY_DEFAULTS)
    if kept.get("llm"):
        kept["llm"] = _differing(kept["llm"], dict.fromkeys(kept["llm"]))
    return kept


def _differing(value: Mapping[str, JSON], defaults: Mapping[str, JSON]) -> dict[str, JSON]:
    # In their written form: 2 and 2.0 are equal, and yet another document.
    return {
        name: item
        for name, item in value.items()
        if wire.canonical(item) != wire.canonical(defaults.get(name))
    }
