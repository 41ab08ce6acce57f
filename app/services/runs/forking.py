"""Runs that begin inside the history of another: what replay and what-if share (contract 05)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import config
from app.core import clock, wire
from app.core.errors import (
    IllegalMove,
    InvalidInput,
    NotFound,
    Unavailable,
    ValidationFailed,
)
from app.core.ids import is_id, new_id
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.core.wire import JSON
from app.engine.planner import Plan
from app.engine.schema import compile_schema
from app.infra.broker import ring
from app.infra.database import after_commit, transaction
from app.models import Run, Snapshot, journal_sql
from app.models.base import raw
from app.services.identity import audit
from app.services.runs import read, start
from app.services.runs.source import Source, finished_stages
from app.services.runs.start import Idempotency, Started
from app.services.runs.variants import Variant, plan_of_run, read_variant

#: What a fork has from its source as it stands there.
_SAME = (
    "org_id",
    "pipeline_id",
    "pipeline_version_id",
    "pipeline_name",
    "pipeline_version",
    "priority",
)
_COLUMNS = (
    Run.id,
    Run.status,
    *(getattr(Run, name) for name in _SAME),
    *(raw(column) for column in (Run.input, Run.variables, Run.document)),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A run that is forked, and the snapshot behind which the fork goes on.

    `row` has JSON columns as text; `document` is what the run differs from its version by.
    """

    row: Any
    snapshot_id: str
    seq: int

    @property
    def document(self) -> Variant:
        """The document of the run, without what was special about that one execution."""
        held = read_variant(self.row.document)
        return Variant(document=held.document, overrides=held.overrides)

    def source(self) -> Source:
        """What there is to be taken over."""
        return Source(self.row.id, self.seq, self.plan())

    def finished(self) -> frozenset[str]:
        """The ids of stages of which something is taken over."""
        return finished_stages(self.row.id, self.seq, self.plan())

    def plan(self) -> Plan:
        """The plan of what the run executed."""
        return plan_of_run(self.row.pipeline_version_id, self.row.document)

    def input(self) -> dict[str, JSON]:
        """The run's input."""
        input: dict[str, JSON] = wire.read(self.row.input)
        return input

    def variables(self) -> dict[str, JSON]:
        """The run's variables at its start."""
        return wire.read(self.row.variables) if self.row.variables else {}


def find_origin(who: Principal, run_id: str, snapshot_id: str) -> Origin:
    """The run and its snapshot. Raises NotFound; IllegalMove unless the run is final or paused."""
    origin = find_snapshot(who, run_id, snapshot_id)
    status = RunStatus(origin.row.status)
    if not is_final(status) and status is not RunStatus.PAUSED:
        message = f"A {status} run cannot be forked: stop or pause it, or wait until it has ended."
        raise IllegalMove(message)
    return origin


def find_snapshot(who: Principal, run_id: str, snapshot_id: str) -> Origin:
    """The same whatever the run's status. Raises NotFound."""
    if not (is_id(run_id, "run") and is_id(snapshot_id, "snp")):
        raise NotFound
    row = source_row(who.org_id, run_id)
    seqs: Any = Snapshot.select(Snapshot.seq).where(
        Snapshot.id == snapshot_id, Snapshot.run == run_id
    )
    found = seqs.tuples().first() if row is not None else None
    if found is None:
        raise NotFound
    return Origin(row, snapshot_id, found[0])


def source_row(org_id: str, run_id: str) -> Any:
    """The row of a run of this organisation, as Origin holds it; None when there is none."""
    return Run.of(org_id, *_COLUMNS).where(Run.id == run_id).namedtuples().first()


def checked_input(plan: Plan, input: Mapping[str, JSON]) -> str:
    """The JSON of an input. Raises InvalidInput, with pointers under `/input`, when the schema does
    not accept it; ValidationFailed when it is larger than a caller's may be."""
    errors: dict[str, list[str]] = {}
    for pointer, sentence, _ in compile_schema(plan.document.input_schema).errors(input):
        errors.setdefault(f"/input{pointer}", []).append(sentence)
    if errors:
        raise InvalidInput(errors)
    return bounded_text(input, "/input")


def bounded_text(value: Mapping[str, JSON], told: str) -> str:
    """The JSON of an input or of variables. Raises ValidationFailed for more bytes than a caller
    may send: what is merged would grow with each fork of a fork."""
    text, limit = wire.dumps(value), config.settings().max_body_bytes
    if len(text.encode()) > limit:
        raise ValidationFailed({told: [f"With what was recorded this is over {limit} bytes."]})
    return text


def fork_row(
    who: Principal, origin: Origin, trigger: str, document: Variant, trace_id: str | None = None
) -> dict[str, Any]:
    """The row of a fork: in everything that nothing is said about it is like its source."""
    return {
        **{name: getattr(origin.row, name) for name in _SAME},
        "id": new_id("run"),
        "created_at": clock.text(clock.now()),
        "status": RunStatus.PENDING.value,
        "input": origin.row.input,
        "variables": origin.row.variables,
        "trigger_type": trigger,
        "trigger_id": origin.row.id,
        "parent_run_id": None,
        "forked_from_run_id": origin.row.id,
        "forked_from_snapshot_id": origin.snapshot_id,
        "created_by": who.user_id or who.client_id,
        "auth_type": who.auth_type,
        "metadata": "{}",
        "breakpoints": "[]",
        "control": None,
        "document": document.text(),
        "trace_id": trace_id or secrets.token_hex(16),
    }


def accept(
    who: Principal, row: Mapping[str, Any], action: str, idempotency: Idempotency | None
) -> Started:
    """Stores a fork and rings for a worker; tells the audit log. The pipeline may be deleted.

    Raises IdempotencyMismatch.
    """
    with transaction():
        accepted = journal_sql.accept_fork(row, start.key_row(idempotency, row))
        if accepted:
            source, snapshot = row["forked_from_run_id"], row["forked_from_snapshot_id"]
            audit.record(who, action, row["id"], forked_from=source, snapshot_id=snapshot)
            after_commit(lambda: ring("runs"))
    if accepted:
        plan = plan_of_run(row["pipeline_version_id"], row["document"])
        return Started(read.fresh_view(row, plan))
    earlier = start.find_earlier(who, idempotency)
    if earlier is None:
        raise Unavailable("The key expired this moment; send the request once more.")
    return earlier
