"""How a run is accepted: resolved, checked, stored; then the bell."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import config
from app.core import clock, wire
from app.core.errors import (
    IdempotencyMismatch,
    InvalidInput,
    Unavailable,
    ValidationFailed,
)
from app.core.ids import new_id
from app.core.principal import Principal
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.schema import compile_schema
from app.infra.broker import ring
from app.infra.database import after_commit, statement
from app.models import IdempotencyKey, journal_sql
from app.models.journal_sql import Version
from app.models.runs import PRIORITIES
from app.services.pipelines.documents import plan_of, resolve
from app.services.runs import commands, read
from app.services.runs.breakpoints import read_breakpoints

KEY_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's promise that requests with this key, route and body are one request."""

    key: str
    route: str
    body_digest: str


@dataclass(frozen=True, slots=True)
class Started:
    """The run in wire form; `replayed` when an earlier request with the same key started it."""

    run: dict[str, JSON]
    replayed: bool = False


def start_run(
    who: Principal,
    reference: str,
    input: Mapping[str, JSON],
    *,
    breakpoints: Sequence[str | Mapping[str, JSON]] = (),
    stop_on_entry: bool = False,
    metadata: Mapping[str, JSON] | None = None,
    priority: str = "normal",
    trace_id: str | None = None,
    idempotency: Idempotency | None = None,
) -> Started:
    """Stores a pending run and rings for a worker once that is committed.

    `breakpoints` are stage ids, or objects of contract 05's Breakpoint; `stop_on_entry`: it pauses
    before its first stage. `trace_id` is 32 hex digits; one is made when absent.

    Raises NotFound for an unknown pipeline, also one that is deleted at this moment, InvalidInput
    when `input` breaks its input_schema, ValidationFailed for breakpoints, IdempotencyMismatch for
    a key that was used with another body. A request that was accepted before is answered before
    anything is judged: the pipeline may have changed since.
    """
    earlier = find_earlier(who, idempotency)
    if earlier is not None:
        return earlier
    version = resolve(who, reference)
    check_input(version, input)
    row = _row(who, version, input, metadata or {}, priority, trace_id)
    row["breakpoints"] = wire.dumps(read_breakpoints(breakpoints, plan_of(version.id)))
    row["control"] = commands.ENTRY if stop_on_entry else None
    with statement():
        accepted = journal_sql.accept(row, key_row(idempotency, row))
    if not accepted:
        return _not_accepted(who, reference, idempotency)
    after_commit(lambda: ring("runs"))
    return Started(read.fresh_view(row, plan_of(version.id)))


def check_input(version: Version, input: Mapping[str, JSON]) -> None:
    """Raises InvalidInput, with pointers under `/input`, when the schema does not accept it."""
    found = compile_schema(plan_of(version.id).document.input_schema).errors(input)
    errors: dict[str, list[str]] = {}
    for pointer, sentence, _ in found:
        errors.setdefault(f"/input{pointer}", []).append(sentence)
    if errors:
        raise InvalidInput(errors)


def _row(
    who: Principal,
    version: Version,
    input: Mapping[str, JSON],
    metadata: Mapping[str, JSON],
    priority: str,
    trace_id: str | None,
) -> dict[str, Any]:
    return {
        "id": new_id("run"),
        "created_at": clock.text(clock.now()),
        "org_id": who.org_id,
        **_of_version(version),
        "status": RunStatus.PENDING.value,
        "input": _text("/input", input),
        "variables": None,
        "priority": PRIORITIES.index(priority),
        "trigger_type": "api",
        "trigger_id": None,
        "parent_run_id": None,
        "forked_from_run_id": None,
        "forked_from_snapshot_id": None,
        "created_by": who.user_id or who.client_id,
        "auth_type": who.auth_type,
        "metadata": _text("/metadata", metadata),
        "breakpoints": "[]",
        "control": None,
        "document": None,
        "trace_id": trace_id or secrets.token_hex(16),
    }


def child_row(
    parent: Mapping[str, Any],
    version: Version,
    run_id: str,
    input: Mapping[str, JSON],
    variables: Mapping[str, JSON],
) -> dict[str, Any]:
    """The row of a run that a stage of `parent` starts. Raises ValidationFailed for an input larger
    than a caller's may be."""
    text, limit = _text("/input_data", input), config.settings().max_body_bytes
    if len(text.encode()) > limit:
        raise ValidationFailed({"/input_data": [f"This is larger than {limit} bytes."]})
    inherited = ("org_id", "priority", "created_by", "auth_type", "trace_id")
    return {
        **{name: parent[name] for name in inherited},
        **_of_version(version),
        "id": run_id,
        "created_at": clock.text(clock.now()),
        "status": RunStatus.PENDING.value,
        "input": text,
        "variables": wire.dumps(dict(variables)) if variables else None,
        "trigger_type": "subpipeline",
        "trigger_id": parent["id"],
        "parent_run_id": parent["id"],
        "forked_from_run_id": None,
        "forked_from_snapshot_id": None,
        "metadata": "{}",
        "breakpoints": "[]",
        "control": None,
        "document": None,
    }


def _of_version(version: Version) -> dict[str, Any]:
    return {
        "pipeline_id": version.pipeline_id,
        "pipeline_version_id": version.id,
        "pipeline_name": version.pipeline_name,
        "pipeline_version": version.version,
    }


def _text(pointer: str, value: Mapping[str, JSON]) -> str:
    try:
        return wire.dumps(value)
    except wire.NotJson as refused:
        raise ValidationFailed({pointer: [f"This is not JSON: {refused}."]}) from None


def key_row(idempotency: Idempotency | None, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is stored of a key beside the run that it started, whose row this is."""
    if idempotency is None:
        return None
    return {
        "route": idempotency.route,
        "key": idempotency.key,
        "body_digest": idempotency.body_digest,
        "body": first_breakpoints(row["breakpoints"]),
        "expires_at": clock.text(clock.parse(row["created_at"]) + KEY_LIFE),
    }


def first_breakpoints(breakpoints: str) -> str | None:
    """What a key keeps of its first answer: the breakpoints, JSON text, which may change later."""
    return None if breakpoints == "[]" else f'{{"breakpoints":{breakpoints}}}'


def find_earlier(who: Principal, idempotency: Idempotency | None) -> Started | None:
    """What the first request with this key has started. Raises IdempotencyMismatch."""
    held = find_key(who, idempotency)
    if held is None:
        return None
    first = (held.body or {}).get("breakpoints", [])
    return Started(read.accepted_view(who, held.run_id, first), replayed=True)


def find_key(who: Principal, idempotency: Idempotency | None) -> Any:
    """What is stored of the first request with this key. Raises IdempotencyMismatch."""
    if idempotency is None:
        return None
    held: Any = IdempotencyKey.get_or_none(
        IdempotencyKey.org_id == who.org_id,
        IdempotencyKey.route == idempotency.route,
        IdempotencyKey.key == idempotency.key,
        IdempotencyKey.expires_at >= clock.now(),
    )
    if held is None:
        return None
    if held.body_digest != idempotency.body_digest:
        raise IdempotencyMismatch
    return held


def _not_accepted(who: Principal, reference: str, idempotency: Idempotency | None) -> Started:
    """The run that another copy of this request has started.

    Raises NotFound when the pipeline was deleted since it was looked up.
    """
    earlier = find_earlier(who, idempotency)
    if earlier is None:
        resolve(who, reference)
        raise Unavailable("The key expired this moment; send the request once more.")
    return earlier
