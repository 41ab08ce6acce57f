"""What a person can say to the debugger, and what is answered: lines, as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.text import Text

from app.cli.client import Answered
from app.cli.debugger import breaking, printing, showing
from app.cli.debugger.debugged import Debugged
from app.cli.debugger.stages import find_by_prefix, find_stage
from app.cli.home import Refused
from app.cli.output import columns, one_line
from app.cli.runs.following import Event
from app.cli.runs.telling import line

Answer = Iterator[str | Text]

#: Of each value so many lines are shown on the way back or forward.
_VALUE_LINES = 12


@dataclass(frozen=True)
class Command:
    """One command: `usage` begins with its name, `short` is another one for it."""

    usage: str
    short: str
    meaning: str
    act: Callable[[Debugged, str], Answer]

    @property
    def name(self) -> str:
        """The word that calls it."""
        return self.usage.split()[0]

    @property
    def is_alone(self) -> bool:
        """Whether nothing may follow its name."""
        return self.usage == self.name


def perform(debugged: Debugged, words: str) -> Answer:
    """Does what a line says. Raises Refused."""
    name, *rest = words.split(maxsplit=1)
    command = _find(name)
    if command.is_alone and rest:
        raise Refused(f"{command.name} takes nothing more.")
    yield from _told(debugged.news())  # another client may have moved it
    yield from command.act(debugged, "".join(rest).strip())


def watch(debugged: Debugged) -> Answer:
    """What happens until the run stands."""
    yield from _told(debugged.wait())


def overview(debugged: Debugged) -> Answer:
    """The stages and where the run stands."""
    yield from showing.listing(debugged)
    yield from showing.why(debugged)


def _told(events: Iterator[Event]) -> Answer:
    return filter(None, map(line, events))


def _find(name: str) -> Command:
    for command in COMMANDS:
        if name == command.short:
            return command
    full = find_by_prefix(name, [command.name for command in COMMANDS], "command")
    if full is None:
        raise Refused(one_line(f"There is no command {name}; help lists them."))
    return next(command for command in COMMANDS if command.name == full)


def _watch(debugged: Debugged) -> Answer:
    yield from watch(debugged)
    yield from showing.why(debugged)


def _step(debugged: Debugged, _: str) -> Answer:
    debugged.command("step")
    yield from _watch(debugged)


def _continue(debugged: Debugged, _: str) -> Answer:
    try:
        debugged.command("resume")
    except Answered as answer:
        # A run on its way, or resumed and not yet taken by a worker, goes on by itself.
        if answer.code != "illegal-move" or debugged.end is not None:
            raise
    yield from _watch(debugged)


def _pause(debugged: Debugged, _: str) -> Answer:
    debugged.command("pause")
    yield from _watch(debugged)


def _stop(debugged: Debugged, _: str) -> Answer:
    debugged.command("stop")
    yield from _watch(debugged)


def _break(debugged: Debugged, rest: str) -> Answer:
    if rest:
        debugged.command("set-breakpoint", **breaking.read_breakpoint(debugged, rest))
    yield from showing.breakpoint_lines(debugged.breakpoints)


def _clear(debugged: Debugged, rest: str) -> Answer:
    fields = {"stage_id": find_stage(debugged, rest)} if rest else {}
    debugged.command("clear-breakpoint", **fields)
    yield from showing.breakpoint_lines(debugged.breakpoints)


def _back(debugged: Debugged, _: str) -> Answer:
    yield from showing.snapshot_lines(debugged.travel("back"), _VALUE_LINES)


def _forward(debugged: Debugged, _: str) -> Answer:
    yield from showing.snapshot_lines(debugged.travel("forward"), _VALUE_LINES)


def _print(debugged: Debugged, rest: str) -> Answer:
    yield from showing.json_lines(printing.find_value(debugged, rest))


def _info(debugged: Debugged, rest: str) -> Answer:
    if not rest:
        yield from showing.snapshot_lines(debugged.snapshot())
        return
    stage_id = find_stage(debugged, rest)
    found = debugged.last_snapshot_of_stage(stage_id)
    if found is None:
        raise Refused(one_line(f"No end of a stage {stage_id} is recorded."))
    yield from showing.snapshot_lines(found)


def _list(debugged: Debugged, _: str) -> Answer:
    yield from overview(debugged)


def _help(_: Debugged, rest: str) -> Answer:
    wanted = [_find(rest)] if rest else COMMANDS
    yield from columns([(each.short, each.usage, each.meaning) for each in wanted])


def _quit(_: Debugged, __: str) -> Answer:
    raise Left


class Left(Exception):
    """The person has seen enough."""


COMMANDS = [
    Command("step", "s", "execute the stage before which the run stands", _step),
    Command("continue", "c", "go on to the next breakpoint, or to the end", _continue),
    Command("pause", "z", "halt as soon as what is under way is over", _pause),
    Command(breaking.USAGE, "b", "halt before a stage, or when one fails; or list", _break),
    Command("clear [STAGE]", "cl", "remove the breakpoints of a stage, or all", _clear),
    Command("list", "l", "the stages: > stands here, * breakpoint, ! on error", _list),
    Command(printing.USAGE, "p", "print an output, the variables, or a part", _print),
    Command("info [STAGE]", "i", "what the end of a stage recorded: input, output", _info),
    Command("back", "<", "look at the snapshot before", _back),
    Command("forward", ">", "look at the snapshot behind", _forward),
    Command("stop", "x", "end the run; what it has finished stays", _stop),
    Command("help [COMMAND]", "h", "this list", _help),
    Command("quit", "q", "leave; the run stays as it is", _quit),
]
