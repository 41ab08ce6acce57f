"""Child runs of one run: started in place, waited for, given up (contract 02, subpipeline)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import config
from app.core import clock
from app.core.errors import LeaseLost, NotFound, StageError, ValidationFailed
from app.core.principal import Principal
from app.core.states import RunStatus, is_final
from app.core.wire import JSON
from app.engine.instance import ChildCall, Finished, Key
from app.engine.operators.subpipeline import copies_variables, waits
from app.infra.broker import ring
from app.infra.database import after_commit, statement
from app.models import journal_sql
from app.models.journal_sql import Version
from app.services.pipelines.documents import resolve
from app.services.runs import child, start
from app.services.runs.child import Ended
from app.services.runs.claim import Lease
from app.services.runs.what_if_children import dry_document, forked_row, is_kept_in

LOOK_SECONDS = 1.0  #: how often a run that is busy asks for children that others execute


@dataclass(slots=True)
class _Child:
    call: ChildCall
    until: int | None  #: when it is too late, in the parent's milliseconds
    is_here: bool  #: executed by the thread that drives the parent


class Children:
    """The children of one run that are not final. Only the driving thread touches it."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._known: dict[str, _Child] = {}
        self._looked_at = 0.0

    def begin(self, call: ChildCall) -> Lease | Finished | None:
        """Starts the child of a call, unless it was started before.

        Gives its lease, to be driven by the same thread; the answer, when there is one at once; or
        None when it is away: paused, parked, or with another worker. Raises LeaseLost.
        """
        try:
            return self._begin(call)
        except StageError as refused:
            return Finished(call.key, call.attempt, error=refused)

    def _begin(self, call: ChildCall) -> Lease | Finished | None:
        if (found := child.find(call.run_id)) is not None:
            return self._found(call, found)
        row = self._row(call)
        if not waits(call.inputs):
            return self._send_off(call, row)
        if (made := self._open(row)) is not None:
            lease = Lease(made, self.lease.inbox)
            self._add(call, lease.started_at, is_here=True)
            return lease
        # The lease is lost, or one who has lost it opened the child a moment ago.
        if (found := child.find(call.run_id)) is None:
            self._version(call)  # or its pipeline was deleted since: told as any unknown one
            raise LeaseLost(self.lease.run_id)
        return self._found(call, found)

    def _found(self, call: ChildCall, found: Any) -> Finished | None:
        if not waits(call.inputs):
            return child.not_awaited(call, found.id, found.pipeline_id)
        if is_final(RunStatus(found.status)):
            return child.answer(call, child.read_ended(found.id))
        self._add(call, clock.to_ms(found.created_at), is_here=False)
        return None

    def _add(self, call: ChildCall, began_at: int, is_here: bool) -> None:
        until = None if call.timeout_ms is None else began_at + call.timeout_ms
        self._known[call.run_id] = _Child(call, until, is_here)

    def _version(self, call: ChildCall) -> Version:
        """The version that the call means. Raises StageError: ROUTING, CONTROL_FLOW."""
        inputs = call.inputs
        reference = inputs.pipeline_id
        if inputs.pipeline_version:
            reference = f"{reference.partition('@')[0]}@{inputs.pipeline_version}"
        try:
            version = resolve(self._who(), reference)
        except NotFound:
            raise StageError("ROUTING", f"There is no pipeline {reference[:200]!r}.") from None
        child.check_ancestors(self.lease.row, version)
        return version

    def _who(self) -> Principal:
        return Principal(self.lease.org_id, frozenset(), self.lease.row["auth_type"] or "")

    def _row(self, call: ChildCall) -> dict[str, Any]:
        """The row of the child. Raises StageError VALIDATION, and those of `_version`."""
        given = call.inputs.input_data
        copied = call.variables if copies_variables(call.inputs) else {}
        try:
            if waits(call.inputs) and is_kept_in(self.lease.row):
                return self._kept_in(call, given, copied)
            return self._fresh(call, given, copied)
        except ValidationFailed as refused:
            details = {"errors": refused.errors}
            raise StageError("VALIDATION", refused.detail, details=details) from None

    def _kept_in(
        self, call: ChildCall, given: Mapping[str, JSON], copied: Mapping[str, JSON]
    ) -> dict[str, Any]:
        parent = self.lease.row
        row = forked_row(parent, call, given, copied)
        return row or {**self._fresh(call, given, copied), "document": dry_document(parent)}

    def _fresh(
        self, call: ChildCall, given: Mapping[str, JSON], copied: Mapping[str, JSON]
    ) -> dict[str, Any]:
        version = self._version(call)
        start.check_input(version, given)
        return start.child_row(self.lease.row, version, call.run_id, given, copied)

    def _send_off(self, call: ChildCall, row: Mapping[str, Any]) -> Finished:
        with statement():
            accepted = journal_sql.accept_anew(row)
            if accepted:
                after_commit(lambda: ring("runs"))
        if not accepted and child.find(call.run_id) is None:
            self._version(call)  # its pipeline was deleted since: told as any unknown one
        return child.not_awaited(call, row["id"], row["pipeline_id"])

    def _open(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        with statement():
            return journal_sql.open_child(
                row,
                self.lease.epoch,
                config.settings().lease_seconds,
                of_deleted=row["forked_from_run_id"] is not None,
            )

    @property
    def next_timeout(self) -> int | None:
        """When the next child is out of time, in the run's milliseconds."""
        return min(
            (known.until for known in self._known.values() if known.until is not None),
            default=None,
        )

    @property
    def away(self) -> list[str]:
        """The ids of children that are waited for and not executed here."""
        return [run_id for run_id, known in self._known.items() if not known.is_here]

    def went_away(self, run_id: str) -> ChildCall | None:
        """A child that was executed here is no longer; its call, if it is still waited for."""
        known = self._known.get(run_id)
        if known is None:
            return None
        known.is_here = False
        return known.call

    def deadline(self, run_id: str) -> int | None:
        """When it is too late for a child, in the run's milliseconds."""
        return self._known[run_id].until

    def news(self, now: int, now_seconds: float) -> Iterator[Finished]:
        """The answers of children that ended elsewhere, or that are out of time at `now` (ms)."""
        yield from self._look(now_seconds)
        yield from self._timed_out(now)

    def ended(self, ended: Ended) -> Finished | None:
        """The answer that a child's end gives, unless nobody waits for it."""
        known = self._known.pop(ended.id, None)
        return child.answer(known.call, ended) if known else None

    def _timed_out(self, now: int) -> Iterator[Finished]:
        for run_id, known in self._known.items():
            if known.until is not None and known.until <= now:
                message = f"The child run did not end within {known.call.timeout_ms} ms."
                error = StageError("TIMEOUT", message, details={"child_run_id": run_id})
                yield Finished(known.call.key, known.call.attempt, error=error)

    def _look(self, now_seconds: float) -> Iterator[Finished]:
        away = self.away
        if not away or now_seconds - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now_seconds
        with statement():
            still_open = set(journal_sql.open_ones(away))
        for run_id in away:
            if run_id not in still_open and (found := self.ended(child.read_ended(run_id))):
                yield found

    def look_again(self) -> None:
        """Has the next `news` ask the database at once."""
        self._looked_at = 0.0

    def unwanted(self, is_wanted: Callable[[Key, int], bool]) -> Iterator[str]:
        """The ids of children whose end nobody waits for any more."""
        for run_id, known in list(self._known.items()):
            if not is_wanted(known.call.key, known.call.attempt):
                del self._known[run_id]
                yield run_id
