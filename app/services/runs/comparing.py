"""A what-if beside its source (contract 05, WhatIfResult)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.core import wire
from app.core.difference import differences
from app.core.errors import NotFound
from app.core.principal import Principal
from app.core.states import RunStatus, TriggerType, is_final
from app.core.wire import JSON
from app.services.runs import pairing, read
from app.services.runs.events import NO_USAGE, embedded
from app.services.runs.variants import Variant, read_variant

MAX_DIFFERENCES = 200


def get_what_if(who: Principal, run_id: str, what_if_run_id: str) -> dict[str, JSON]:
    """The WhatIfResult of a what-if of the run; without a comparison until it is final.

    Raises NotFound.
    """
    source, run = read.get_row(who, run_id), read.get_row(who, what_if_run_id)
    if run.trigger_type != TriggerType.WHAT_IF or run.forked_from_run_id != source.id:
        raise NotFound
    variant = read_variant(run.document)
    return {
        "run_id": source.id,
        "what_if_run_id": run.id,
        "snapshot_id": run.forked_from_snapshot_id,
        "dry_run": variant.is_dry,
        "status": run.status,
        "changes": variant.changes,
        **_compared(source, run, variant),
    }


def _compared(source: Any, run: Any, variant: Variant) -> dict[str, JSON]:
    ended = is_final(RunStatus(run.status))
    old, new = read.output_text(source), read.output_text(run)
    told = list(_differences(old, new)) if ended else []
    return {
        "outputs_identical": source.status == run.status and not told if ended else None,
        "original": _side(source, old),
        "what_if": {**_side(run, new), "error": embedded(run.error)},
        "stages": pairing.pairs(source, run, variant) if ended else [],
        "differences": told,
    }


def _side(run: Any, output: str | None) -> dict[str, JSON]:
    return {
        "output": embedded(output),
        "duration_ms": run.duration_ms,
        "usage": embedded(run.usage) or NO_USAGE,
    }


def _differences(old: str | None, new: str | None) -> Iterator[dict[str, JSON]]:
    if old != new:
        found = differences(_read(old), _read(new))
        yield from (one._asdict() for one in islice(found, MAX_DIFFERENCES))


def _read(text: str | None) -> JSON:
    return None if text is None else wire.read(text)
