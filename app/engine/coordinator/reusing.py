"""Stages that another run finished are taken over from it instead of being executed."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from app.core import wire
from app.core.errors import StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.attempts import Attempts
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.names import StageNames
from app.engine.coordinator.scope import BodyShape, OwnerRun, Scope
from app.engine.doubles import NO_DOUBLES, Doubles, Recorded, Source, is_not_mocked
from app.engine.instance import UNLOADED, Instance, Key
from app.engine.owner import Owner
from app.engine.planner import Plan, PlannedStage

#: Skipped by what others did: whether they are shows again, for those may act otherwise now.
FOLLOWS = frozenset({"not_reached", "break", "continue", "return"})

_FIRST = -1  # owners that go on begin before anything is taken over, as they had begun before it


class Reusing(Attempts):
    """Takes over.

    What is to be taken over waits in `_reusable`, in the order in which it came to an end in the
    source, and is there before anything executes. As in a rebuild it counts as begun while it
    waits: what ended beside a failure there is not lost here.
    """

    def __init__(
        self,
        plan: Plan,
        facts: RunFacts,
        outputs: Outputs,
        new_id: Callable[[], str],
        doubles: Doubles = NO_DOUBLES,
    ) -> None:
        super().__init__(plan, facts, outputs, new_id)
        self._doubles = None if doubles is NO_DOUBLES else doubles
        self._source: Source | None = doubles.source
        self._changed = doubles.changed(plan)
        self._reusable: list[tuple[Any, ...]] = []
        self._numbers = count()
        self._taken_ahead: set[Key] = set()

    def _is_reused(self, planned: PlannedStage, scope: Scope) -> bool:
        """Whether this stage need not wait for its turn: it is taken over, or goes on."""
        if self._source is None or not scope.reuses or scope.leaving is not None:
            return False
        key = scope.key_of(planned.stage.id)
        row = self._fit(key)
        if row is not None and self._has_free_rounds(planned, row):
            if row.attempt:
                scope.live[key.stage_id] = self._instance(planned, row)
            self._await_reuse(row.seq, planned, scope, row)
            return True
        goes_on = isinstance(planned.component, Owner) and self._has_more_of(key)
        if goes_on:
            self._await_reuse(_FIRST, planned, scope, None)
        return goes_on

    def _await_reuse(
        self, place: int, planned: PlannedStage, scope: Scope, row: Recorded | None
    ) -> None:
        heapq.heappush(self._reusable, (place, next(self._numbers), planned, scope, row))

    def _fit(self, key: Key) -> Recorded | None:
        """What the source has of this stage run, when it can be taken over."""
        if self._source is None or key.stage_id in self._changed:
            return None
        row = self._source.taken(key)
        if row is None or row.skip_reason in FOLLOWS or is_not_mocked(row.error):
            return None
        return row

    def _has_more_of(self, key: Key) -> bool:
        """Whether something inside of this owner can be taken over."""
        assert self._doubles is not None
        if key.stage_id in self._doubles.outputs:
            return False
        return any(self._fit(row.key) is not None for row in self._below(key))

    def _below(self, key: Key) -> Sequence[Recorded]:
        return () if self._source is None else self._source.below(key)

    def _has_free_rounds(self, planned: PlannedStage, row: Recorded) -> bool:
        """Whether no round inside of a finished owner was used here by other openings."""
        if not isinstance(planned.component, Owner):
            return True
        return all(self._rounds.get(place, 0) <= round for place, round in self._counted(row.key))

    def _counted(self, key: Key) -> Iterator[tuple[Any, int]]:
        """The rounds that stages inside of a finished owner have, by what counts them."""
        for row in self._below(key):
            body = self.plan.bodies[self.plan.stages[row.key.stage_id].body]
            assert body.owner is not None
            if body.repeatable or self.plan.stages[body.owner].stage.retry.max_attempts > 1:
                yield ((body.owner, body.name), row.key.path), row.key.round

    def _reuse_next(self) -> None:
        """Takes over the stage run that ended first in the source, of those that wait for it."""
        _, _, planned, scope, row = heapq.heappop(self._reusable)
        if row is not None:
            self._take_over(planned, scope, row)
        elif scope.alive:
            self._go_on(planned, scope)

    def _go_on(self, planned: PlannedStage, scope: Scope) -> None:
        """An owner that had begun begins at once, unless it begins otherwise than it did."""
        names = StageNames(self.facts, self._load, planned, scope, 1)
        try:
            is_same = self._why_skipped(planned, scope, None, names) is None and self._is_recorded(
                scope.key_of(planned.stage.id), self._resolved(planned, names)
            )
        except StageError:
            is_same = False
        if is_same:
            self._begin(planned, scope)
        else:
            self._ready.push(planned, scope)

    def _is_recorded(self, key: Key, values: JSON) -> bool:
        """Whether these are the inputs that this owner had in the source."""
        recorded = None if self._source is None else self._source.inputs(key)
        # Texts tell 1 from 1.0 and from true, and keep the order of members, which can be seen.
        return recorded is not None and wire.dumps(recorded) == wire.dumps(values)

    def _may_reuse(self, planned: PlannedStage, scope: Scope) -> bool:
        instance = scope.live[planned.stage.id]
        return scope.reuses and self._is_recorded(instance.key, instance.input)

    def _take_over(self, planned: PlannedStage, scope: Scope, row: Recorded) -> None:
        if not scope.alive:
            return
        instance = scope.live.get(row.key.stage_id) or self._instance(planned, row)
        if isinstance(planned.component, Owner):
            assert self._source is not None
            self._take_below(row.key)
            instance.input = self._source.inputs(row.key)
        self._write(planned, instance, row)
        self._heed_taken(planned, scope, row)
        self._finish(planned, scope, instance)

    def _take_below(self, key: Key) -> None:
        """The stage runs inside of a finished owner become rows; nothing follows from them."""
        for row in self._below(key):
            # Those that a crash left without their owner stand already.
            if row.key not in self._taken_ahead:
                planned = self.plan.stages[row.key.stage_id]
                instance = self._instance(planned, row)
                if isinstance(planned.component, Owner) and self._source is not None:
                    instance.input = self._source.inputs(row.key)
                self._write(planned, instance, row)

    def _instance(self, planned: PlannedStage, row: Recorded) -> Instance:
        return Instance(
            self._new_id(),
            row.key,
            planned.stage.component_type,
            row.status,
            row.attempt,
            row.failures,
            stage_name=planned.stage.name,
            skip_reason=row.skip_reason,
            error=row.error,
            usage=row.usage,
            reused=True,
        )

    def _write(self, planned: PlannedStage, instance: Instance, row: Recorded) -> None:
        instance.completed_at = self.at
        if row.status is StageStatus.SKIPPED:
            data: dict[str, JSON] = {"reason": row.skip_reason}
            return self._record(instance, "stage_skipped", data, row.writes)
        instance.started_at = self.at
        if row.status is StageStatus.FAILED:
            data = {"continued": planned.stage.on_error == "continue"}
            return self._record(instance, "stage_failed", data, row.writes)
        self._put(planned, instance, row)
        self._record(instance, "stage_completed", {}, row.writes)

    def _put(self, planned: PlannedStage, instance: Instance, row: Recorded) -> None:
        """The recorded output becomes that of this stage run."""
        assert self._source is not None
        text = self._source.output(row.id)
        assert text is not None
        self._seal.count(text)
        instance.output_text = text
        instance.output = wire.read(text) if planned.component.reads_back else UNLOADED

    def _heed_taken(self, planned: PlannedStage, scope: Scope, row: Recorded) -> None:
        """What a finished owner left behind, when no reducer ran: variables and used rounds."""
        if not isinstance(planned.component, Owner):
            return
        if row.writes:
            scope.written[row.key.stage_id] = row.writes
        for place, round in self._counted(row.key):
            self._rounds[place] = max(self._rounds.get(place, 0), round + 1)

    def _retake(self, planned: PlannedStage, scope: Scope, key: Key) -> None:
        """As `_heed_taken`, for a row of this run that is fed again."""
        row = self._fit(key)
        if row is not None:
            self._heed_taken(planned, scope, row)

    def _was_skipped(self, scope: Scope, instance: Instance) -> bool:
        """Whether the source skipped this stage run for the same reason."""
        key = instance.key
        if self._source is None or not scope.reuses or key.stage_id in self._changed:
            return False
        row = self._source.taken(key)
        return row is not None and row.skip_reason == instance.skip_reason

    # Delays that the source has waited for.

    def _was_opened(self, shape: BodyShape, path: tuple[int, ...], round: int) -> bool:
        """Whether something of this opening is taken over."""
        keys = [Key(member.stage.id, path, round) for member in shape.members]
        return any(self._fit(key) is not None or self._has_more_of(key) for key in keys)

    def _first_round(
        self, run: OwnerRun, shape: BodyShape, path: tuple[int, ...], least: int
    ) -> int:
        # Rounds that an owner at this place left unfinished, when it was abandoned, are no rows
        # here; what the source counted on from there is found by its own numbers.
        planned, place = run.planned, ((shape.body.owner, shape.body.name), path)
        if planned.stage.retry.max_attempts > 1:
            return least
        inside = self._counted(run.scope.key_of(planned.stage.id))
        return min(
            (round for one, round in inside if one == place and round >= least), default=least
        )

    def _was_tried_again(self, planned: PlannedStage, scope: Scope, instance: Instance) -> bool:
        """Whether something of a further attempt of this owner is taken over."""
        if not isinstance(planned.component, Owner) or not self._may_reuse(planned, scope):
            return False
        return any(
            self._rounds.get(place, 0) <= round for place, round in self._counted(instance.key)
        )
