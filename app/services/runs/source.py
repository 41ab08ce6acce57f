"""The history of a run that is forked: what stands at a snapshot, and what may be taken over.

Rows that are final never change, so a fork that is taken up again after a crash reads the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core import wire
from app.core.errors import RunError
from app.core.states import StageStatus, is_final
from app.core.wire import JSON
from app.engine.doubles import Recorded
from app.engine.instance import Key
from app.engine.planner import Plan
from app.models import Snapshot, StageRun
from app.models.base import raw
from app.services.runs.lineage import Lineage, Row

READ_AHEAD = 200

_COLUMNS = (
    StageRun.id,
    StageRun.stage_id,
    StageRun.component_type,
    StageRun.status,
    StageRun.attempt,
    StageRun.failures,
    StageRun.iteration_path,
    StageRun.round,
    StageRun.skip_reason,
    *(raw(column) for column in (StageRun.error, StageRun.usage)),
)


class Source:
    """The run `run_id`, which executes `plan`, up to its snapshot `seq` (see `engine.doubles`)."""

    def __init__(self, run_id: str, seq: int, plan: Plan) -> None:
        self.run_id, self.seq = run_id, seq
        ends = _ends(run_id)
        self._rows = {row.key: row for row in _rows(run_id, ends)}
        self._writes = {id: variables for id, (_, variables) in ends.items() if variables}
        self._known: dict[Key, Recorded] = {}
        self._below: dict[Key, Sequence[Recorded]] = {}
        ended = sorted(self._rows.values(), key=lambda row: (row.seq is None, row.seq or 0))
        self._outputs = _Texts(StageRun.output, [row.id for row in ended])
        self._inputs = _Texts(StageRun.input, sorted(row.id for row in ended))
        self._lineage = Lineage(self._rows.values(), plan, self.inputs)

    def taken(self, key: Key) -> Recorded | None:
        """A stage run that is final at the snapshot, unless it failed the run: that, what it
        caused and what never came to an end executes again."""
        row = self._rows.get(key)
        if row is None or not self._stands(row):
            return None
        return None if self._lineage.is_fatal(row) else self._recorded(row)

    def recorded(self, key: Key) -> Recorded | None:
        """A stage run that completed at any time, behind the snapshot too."""
        row = self._rows.get(key)
        if row is None or row.status is not StageStatus.COMPLETED:
            return None
        return self._recorded(row)

    def below(self, key: Key) -> Sequence[Recorded]:
        """What is final inside of an owner that had begun, at any depth, in the order of ends."""
        if key not in self._below:
            rows = self._lineage.below(key)
            self._below[key] = [self._recorded(row) for row in rows if self._stands(row)]
        return self._below[key]

    def inputs(self, key: Key) -> JSON:
        """The resolved inputs of an owner that had begun; None when it never did."""
        row = self._rows.get(key)
        return None if row is None else _read(self._inputs.text(row.id))

    def output(self, id: str) -> str | None:
        """The output of a stage run, as JSON text."""
        return self._outputs.text(id)

    def finished(self) -> frozenset[str]:
        """The ids of stages of which something is taken over."""
        rows = (row for row in self._rows.values() if self._stands(row))
        return frozenset(row.key.stage_id for row in rows if not self._lineage.is_fatal(row))

    def _stands(self, row: Row) -> bool:
        return row.seq is not None and row.seq <= self.seq and is_final(row.status)

    def _recorded(self, row: Row) -> Recorded:
        if row.key not in self._known:
            self._known[row.key] = self._read(row)
        return self._known[row.key]

    def _read(self, row: Row) -> Recorded:
        return Recorded(
            id=row.id,
            key=row.key,
            component_type=row.component_type,
            status=row.status,
            attempt=row.attempt,
            failures=row.failures,
            skip_reason=row.skip_reason,
            error=RunError.from_json(_read(row.error)) if row.error else None,
            usage=_read(row.usage),
            writes=_read_writes(self._writes.get(row.id)),
            seq=row.seq or 0,
        )


def finished_stages(run_id: str, seq: int, plan: Plan) -> frozenset[str]:
    """What `Source.finished` is, without reading the whole history when nothing in it failed."""
    query: Any = (
        StageRun.select(StageRun.stage_id, StageRun.status)
        .join(Snapshot, on=(Snapshot.stage_run_id == StageRun.id))
        .where(Snapshot.run == run_id, Snapshot.seq <= seq)
        .distinct()
    )
    found = list(query.tuples())
    if any(status == StageStatus.FAILED for _, status in found):
        return Source(run_id, seq, plan).finished()
    return frozenset(stage_id for stage_id, _ in found)


class _Texts:
    """One JSON column of stage runs; with each that is asked for, the next ones are read along."""

    def __init__(self, column: Any, order: Sequence[str]) -> None:
        self._column, self._order = column, order
        self._places = {id: place for place, id in enumerate(order)}
        self._ahead: dict[str, str | None] = {}

    def text(self, id: str) -> str | None:
        """That of one stage run; None for null."""
        if id not in self._ahead:
            place = self._places[id]
            stored: Any = StageRun.select(StageRun.id, raw(self._column))
            next_ones = stored.where(StageRun.id.in_(self._order[place : place + READ_AHEAD]))
            self._ahead = dict(next_ones.tuples())
        return self._ahead[id]


def _rows(run_id: str, ends: Mapping[str, tuple[int, str | None]]) -> list[Row]:
    query: Any = StageRun.select(*_COLUMNS).where(StageRun.run == run_id)
    return [_row(found, ends) for found in query.tuples()]


def _row(found: Sequence[Any], ends: Mapping[str, tuple[int, str | None]]) -> Row:
    id, stage_id, type, status, attempt, failures, path, round, reason, error, usage = found
    return Row(
        id=id,
        key=Key(stage_id, tuple(map(int, path.split("."))) if path else (), round),
        component_type=type,
        status=StageStatus(status),
        attempt=attempt,
        failures=failures,
        skip_reason=reason,
        error=error,
        usage=usage,
        seq=ends.get(id, (None, None))[0],
    )


def _ends(run_id: str) -> dict[str, tuple[int, str | None]]:
    """Of each final stage run the number of its snapshot, and the variables that it wrote."""
    query: Any = Snapshot.select(Snapshot.stage_run_id, Snapshot.seq, raw(Snapshot.variables))
    found = query.where(Snapshot.run == run_id, Snapshot.stage_run_id.is_null(False)).tuples()
    return {id: (seq, variables) for id, seq, variables in found}


def _read_writes(text: str | None) -> Mapping[tuple[str, bool], JSON] | None:
    if text is None:
        return None
    return {(name, stays): value for name, stays, value in wire.read(text)}


def _read(text: str | None) -> JSON:
    return None if text is None else wire.read(text)
