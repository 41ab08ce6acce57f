"""The engine's values: which stage run, what became of it, what to do next, how a run ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from app.core.errors import RunError
from app.core.ids import derived_id
from app.core.states import StageStatus
from app.core.wire import JSON

if TYPE_CHECKING:
    from app.engine.component import Component
    from app.engine.context import Evaluate


class Key(NamedTuple):
    """One stage run of a run: unique at any nesting."""

    stage_id: str
    path: tuple[int, ...]  #: iteration indexes from the outermost loop
    round: int  #: how often the innermost repeatable body around it ran before


class Unloaded:
    """The mark of an output that stands in the database and was not needed yet."""


UNLOADED = Unloaded()


@dataclass(slots=True)
class Instance:
    """The row of one stage run, as the coordinator keeps it and the journal writes it.

    Times are milliseconds since 1970. `output_text` is the JSON of `output`; only the coordinator
    sets it. `failures` counts failed attempts: `attempt` also counts recoveries, which are free.
    """

    id: str
    key: Key
    component_type: str
    status: StageStatus = StageStatus.PENDING
    attempt: int = 0
    failures: int = 0
    stage_name: str | None = None
    skip_reason: str | None = None
    input: JSON = None  #: resolved inputs, kept for owners, which are rebuilt from them
    output: JSON = None  #: may be UNLOADED after a rebuild
    output_text: str | None = None
    error: RunError | None = None
    usage: Mapping[str, Any] | None = None
    logs: list[dict[str, JSON]] = field(default_factory=list)
    reused: bool = False  #: taken over from another run, or given instead of being executed
    wake_at: int | None = None  #: when a failed attempt is followed by the next
    started_at: int | None = None  #: of the first attempt
    completed_at: int | None = None

    def picture(self) -> Instance:
        """The row as it is now, which later changes leave alone."""
        # Spelt out because it stands in the hot path: ten times as fast as dataclasses.replace.
        return Instance(
            self.id,
            self.key,
            self.component_type,
            self.status,
            self.attempt,
            self.failures,
            self.stage_name,
            self.skip_reason,
            self.input,
            self.output,
            self.output_text,
            self.error,
            self.usage,
            self.logs,
            self.reused,
            self.wake_at,
            self.started_at,
            self.completed_at,
        )


class Record(NamedTuple):
    """One line for the journal: the row as it now is and, when there is one, the event told of it.

    `data` holds what the event says beyond the row. `writes` are the variables that a stage wrote
    which is now final: (name, whether it stays in its iteration) -> value; for an owner those of
    its bodies together.
    """

    instance: Instance
    event: str | None
    data: Mapping[str, JSON]
    at: int
    writes: Mapping[tuple[str, bool], JSON] | None = None


class Result:
    """How a body ended, as reducers see it.

    `output` may be given as what loads it: after a rebuild it is read only when a reducer asks.
    `broken`: break_loop ended this iteration and the loop; `continued`: continue_loop ended this
    iteration.
    """

    __slots__ = ("_output", "broken", "continued", "error", "status")

    def __init__(
        self,
        status: StageStatus,
        output: JSON | Callable[[], JSON] = None,
        error: RunError | None = None,
        *,
        broken: bool = False,
        continued: bool = False,
    ) -> None:
        self.status = status
        self._output = output
        self.error = error
        self.broken = broken
        self.continued = continued

    @property
    def output(self) -> JSON:
        """The output, loaded now when it was not before."""
        return self._output() if callable(self._output) else self._output

    @property
    def failed(self) -> bool:
        """Whether it ended with an error that nothing absorbed."""
        return self.status is StageStatus.FAILED


@dataclass(frozen=True, slots=True)
class Call:
    """Work for the pool: `component.run(context, inputs)` of this attempt.

    `timeout_ms` bounds the attempt. `evaluate` is for its context, when it has
    expressions of its own, and touches nothing of the run.
    Whoever runs it answers with `Finished`.
    """

    key: Key
    attempt: int
    component: Component
    inputs: Any
    timeout_ms: int | None
    instance_id: str
    evaluate: Evaluate | None


@dataclass(frozen=True, slots=True)
class ChildCall:
    """A run to be started, or waited for, whose end is the answer.

    `run_id` is the same for this attempt however often the run is rebuilt. `variables` are those
    that the child may begin with, `timeout_ms` counts from its start.
    """

    key: Key
    attempt: int
    inputs: Any
    timeout_ms: int | None
    run_id: str
    variables: Mapping[str, JSON]


def child_run_id(stage_run_id: str, failures: int, began_at: int) -> str:
    """The id of the run that a stage run waits for after so many failed attempts.

    Recoveries count as attempts but find the child that they had. `began_at`: when the stage run
    first started, in milliseconds since 1970.
    """
    return derived_id("run", stage_run_id, str(failures), at_ms=began_at)


@dataclass(frozen=True, slots=True)
class Away:
    """A child that nobody here executes, and when its parent no longer waits for it (ms)."""

    run_id: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer to a Call or ChildCall: exactly one of `output` and `error` has meaning."""

    key: Key
    attempt: int
    output: JSON = None
    error: Exception | None = None  #: a StageError; anything else is a defect of the component
    logs: tuple[dict[str, JSON], ...] = ()
    usage: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The run ended with an output. `output_stage` is the instance whose output it is, if one's."""

    output: JSON
    output_stage: Instance | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended with its first error."""

    error: RunError


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The run was stopped."""


class Place(NamedTuple):
    """Where a run can stand: before a stage run starts, or before its failure takes effect."""

    key: Key
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """The run waits for a person.

    `reason`: breakpoint, step, pause, entry or error. `before`: the place of what goes on first,
    None when that is no stage. `error` is the failure that has not taken effect yet.
    """

    reason: str
    before: Place | None = None
    error: RunError | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """Nothing runs and nothing is due before `wake_at` (ms), or the child `waiting_on` ends."""

    wake_at: int | None
    waiting_on: str | None = None


@dataclass(frozen=True, slots=True)
class HandedBack:
    """This worker stops; another one goes on."""


Outcome = Completed | Failed | Cancelled | Paused | Parked | HandedBack
