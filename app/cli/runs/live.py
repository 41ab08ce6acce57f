"""A run in place on a terminal: its stages, their states, how long they take."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.cli.runs.following import Event
from app.cli.runs.progress import RunProgress, StageProgress, chosen

_COLOURS = {
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


def show(events: Iterable[Event], title: str, console: Console) -> None:
    """Shows the events of a run until the last. Raises as they do."""
    began, progress = time.monotonic(), RunProgress()

    def render() -> Group:
        return picture(progress, title, time.monotonic() - began, console.height)

    with Live(
        console=console,
        get_renderable=render,
        refresh_per_second=_REFRESH_PER_SECOND,
        redirect_stdout=False,
    ):
        for event in events:
            progress.take(event, time.monotonic())


def picture(progress: RunProgress, title: str, seconds: float, height: int) -> Group:
    """What is shown of a run; on a terminal of so many lines."""
    head = Text.assemble(
        (title, "bold"),
        "  ",
        (progress.state, _COLOURS[progress.state]),
        f"  {progress.done}/{len(progress.stages)}  {seconds:.1f} s",
    )
    stages = list(chosen(progress, max(1, height - _OTHER_LINES)))
    table = Table.grid(padding=(0, 2))
    for stage in stages:
        table.add_row(*_row(stage))
    hidden = len(progress.stages) - len(stages)
    rest = [Text(f"... and {hidden} more", style="dim")] if hidden else []
    return Group(head, table, *rest)


def _row(stage: StageProgress) -> tuple[Text, Text, Text, Text]:
    took = stage.milliseconds(time.monotonic())
    return (
        Text(f"  {stage.stage_id}", no_wrap=True, overflow="ellipsis"),
        Text(stage.state, style=_COLOURS[stage.state]),
        Text("" if took is None else _duration(took), justify="right"),
        Text(_counts(stage), style="dim"),
    )


def _duration(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _counts(stage: StageProgress) -> str:
    """How often it ended and how; nothing for a stage that ends once."""
    if stage.times + len(stage.running) < 2:
        return ""
    return ", ".join(f"{count} {state}" for state, count in stage.ended.items())
