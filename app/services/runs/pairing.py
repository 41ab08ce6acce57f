"""The stage runs of a what-if beside those of its source, as many as one answer has room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import config
from app.core import wire
from app.core.difference import is_same
from app.core.states import RunStatus
from app.core.wire import JSON
from app.engine.planner import Plan
from app.models import StageRun, stage_slices
from app.models.base import raw
from app.services.runs import stages
from app.services.runs.events import embedded
from app.services.runs.variants import Variant, plan_of_run

_LOADED_BYTES = 8_388_608  #: of outputs that are compared, at once in memory

_Row = Mapping[str, Any]


class _Place(NamedTuple):
    stage_id: str
    path: tuple[int, ...]
    round: int


class _Pair(NamedTuple):
    place: _Place
    old: _Row | None
    new: _Row | None

    @property
    def size(self) -> int:
        """The bytes of both outputs."""
        return sum(row["size"] or 0 for row in (self.old, self.new) if row)

    @property
    def ids(self) -> list[str]:
        """The ids of those that have outputs."""
        return [row["id"] for row in (self.old, self.new) if row and row["size"] is not None]


def pairs(source: Any, run: Any, variant: Variant) -> list[dict[str, JSON]]:
    """The stage entries of a WhatIfResult: all stages outside bodies and the first
    BODY_INSTANCES_SHOWN body instances. Outputs are included in their order while their sum stays
    within FLOWMASON_MAX_OUTPUT_BYTES."""
    entries, room = [], config.settings().max_output_bytes
    for chunk in _chunks(_paired(source, run)):
        outputs = _outputs([id for pair in chunk for id in pair.ids])
        for pair in chunk:
            room -= pair.size
            entries.append(_entry(pair, variant, outputs, has_room=room >= 0))
    return entries


def _paired(source: Any, run: Any) -> list[_Pair]:
    plan = plan_of_run(run.pipeline_version_id, run.document)
    old = _rows(source, plan_of_run(source.pipeline_version_id, source.document))
    new = _rows(run, plan)
    missing = [place for place, row in new.items() if place not in old and row["id"]]
    keys = [(place.stage_id, ".".join(map(str, place.path)), place.round) for place in missing]
    old |= {_place(row): row for row in stage_slices.named(source.id, keys)}
    gone = [place for place in old if place not in new]
    inside = stages.indexes(plan, outside=False)
    left = stages.BODY_INSTANCES_SHOWN - sum(place.stage_id in inside for place in new)
    shown = [*new, *gone[: max(0, left)]]
    return [_Pair(place, old.get(place), new.get(place)) for place in shown]


def _rows(run: Any, plan: Plan) -> dict[_Place, _Row]:
    """Those that an answer about the run alone would show, in its order."""
    outside, inside = (stages.indexes(plan, outside=outside) for outside in (True, False))
    outer = stage_slices.ordered(run.id, outside, len(outside))
    inner = stage_slices.ordered(run.id, inside, stages.BODY_INSTANCES_SHOWN)
    begun = {row["stage_id"] for row in outer}
    rows = [*outer, *inner, *stages.unbegun(plan, RunStatus(run.status), begun)]
    return {_place(row): row for row in sorted(rows, key=lambda row: row["place"])}


def _place(row: _Row) -> _Place:
    return _Place(row["stage_id"], row["place"].path, row["round"])


def _chunks(found: Sequence[_Pair]) -> Iterator[list[_Pair]]:
    """The pairs, so many at once that their outputs fit into memory."""
    chunk: list[_Pair] = []
    size = 0
    for pair in found:
        if chunk and size + pair.size > _LOADED_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(pair)
        size += pair.size
    yield chunk


def _outputs(ids: Sequence[str]) -> Mapping[str, str]:
    stored: Any = StageRun.select(StageRun.id, raw(StageRun.output))
    return dict(stored.where(StageRun.id.in_(list(ids))).tuples()) if ids else {}


def _entry(
    pair: _Pair, variant: Variant, outputs: Mapping[str, str], has_room: bool
) -> dict[str, JSON]:
    stage_id, path, round = pair.place
    new = pair.new
    return {
        "stage_id": stage_id,
        "iteration_path": list(path),
        "round": round,
        "executed": bool(new and new["attempt"] and not new["reused"]),
        "original": _side(pair.old, outputs, has_room),
        "what_if": _side(new, outputs, has_room),
        "changed": _is_changed(pair, variant, outputs),
    }


def _side(row: _Row | None, outputs: Mapping[str, str], has_room: bool) -> dict[str, JSON] | None:
    if row is None:
        return None
    output = outputs.get(row["id"])
    left_out = {"output_truncated": True} if output is not None and not has_room else {}
    return {
        "status": row["status"],
        "output": embedded(output) if has_room else None,
        **left_out,
        "duration_ms": row["duration_ms"],
        "usage": embedded(row["usage"]),
    }


def _is_changed(pair: _Pair, variant: Variant, outputs: Mapping[str, str]) -> bool:
    old, new = pair.old, pair.new
    if old is None or new is None or old["status"] != new["status"]:
        return True
    if new["reused"] and pair.place.stage_id not in variant.outputs:
        return False  # taken over as it stands there
    one, other = outputs.get(old["id"]), outputs.get(new["id"])
    if one is None or other is None or one == other:
        return one != other
    return not is_same(wire.read(one), wire.read(other))
