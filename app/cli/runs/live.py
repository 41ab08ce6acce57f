"""A run in place on a terminal: the tree of its stages, their states, how long they take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.cli.output import duration, one_line
from app.cli.runs.following import Event
from app.cli.runs.progress import Error, Key, RunProgress, StageProgress, chosen
from app.cli.runs.shape import Shape
from app.cli.runs.telling import place, told_error

COLOURS = {
    "pending": "dim",
    "running": "cyan",
    "paused": "yellow",
    "completed": "green",
    "failed": "bold red",
    "skipped": "dim yellow",
    "cancelled": "yellow",
}
#: Lines of a terminal that are not stages: the head, what is left out, the prompt, one to spare.
_OTHER_LINES = 4
_REFRESH_PER_SECOND = 8
_FAILURES_SHOWN = 3


def show(events: Iterable[Event], title: str, console: Console, shape: Shape) -> None:
    """Shows the events of a run until the last. Raises as they do."""
    progress, one_at_a_time = RunProgress(shape), threading.Lock()

    def render() -> Group:
        with one_at_a_time:  # the terminal is drawn by a thread of its own
            return picture(progress, title, time.time(), console.height)

    with Live(
        console=console,
        get_renderable=render,
        refresh_per_second=_REFRESH_PER_SECOND,
        redirect_stdout=False,
    ):
        for event in events:
            with one_at_a_time:
                progress.take(event, time.time())


def picture(progress: RunProgress, title: str, now: float, height: int) -> Group:
    """What is shown of a run at `now`, Unix seconds, on a terminal of so many lines."""
    head = Text.assemble(
        (title, "bold"),
        "  ",
        (progress.state, COLOURS[progress.state]),
        f"  {progress.done}/{len(progress.stages)}  {progress.seconds(now):.1f} s",
    )
    stages = list(chosen(progress, max(1, height - _OTHER_LINES)))
    table = Table.grid(padding=(0, 2))
    for stage in stages:
        table.add_row(*_row(stage, now))
    hidden = len(progress.stages) - len(stages)
    rest = [Text(f"... and {hidden} more", style="dim")] if hidden else []
    return Group(head, table, *rest)


def _row(stage: StageProgress, now: float) -> tuple[Text, Text, Text, Text]:
    took = stage.milliseconds(now)
    indent = "  " * (1 + stage.depth)
    return (
        Text(indent + stage.stage_id, no_wrap=True, overflow="ellipsis"),
        Text(stage.state, style=COLOURS[stage.state], no_wrap=True),
        Text("" if took is None else duration(took), justify="right", no_wrap=True),
        Text("; ".join(details(stage)), style="dim", no_wrap=True, overflow="ellipsis"),
    )


def details(stage: StageProgress) -> Iterator[str]:
    """What the state of a stage alone does not say."""
    if stage.attempt > 1 and stage.running:
        yield f"attempt {stage.attempt}"
    if stage.round:
        yield f"round {stage.round + 1}"
    is_many = max(stage.times + len(stage.running), stage.expected) > 1
    if is_many:
        yield _counts(stage)
    if stage.failures:
        yield _failures(stage.failures, with_places=is_many)


def _counts(stage: StageProgress) -> str:
    """How many iterations are over of all that there will be, or else began; how they ended."""
    begun = stage.times + len(stage.running)
    each = [f"{count} {state}" for state, count in sorted(stage.ended.items()) if count]
    return ", ".join([f"{stage.times}/{max(begun, stage.expected)}", *each])


def _failures(failures: Mapping[Key, Error], *, with_places: bool) -> str:
    """The last error, after where the first few failures stand in their loops."""
    error = one_line(told_error(next(reversed(failures.values()))))
    if not with_places:
        return error
    places = [place(key) for key in islice(failures, _FAILURES_SHOWN)]
    more = ["..."] if len(failures) > _FAILURES_SHOWN else []
    return " ".join([*places, *more, error])
