"""Overriding a stage whatever names its author, and the override's, use for the same member."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.wire import JSON
from app.engine.document import STAGE_ALIASES, merged_config, written_as

#: Alias -> the member that it stands for.
_STANDS_FOR = {
    "input_mapping": "config",
    **{alias: member for member, aliases in STAGE_ALIASES.items() for alias in aliases},
}


def overridden(stage: Mapping[str, JSON], partial: Mapping[str, JSON]) -> dict[str, JSON]:
    """The stage with a partial one laid over it: objects merge, other values replace.

    What `partial` gives wins under whichever name the stage has it: a `config` over an
    `input_mapping` and the other way round. Members that it does not give stay as written.
    """
    below, above = canonical(stage), canonical(partial)
    kept = {name: value for name, value in stage.items() if _member(name) not in above}
    return {**kept, **{name: merged(below.get(name), value) for name, value in above.items()}}


def merged(below: JSON, above: JSON) -> JSON:
    """`above` laid over `below`: objects merge recursively, any other value replaces."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: merged(below.get(name), value) for name, value in above.items()}}


def canonical(stage: Mapping[str, JSON]) -> dict[str, JSON]:
    """The members that a stage or a part of one gives, under their canonical names; none added."""
    return {name: _value(stage, name) for name in dict.fromkeys(map(_member, stage))}


def _member(name: str) -> str:
    return _STANDS_FOR.get(name, name)


def _value(stage: Mapping[str, JSON], member: str) -> JSON:
    if member == "config":
        return _config(stage)
    written = written_as(stage, member)
    value = stage[written]
    if written == "retry_config" and isinstance(value, dict):
        return _retry(value)
    if written == "llm_settings" and isinstance(value, dict):
        return _renamed(value, "stop_sequences", "stop")
    return value


def _config(stage: Mapping[str, JSON]) -> JSON:
    given = [stage[name] for name in ("config", "input_mapping") if name in stage]
    return merged_config(stage) if all(isinstance(part, dict) for part in given) else given[0]


def _retry(written: Mapping[str, JSON]) -> dict[str, JSON]:
    """A `retry_config` as a `retry`; a number of retries is one less than that of attempts."""
    again = written.get("max_retries")
    attempts = again + 1 if isinstance(again, int) else again
    counted = {name: attempts if name == "max_retries" else written[name] for name in written}
    renamed = _renamed(counted, "max_retries", "max_attempts")
    return _renamed(renamed, "backoff_multiplier", "multiplier")


def _renamed(value: Mapping[str, JSON], alias: str, name: str) -> dict[str, JSON]:
    """The members with `alias` under its canonical name, unless that is there, too."""
    rest = {member: item for member, item in value.items() if member != alias}
    return {name: value[alias], **rest} if alias in value else rest
