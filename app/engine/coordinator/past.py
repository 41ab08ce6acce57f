"""Stored rows of a run that is being rebuilt: what they say about stages that come up again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from app.core.states import StageStatus, is_final
from app.engine.control import NO_BREAKPOINTS, Breakpoints
from app.engine.coordinator.scope import Scope
from app.engine.instance import Instance, Key
from app.engine.planner import PlannedStage


class Past:
    """Rows by key, until the replay comes to them.

    `awaited` holds stages whose dependencies are finished and which no row has answered yet.
    `breakpoints` are those that stand, for what happened last and was not written down.
    """

    def __init__(self, rows: Iterable[Instance], breakpoints: Breakpoints = NO_BREAKPOINTS) -> None:
        self.breakpoints = breakpoints
        self._rows = {row.key: row for row in rows}
        self._owners: dict[Key, Instance] = {}
        self.awaited: dict[Key, tuple[PlannedStage, Scope]] = {}

    def recall(self, key: Key) -> Instance | None:
        """Takes the row of a stage that begins here, or None when it had not begun."""
        row = self._rows.get(key)
        return self._rows.pop(key) if row is not None and row.attempt else None

    def knows(self, key: Key) -> bool:
        """Whether there is a row of this stage run that was not recalled yet."""
        return key in self._rows

    def relive(self, row: Instance, attempt: int) -> Instance:
        """The owner of `row` as it stood when this attempt began."""
        self._owners[row.key] = row
        self.awaited.pop(row.key, None)
        return replace(
            row,
            status=StageStatus.RUNNING,
            attempt=attempt,
            failures=attempt - 1,
            error=None,
            output=None,
            output_text=None,
            wake_at=None,
            completed_at=None,
        )

    def end_of(self, key: Key) -> Instance | None:
        """The row of an owner, or of a stage that never began, whose end stands already."""
        row = self._owners.get(key) or self._rows.get(key)
        ended = row is not None and is_final(row.status)
        return row if ended else None

    def held_failure(self, key: Key, at: int) -> Instance | None:
        """The row of an owner whose failure at the time `at` had not taken effect by then."""
        row = self._owners.get(key)
        if row is None or row.error is None:
            return None
        at_once = row.completed_at is not None and row.completed_at <= at
        return None if row.status is StageStatus.FAILED and at_once else row

    def next_attempt(self, instance: Instance) -> Instance | None:
        """The row of an owner that went on to another attempt after this one."""
        row = self._owners.get(instance.key)
        return row if row is not None and row.attempt > instance.attempt else None

    def knows_wait(self, instance: Instance) -> bool:
        """Whether it stands already that this attempt of an owner failed and another follows."""
        row = self._owners.get(instance.key)
        return row is not None and (
            row.attempt > instance.attempt or row.status is not StageStatus.RUNNING
        )

    def left_over(self) -> Iterator[Instance]:
        """Rows that began and that nothing leads to any more."""
        return (row for row in self._rows.values() if not is_final(row.status))
