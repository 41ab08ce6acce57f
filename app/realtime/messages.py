"""What clients say and what they are told: contract 04's messages, one JSON object each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core import clock, wire
from app.core.errors import (
    Conflict,
    Forbidden,
    JsonTooDeep,
    MalformedJson,
    NotFound,
    StudioError,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
)

MAX_BYTES = 65536
CONTROL_TYPES = frozenset({"pause", "resume", "step", "stop", "set_breakpoint", "clear_breakpoint"})
_ID_CHARACTERS = 64
_CODES: tuple[tuple[type[StudioError], str], ...] = (
    (MalformedJson, "malformed-json"),
    (JsonTooDeep, "json-too-deep"),
    (Unauthenticated, "unauthenticated"),
    (Forbidden, "forbidden"),
    (NotFound, "not-found"),
    (ValidationFailed, "validation-failed"),
    (Conflict, "illegal-move"),
    (Unavailable, "unavailable"),
)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a client said; `id` is None when it gave none that can be repeated."""

    type: str
    id: str | None
    members: Mapping[str, Any]

    @property
    def run_id(self) -> str | None:
        """The run it speaks of, when it names one."""
        run_id = self.members.get("run_id")
        return run_id if isinstance(run_id, str) else None


def read(text: str) -> Message:
    """Reads a message without judging its fields. Raises MalformedJson, JsonTooDeep."""
    members = wire.loads(text)
    if not isinstance(members, dict):
        raise MalformedJson("The message is not a JSON object.")
    kind, given = members.get("type"), members.get("id")
    return Message(kind if isinstance(kind, str) else "", given if _is_id(given) else None, members)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _ID_CHARACTERS


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _is_text_or_null(value: Any) -> bool:
    return value is None or (isinstance(value, str) and "\0" not in value)


def _is_texts(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_is_text, value)))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_seq(value: Any) -> bool:
    return type(value) is int and value >= 0


Rule = tuple[Callable[[Any], bool], bool, str]

_TOKEN: Rule = (_is_text, True, "must be a text")
_RUN: Rule = (_is_text, True, "must be the id of a run")
_STAGE: Rule = (_is_text_or_null, False, "must be the id of a stage, or null")
_AFTER: Rule = (_is_seq, False, "must be a whole number of at least 0")
_OFFERED: Mapping[str, Mapping[str, Rule]] = {
    "auth": {"token": _TOKEN},
    "subscribe": {"run_id": _RUN, "after_seq": _AFTER},
    "unsubscribe": {"run_id": _RUN},
    "ping": {},
    **dict.fromkeys(("pause", "resume", "step", "stop"), {"run_id": _RUN}),
    "set_breakpoint": {
        "run_id": _RUN,
        "stage_id": _STAGE,
        "stage_ids": (_is_texts, False, "must be a list of stage ids"),
        "condition": (_is_text_or_null, False, "must be a text, or null"),
        "on_error": (_is_flag, False, "must be true or false"),
    },
    "clear_breakpoint": {"run_id": _RUN, "stage_id": _STAGE},
}


def check(message: Message) -> None:
    """Judges type and fields. Raises ValidationFailed with one sentence for all that is wrong."""
    rules = _OFFERED.get(message.type)
    if rules is None:
        raise _wrong({"/type": f"The type must be one of {', '.join(_OFFERED)}."})
    wrong = {
        f"/{name}": f"{name} {says}."
        for name, (fits, needed, says) in rules.items()
        if (needed or name in message.members) and not fits(message.members.get(name))
    }
    if message.id is None and "id" in message.members:
        wrong["/id"] = f"id must be a text of at most {_ID_CHARACTERS} characters."
    for name in message.members.keys() - rules.keys() - {"type", "id"}:
        wrong[wire.pointer(name)] = f"{name[:80]} is not a field of {message.type}."
    if wrong:
        raise _wrong(wrong)


def fields(message: Message) -> dict[str, Any]:
    """What a message says beyond its type and id."""
    return {name: value for name, value in message.members.items() if name not in ("type", "id")}


def _wrong(sentences: Mapping[str, str]) -> ValidationFailed:
    errors = {pointer: [sentence] for pointer, sentence in sentences.items()}
    return ValidationFailed(errors, " ".join(sentences.values()))


def tell(kind: str, message: Message | None = None, /, **fields: Any) -> str:
    """The text of a server message that answers `message`, or nobody."""
    told: dict[str, Any] = {"type": kind}
    if message is not None and message.id is not None:
        told["id"] = message.id
    return wire.dumps(told | fields | {"timestamp": clock.text(clock.now())})


def tell_error(error: StudioError, message: Message | None = None) -> str:
    """The text of the `error` that answers `message`."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "internal")
    detail = error.detail if code != "internal" else "Something went wrong here."
    named = {"run_id": message.run_id} if message is not None and message.run_id else {}
    return tell("error", message, code=code, detail=detail, **named)
