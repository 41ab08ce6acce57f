"""One run in the hands of the thread that drives it: what it asks for, and what comes back."""

from __future__ import annotations

from contextlib import ExitStack

from app.core import clock
from app.engine.instance import Call, ChildCall, Finished, Outcome, Paused
from app.services.runs import breakpoints, calls, commands, events, listening
from app.services.runs.child import Ended
from app.services.runs.children import LOOK_SECONDS, Children
from app.services.runs.claim import Lease, holding
from app.services.runs.journal import Journal, watched
from app.services.runs.restore import restore
from app.services.runs.settle import settle


class Driven:
    """A run, as far as it came: its coordinator, journal, calls and children.

    `answers` came in and are taken with the next turn.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.answers: list[Finished] = []
        self.calls = calls.Calls(lease)
        self.children = Children(lease)
        with ExitStack() as held:
            held.enter_context(holding(lease))  # first: a large run takes its time to be read
            self.coordinator, known = restore(lease)
            self.journal = Journal(lease, known)
            held.enter_context(watched(self.journal))
            self._held = held.pop_all()
        self._obey()
        self._announce_claim()

    def close(self) -> None:
        """Lets go of the run; calls that are under way are told to stop."""
        self.calls.abandon_all()
        self._held.close()

    def _announce_claim(self) -> None:
        row = self.lease.row
        if row["was"] != "pending":
            return  # it only waited, which is no event
        type = "execution_resumed" if row["began"] else "run_started"
        data = (
            {"reason": commands.reason_of_claim(row["asked"])}
            if row["began"]
            else events.started(row, list(self.lease.plan.stages))
        )
        at = events.time_text(row["claimed_at"])
        self.journal.announce(
            events.event(self.lease.run_id, row["event_seq"], type, at, data, None, 0)
        )

    def turn(self, stopping: bool) -> tuple[list[ChildCall], Outcome | None]:
        """Takes what came in, starts what can start, and writes what must stand before it acts.

        Gives the children that it asks for, or how the run ends or waits. `stopping`: nothing new
        starts. Raises LeaseLost.
        """
        self._listen()
        self._take_answers()
        self.coordinator.tick(self.lease.now())
        self.coordinator.stopping = stopping
        begun, outcome = self.coordinator.turn()
        self.journal.add(self.coordinator.drain())
        self.calls.abandon_unwanted(self.coordinator.awaits)
        return ([], outcome) if outcome is not None else (self._start(begun), None)

    def _listen(self) -> None:
        """Obeys a command that came in since the last turn. Raises LeaseLost."""
        self.lease.check()
        lease = self.lease
        if lease.is_noted or lease.heard_seq != lease.control_seq:
            lease.is_noted = False  # first: a note that comes while it is read is another
            lease.control, lease.control_seq, lease.breakpoints = listening.read(lease.run_id)
            lease.heard_seq = lease.control_seq
            self._obey()

    def _obey(self) -> None:
        lease = self.lease
        if commands.is_stop(lease.control):
            self.coordinator.cancel()
        else:
            stops = breakpoints.to_obey(lease.breakpoints)
            self.coordinator.obey(commands.control(lease.control, stops))

    def stop(self, command: str | None) -> None:
        """Ends it as cancelled, by the command that its parent obeys, if there is one."""
        self.lease.control = command
        self.coordinator.cancel()

    def _take_answers(self) -> None:
        now = self.lease.now()
        answers = [fact for fact in self.answers if self._is_wanted(fact)]
        self.answers.clear()
        answers += self.calls.timed_out(now)
        answers += self.children.news(now, clock.monotonic())
        for fact in answers:
            self.coordinator.tick(now)
            self.coordinator.take(fact)

    def _is_wanted(self, fact: Finished) -> bool:
        return self.calls.came_back(fact) or self.coordinator.awaits(fact.key, fact.attempt)

    def _start(self, begun: list[Call | ChildCall]) -> list[ChildCall]:
        if begun or self.calls.answered:
            # Before a call acts its row stands; and what an answer cost is not lost again.
            self.journal.flush()
            self.calls.answered = False
        for call in begun:
            if isinstance(call, Call):
                self.calls.submit(call)
        return [call for call in begun if isinstance(call, ChildCall)]

    def begin_child(self, call: ChildCall) -> Lease | None:
        """The lease of a child that this thread is to drive; None when there is nothing to drive.

        Raises LeaseLost.
        """
        begun = self.children.begin(call)
        if isinstance(begun, Lease):
            return begun
        if begun is None:
            self.coordinator.wait_for(call, self.children.deadline(call.run_id))
        else:
            self.answers.append(begun)
        self.lease.inbox.put(None)
        return None

    def child_left(self, run_id: str, ended: Ended | None) -> None:
        """A child is no longer executed here: it has ended, or is waited for."""
        if ended is not None:
            self.answers += filter(None, [self.children.ended(ended)])
        elif (call := self.children.went_away(run_id)) is not None:
            self.coordinator.wait_for(call, self.children.deadline(run_id))

    def leave(self, outcome: Outcome) -> bool:
        """Writes how the run left this worker. False: it goes on, for something came in between.

        Raises LeaseLost.
        """
        standing = self.coordinator.standing() if isinstance(outcome, Paused) else ((), ())
        if settle(self.lease, self.journal, outcome, self.children.away, standing):
            return True
        self.journal.flush()
        self.children.look_again()
        return False

    def patience(self) -> float | None:
        """Seconds until something is due by itself."""
        due = (
            self.coordinator.next_timer,
            self.calls.next_timeout,
            self.children.next_timeout,
        )
        waits = [(at - self.lease.now()) / 1000 for at in due if at is not None]
        if self.children.away:
            waits.append(LOOK_SECONDS)
        return max(0.0, min(waits)) if waits else None
