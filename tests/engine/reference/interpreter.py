"""A run of a document, stage after stage: what it gives, and what becomes of every stage.

Bodies are read as data flow: every stage that nothing prevents is worked out. When a stage then
turns out to stop its body, what depends on it never started, and what is beside it may have run or
not: that is for time to say, and is claimed as such. Two stages that stop one body beside each
other are Undetermined.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.engine.reference.attempts import Attempt, Opening, StageFailed
from tests.engine.reference.components import COMPONENTS, taken_by
from tests.engine.reference.facts import BodyEnd, Claim, Error, Key, StageEnd, Stop, after
from tests.engine.reference.language.values import Undetermined
from tests.engine.reference.layout import Body, Layout, gate_targets
from tests.engine.reference.owners import OWNERS


@dataclass
class Trace:
    """What was claimed, and which bodies opened, during a part of the run."""

    claims: list[Claim] = field(default_factory=list)
    places: list[Any] = field(default_factory=list)


class Interpreter:
    """One run. Afterwards `claims` tells of every stage run."""

    def __init__(self, document: dict[str, Any], input: Any) -> None:
        self.document = document
        self.layout = Layout(document)
        self.input = input
        self.claims: dict[Key, Claim] = {}
        self.rounds: dict[Any, int | None] = {}

    def run(self) -> StageEnd:
        """How the run ends: completed with an output, or failed with an error."""
        end = self.body(Opening(self.layout.bodies[0]))
        stop = end.stop
        if stop is None:
            return StageEnd("completed", self._output(end.ends))
        if stop.error is not None:
            return StageEnd("failed", error=stop.error)
        return StageEnd("completed", stop.value)

    def _output(self, ends: dict[str, StageEnd]) -> Any:
        chosen = self.document.get("output_stage_id")
        if chosen is not None:
            if ends[chosen].status == "failed":
                raise Undetermined("the output stage failed and the run went on")
            return ends[chosen].output
        used = {id for needs in self.layout.needs.values() for id in needs}
        done = {
            id: ends[id].output
            for id in self.layout.bodies[0].listed
            if id not in used and ends[id].status == "completed"
        }
        return done if len(done) > 1 else next(iter(done.values()), None)

    def round(self, attempt: Attempt, body: Body, path: tuple[int, ...]) -> int:
        """Which round an opening of a body is."""
        own, repeats = attempt.opening.round, self.layout.is_repeatable(body)
        if not repeats and _most_attempts(attempt.stage) == 1:
            return own
        place = (body.owner, body.name, path)
        free = self.rounds.get(place, 0)
        if free is None:
            raise Undetermined("how often a body ran before")
        round = free if repeats else max(own, free)
        self.rounds[place] = round + 1
        return round

    def doubt_round(self, attempt: Attempt, body: Body) -> None:
        """Nobody can say whether a body that did not run takes a round from those after it."""
        place = (body.owner, body.name, attempt.opening.path)
        if place in self.rounds:
            self.rounds[place] = None

    def variables(self, id: str, opening: Opening) -> dict[str, Any]:
        """What a stage sees of variables: of two setters the later in the document wins."""
        setters = self.layout.closure[id] & self.layout.setters(opening.body)
        in_order = sorted(setters, key=self.layout.place.__getitem__)
        return after(
            opening.base, [write for setter in in_order for write in opening.ends[setter].writes]
        )

    def body(self, opening: Opening) -> BodyEnd:
        """Works out all stages of a body that nothing prevents."""
        ends, traces = opening.ends, {}
        blocked: list[str] = []
        for id in self.layout.in_order(opening.body):
            if any(need not in ends or ends[need].stop for need in self.layout.needs[id]):
                blocked.append(id)
                continue
            with self.traced() as traces[id]:
                ends[id] = self._stage(id, opening)
        stopping = [id for id in ends if ends[id].stop]
        if len(stopping) > 1:
            raise Undetermined("which of two stages stops the body first")
        for id in stopping:
            self._beside(id, opening, traces)
        in_order = sorted(ends, key=self.layout.place.__getitem__)
        writes = [write for id in in_order for write in ends[id].writes]
        keys = [Key(id, opening.path, opening.round) for id in blocked]
        return BodyEnd(ends[stopping[0]].stop if stopping else None, ends, writes, keys)

    def _beside(self, stopping: str, opening: Opening, traces: dict[str, Trace]) -> None:
        """What neither led to the stage that stops nor follows it may have run or not.

        When more than this body ends, what runs in it may be cancelled.
        """
        stop = opening.ends[stopping].stop
        assert stop is not None
        ends_here = stop.kind == "failed" or opening.body.name == "loop_stages"
        for id, end in opening.ends.items():
            if id != stopping and id not in self.layout.closure[stopping]:
                cancels = stop.kind == "returned" or not ends_here
                self.doubt(traces[id], may_be_cancelled=cancels)
                end.writes = [write.doubted() for write in end.writes]

    @contextmanager
    def traced(self) -> Iterator[Trace]:
        """Afterwards the trace tells what was claimed and opened inside."""
        trace, claims, rounds = Trace(), set(self.claims), dict(self.rounds)
        yield trace
        trace.claims += [claim for key, claim in self.claims.items() if key not in claims]
        trace.places += [at for at, count in self.rounds.items() if rounds.get(at) != count]

    def doubt(self, trace: Trace, may_be_cancelled: bool) -> None:
        """Nobody can say how far this part of the run came."""
        for claim in trace.claims:
            claim.sure = False
            claim.whole = claim.whole and not may_be_cancelled
        self.rounds.update(dict.fromkeys(trace.places))

    def skip(self, keys: list[Key], reason: str, sure: bool = True) -> None:
        """Claims that these were skipped, because of where the run went."""
        for key in keys:
            self.claims[key] = Claim("skipped", reasons=frozenset({reason}), sure=sure)

    def _stage(self, id: str, opening: Opening) -> StageEnd:
        key = Key(id, opening.path, opening.round)
        reasons = self._reasons(id, opening)
        if reasons:
            self.claims[key] = Claim("skipped", reasons=frozenset(reasons))
            return StageEnd("skipped")
        end = self._attempts(id, opening)
        stage = self.layout.stages[id]
        if end.status == "failed" and stage.get("on_error") != "continue":
            end.stop = Stop("failed", end.error)
        # An owner that something inside of it left may be told of as ended or as cancelled.
        is_left = stage["component_type"] in OWNERS and end.status == "completed" and end.stop
        self.claims[key] = Claim(
            end.status, end.output, end.error, sure=not is_left, whole=not is_left
        )
        return end

    def _reasons(self, id: str, opening: Opening) -> set[str]:
        """Why a stage is skipped; any of them may be told."""
        ends, reasons = opening.ends, set()
        for gate in self.layout.gates[id]:
            if ends[gate].status == "failed":
                raise Undetermined("what a failed gate lets through")
            if ends[gate].status == "completed" and id in self._closed_by(gate, ends[gate].output):
                reasons.add("branch")
        # "A chain behind an untaken branch is skipped": so it is behind a gate that was skipped.
        spreading = self.layout.spreading(id) or self.layout.gates[id]
        if spreading and all(ends[need].status == "skipped" for need in spreading):
            reasons.add("upstream_skipped")
        when = self.layout.stages[id].get("when")
        try:
            if when is not None and not Attempt(self, id, opening).evaluated(when):
                reasons.add("when")
        except StageFailed:
            if reasons:
                raise Undetermined("a stage that is skipped or fails") from None
        return reasons

    def _closed_by(self, gate: str, output: Any) -> set[str]:
        stage = self.layout.stages[gate]
        return gate_targets(stage) - taken_by(stage, output)

    def _attempts(self, id: str, opening: Opening) -> StageEnd:
        stage = self.layout.stages[id]
        most, retry_on = _most_attempts(stage), stage.get("retry", {}).get("retry_on", [])
        for failures in range(most):
            try:
                return self._attempt(Attempt(self, id, opening, failures))
            except StageFailed as failed:
                error, writes = failed.error, failed.writes
            if not (error.type in retry_on if retry_on else error.retryable):
                return StageEnd("failed", error=error, writes=writes)
            if writes and failures + 1 < most:
                raise Undetermined("what a repeated owner sees of its earlier attempt")
        if most > 1:
            error = Error("RETRY_EXHAUSTED", id, False, error)
        return StageEnd("failed", error=error, writes=writes)

    @staticmethod
    def _attempt(attempt: Attempt) -> StageEnd:
        when, kind = attempt.stage.get("when"), attempt.stage["component_type"]
        if when is not None:
            attempt.evaluated(when)
        return (OWNERS.get(kind) or COMPONENTS[kind])(attempt, attempt.config())


def _most_attempts(stage: dict[str, Any]) -> int:
    most: int = stage.get("retry", {}).get("max_attempts", 1)
    return most
