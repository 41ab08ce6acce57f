"""One opened body, and one run of an owner: what is left, what is under way, what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from app.core.errors import RunError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.coordinator.writes import Writes, leaving_loop, merge, with_writes
from app.engine.instance import Instance, Key, Result
from app.engine.owner import Open, Owner
from app.engine.planner import Body, Plan, PlannedStage


class BodyShape:
    """What all openings of one body share."""

    def __init__(self, plan: Plan, body: Body) -> None:
        self.body = body
        self.members = tuple(plan.stages[stage_id] for stage_id in body.stages)
        self.needs = {member.stage.id: len(member.needs) for member in self.members}
        # Ties go in listed order, so the members share out their places in the document.
        places = sorted(member.index for member in self.members)
        self.rank = dict(zip(body.listed or body.stages, places, strict=False))
        if len(self.rank) != len(self.members):
            self.rank = {member.stage.id: member.index for member in self.members}


class Scope:
    """One opening of a body. Dropped as a whole when it ends.

    `live` holds what has begun and is not final, `done` what is final, `closed` what gates decided
    against. `leaving` is set when
    break_loop or continue_loop ended the iteration: how it ends, and why the rest is skipped.
    `reuses`: its stages may be taken over from the run that this one is forked from.
    """

    __slots__ = (
        "alive",
        "closed",
        "done",
        "error",
        "shape",
        "leaving",
        "left",
        "live",
        "move",
        "names",
        "needs",
        "ordinal",
        "owners",
        "parent",
        "path",
        "reuses",
        "round",
        "run",
        "variables",
        "written",
    )

    def __init__(
        self,
        shape: BodyShape,
        variables: Mapping[str, JSON],
        path: tuple[int, ...] = (),
        round: int = 0,
        run: OwnerRun | None = None,
        move: Open | None = None,
    ) -> None:
        self.shape = shape
        self.variables = variables
        self.path = path
        self.round = round
        self.run = run
        self.reuses = run.reuses if run else True
        self.move = move
        self.ordinal = run.opened if run else 0
        self.parent = run.scope if run else None
        self.names = _names(self.parent, move)
        self.needs = shape.needs.copy()
        self.left = len(shape.members)
        self.live: dict[str, Instance] = {}
        self.done: dict[str, Instance] = {}
        self.owners: dict[str, OwnerRun] = {}
        self.written: dict[str, Writes] = {}
        self.closed: frozenset[str] = frozenset()
        self.error: RunError | None = None
        self.leaving: tuple[Result, str] | None = None
        self.alive = True

    def key_of(self, stage_id: str) -> Key:
        """The key of a member in this opening."""
        return Key(stage_id, self.path, self.round)

    def has_live(self, instance: Instance) -> bool:
        """Whether this stage run is still under way here."""
        return self.alive and self.live.get(instance.key.stage_id) is instance

    @property
    def is_over(self) -> bool:
        """Nothing is left, or something failed and nothing is under way any more."""
        return not self.left or (self.error is not None and not self.live)

    def view(self, planned: PlannedStage) -> Mapping[str, JSON]:
        """The variables that a member sees: those of the opening, then what its setters wrote."""
        if not planned.setters or not self.written:
            return self.variables
        setters = (self.written.get(setter, {}) for setter in planned.setters)
        return with_writes(self.variables, merge(setters))

    def writes(self) -> Writes:
        """What this opening wrote for those after it, in document order."""
        if not self.written:
            return {}
        writes = merge(self.written.get(stage_id, {}) for stage_id in self.shape.body.stages)
        return leaving_loop(writes) if self.shape.body.loop else writes

    def take_writes(self, run: OwnerRun) -> None:
        """What the bodies of an owner wrote is from now on written by the owner."""
        writes = run.writes()
        if writes:
            self.written[run.planned.stage.id] = writes

    def skip_reason(self, planned: PlannedStage) -> str | None:
        """Why a member that is ready is skipped; its `when` is not looked at."""
        if self.leaving is not None:
            return self.leaving[1]
        if planned.stage.id in self.closed:
            return "branch"
        # A gate that ran keeps nothing alive; one that was skipped leaves nothing to wait for.
        spreading = planned.spreading or planned.gates
        if spreading and all(self.done[s].status is StageStatus.SKIPPED for s in spreading):
            return "upstream_skipped"
        return None

    def unreached(self) -> list[PlannedStage]:
        """Members that neither began nor are final."""
        known = self.done.keys() | self.live.keys()
        return [member for member in self.shape.members if member.stage.id not in known]

    def unoffered(self) -> list[PlannedStage]:
        """Members that were not ready yet; from now on they are."""
        rest = [member for member in self.shape.members if self.needs[member.stage.id] > 0]
        for member in rest:
            self.needs[member.stage.id] = 0
        return rest

    def result(self, load: Callable[[Instance], JSON]) -> Result:
        """How the opening ended, for its owner."""
        if self.leaving is not None and self.error is None:
            return self.leaving[0]
        status = StageStatus.COMPLETED if self.error is None else StageStatus.FAILED
        for stage_id in reversed(self.shape.body.listed):
            instance = self.done.get(stage_id)
            if instance is not None and instance.status is StageStatus.COMPLETED:
                return Result(status, partial(load, instance), self.error)
        return Result(status, error=self.error)

    def chain(self) -> Iterator[Scope]:
        """This opening and those around it, inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def _names(parent: Scope | None, move: Open | None) -> Mapping[str, JSON]:
    outer: Mapping[str, JSON] = parent.names if parent else {}
    return {**outer, **move.names} if move and move.names else outer


class OwnerRun:
    """One attempt of an owner: its reducer and its openings.

    `variables` is what the next opening sees, `written` what ended openings wrote, by their order.
    `reuses`: it began with the inputs that it had in the run that this one is forked from.
    """

    __slots__ = (
        "alive",
        "base",
        "began_at",
        "opened",
        "openings",
        "planned",
        "reducer",
        "reuses",
        "scope",
        "variables",
        "waiting",
        "written",
    )

    def __init__(self, planned: PlannedStage, scope: Scope, reducer: Owner, began_at: int) -> None:
        self.planned = planned
        self.scope = scope
        self.reducer = reducer
        self.began_at = began_at
        self.reuses = False
        self.base = self.variables = scope.view(planned)
        self.openings: dict[Any, Scope] = {}
        self.waiting: dict[Any, Open] = {}
        self.written: dict[int, Writes] = {}
        self.opened = 0
        self.alive = True

    def since(self, at: int) -> int:
        """When what happens now counts from: a replay starts an owner before it comes to `at`."""
        return max(at, self.began_at)

    def close(self) -> list[Scope]:
        """Ends this attempt: it asks for nothing any more. Gives the openings that it leaves."""
        self.alive = False
        left = list(self.openings.values())
        self.openings.clear()
        self.waiting.clear()
        return left

    def remember(self, ended: Scope) -> None:
        """Keeps what an opening that ended by itself wrote."""
        writes = ended.writes()
        if writes:
            self.written[ended.ordinal] = writes
            self.variables = with_writes(self.variables, writes)

    def writes(self) -> Writes:
        """What all ended openings wrote: of two the later opened wins."""
        return merge(self.written[ordinal] for ordinal in sorted(self.written))
