"""Turns, and facts from outside: the face of the coordinator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.errors import Stopped
from app.engine.control import NO_BREAKPOINTS, Breakpoints, Pause
from app.engine.coordinator.facts import Outputs, RunFacts
from app.engine.coordinator.holding import Holding
from app.engine.coordinator.ledger import Underway
from app.engine.coordinator.past import Past
from app.engine.coordinator.queues import Ready
from app.engine.coordinator.scope import Scope
from app.engine.doubles import NO_DOUBLES, Doubles
from app.engine.instance import (
    Away,
    Call,
    Cancelled,
    ChildCall,
    Finished,
    HandedBack,
    Instance,
    Key,
    Outcome,
    Parked,
    Record,
)
from app.engine.planner import Plan, PlannedStage

MAX_STARTS = 500  #: stages that one turn starts; a few milliseconds of work


class Coordinator(Holding):
    """A run, as far as it came.

    `stopping`: nothing new starts, and when nothing runs any more the run is handed back.
    """

    stopping = False

    @classmethod
    def rebuild(
        cls,
        plan: Plan,
        facts: RunFacts,
        outputs: Outputs,
        new_id: Callable[[], str],
        finished: Sequence[Instance],
        unfinished: Sequence[Instance],
        at: int,
        pauses: Sequence[Pause] = (),
        breakpoints: Breakpoints = NO_BREAKPOINTS,
        doubles: Doubles = NO_DOUBLES,
    ) -> Coordinator:
        """The coordinator of a run as its stored rows tell, at the time `at` (ms).

        `finished` in the order of their final events; `unfinished` are all that have none: running,
        between two attempts, held back, or cancelled. `pauses` are those that are over, in order;
        `breakpoints` those that stand; `doubles` are as ever. The same code decides again, by the
        recorded times, what it decided then.
        """
        past = Past([*finished, *unfinished], breakpoints)
        run = cls(plan, facts, outputs, new_id, past, doubles)
        run._feed_all(finished, pauses)
        run.tick(at)
        run._end_replay()
        return run

    @property
    def next_timer(self) -> int | None:
        """When something is due by itself, in ms: already, while a turn has left more to start."""
        return self.at if self.has_more else self._next_due()

    def _next_due(self) -> int | None:
        limits = [child.until for child in self.away.values()]
        return min((at for at in (self._timers.next_at, *limits) if at is not None), default=None)

    @property
    def has_more(self) -> bool:
        """Whether another turn would start something now, without a new fact."""
        return self._may_start() and self._can_choose(self._has_room())

    def turn(self) -> tuple[list[Call | ChildCall], Outcome | None]:
        """Starts what can start: calls to carry out, and how the run ended or waits.

        At most MAX_STARTS stages, so that whoever drives the run can look up between two turns; the
        rest is told by `has_more`. No outcome while anything runs here or can start, or while the
        next timer is near enough to be waited for.
        """
        if self.held:
            self._release()
        calls = []
        for _ in range(MAX_STARTS):
            ready = self._next_ready()
            if ready is None:
                break
            call = self._begin(*ready)
            if call is not None:
                calls.append(call)
            self._settle()
        # What began and was abandoned in the same turn never acts.
        return [call for call in calls if self.awaits(call.key, call.attempt)], self._outcome()

    def stand_still(self) -> Outcome | None:
        """How the run ends or pauses where it stands, though attempts that were under way where it
        was left would go on first."""
        for interrupted in self._again:
            self._ready.push(*interrupted)
        self._again, self.stopping = Ready(), True
        return self.turn()[1]

    def take(self, fact: Finished) -> None:
        """A call came back. An answer that nobody waits for any more is dropped."""
        underway = self._underway(fact.key, fact.attempt)
        if underway is None:
            return
        self._withdraw(fact.key)
        if isinstance(fact.error, Stopped):
            return  # it wrote nothing and begins anew where the run is taken up
        self._keep(underway.instance, fact.logs, fact.usage)
        if fact.error is not None:
            self._refuse(*underway, fact.error)
        else:
            self._complete(*underway, fact.output)
        self._settle()

    def wait_for(self, call: ChildCall, until: int | None) -> None:
        """The child of this call is not executed here; its end is a fact like any other."""
        if self.awaits(call.key, call.attempt):
            self.away[call.key] = Away(call.run_id, until)

    def awaits(self, key: Key, attempt: int) -> bool:
        """Whether the answer to this attempt is still wanted."""
        return self._underway(key, attempt) is not None

    def _underway(self, key: Key, attempt: int) -> Underway | None:
        underway = self.running.get(key) or self.children.get(key)
        same = underway is not None and underway.instance.attempt == attempt
        return underway if same else None

    def cancel(self) -> None:
        """Abandons whatever is under way; the run ends cancelled."""
        if self._end is None:
            self._kill(self.root)
            self._end = Cancelled()

    def drain(self) -> list[Record]:
        """The records since the last time, in the order of their events."""
        records, self._records = self._records, []
        return records

    def _next_ready(self) -> tuple[PlannedStage, Scope] | None:
        return self._choose(self._has_room()) if self._may_start() else None

    def _may_start(self) -> bool:
        return not self.stopping and self._end is None

    def _has_room(self) -> bool:
        return len(self.running) < self.plan.document.max_concurrency

    def _outcome(self) -> Outcome | None:
        if self._end is not None or self.running or len(self.children) > len(self.away):
            return self._end
        paused = self._pause()
        if paused is not None:
            return paused
        if self.stopping:
            return HandedBack()
        if self.has_more:
            return None
        due = self._next_due()
        child = next((child.run_id for child in self.away.values()), None)
        if due is None and child is None:
            raise RuntimeError(f"run {self.facts.run_id}: nothing runs and nothing is due")
        if due is not None and due - self.at < self.facts.wait_inline_ms:
            return None
        return Parked(due, child)
