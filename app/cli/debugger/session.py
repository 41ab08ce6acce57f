"""A talk with the debugger: line by line, until the person leaves or the script ends."""

from __future__ import annotations

from collections import deque

import click
from rich.console import Console
from rich.text import Text

from app.cli.debugger import prompt, showing
from app.cli.debugger.commands import COMMANDS, Answer, Left, overview, perform, watch
from app.cli.debugger.debugged import Debugged
from app.cli.home import Refused
from app.cli.output import one_line

_GOES_ON = "\nThe run goes on. pause halts it, continue waits for it again."


class Session:
    """Reads commands and prints answers on standard output.

    A person is told of a refusal and goes on, and comes back from waiting with Ctrl-C. A script's
    commands are printed as if they were typed; it ends at the first that is refused, by raising
    Refused, or KeyboardInterrupt.
    """

    def __init__(self, debugged: Debugged) -> None:
        self._debugged = debugged
        self._is_script = prompt.is_script()
        self._console = Console(highlight=False)

    def run(self, *, waits: bool) -> None:
        """Talks to the end. `waits`: the run was just started, and is on its way to its first
        pause."""
        self._answer(self._opening(waits))
        try:
            for line in prompt.read_lines(self._prompt, self._words):
                if self._is_script:
                    self._say(self._prompt() + one_line(line))
                self._answer(perform(self._debugged, line))
        except Left:
            return

    def _opening(self, waits: bool) -> Answer:
        run = self._debugged.run
        # A test of a document that is not saved has no version.
        version = f" {run['pipeline_version']}" if run["pipeline_version"] else ""
        yield one_line(f"{run['pipeline_name']}{version}, {run['id']}")
        if waits:
            yield from watch(self._debugged)
        deque(self._debugged.news(), maxlen=0)  # the overview tells what they amount to
        yield from overview(self._debugged)

    def _answer(self, lines: Answer) -> None:
        try:
            for line in lines:
                self._say(line)
        except Refused as refused:
            if self._is_script:
                raise
            self._say(str(refused))
        except KeyboardInterrupt:
            if self._is_script:
                raise
            self._say("" if self._debugged.stands else _GOES_ON)

    def _say(self, line: str | Text) -> None:
        if isinstance(line, str):
            click.echo(line)  # a value may have a million lines, and the console is slow
        else:
            self._console.print(line, soft_wrap=True)

    def _prompt(self) -> str:
        looked_at = self._debugged.looked_at
        at = f", snapshot {looked_at['seq']}" if looked_at else ""
        return f"({showing.standing(self._debugged)}{at}) "

    def _words(self) -> list[str]:
        return [*(command.name for command in COMMANDS), *self._debugged.progress.stages]
