"""Commands as `runs.control` holds them until they are obeyed.

    pause[:PLACE]  to start nothing more; PLACE: where it was resumed and has not gone on from
    entry          to pause before the first stage
    resume:PLACE   to go on from PLACE; `passed:PLACE` once a worker has taken the run
    step:PLACE     to go on by PLACE alone; `stepping:PLACE` once a worker has taken the run
    stop[:ID]      to end, asked by the user, OAuth client or API key ID

PLACE is JSON: `["stage_id","0.1",round,is_failure]`, or `null` when the run stood before no stage.
"""

from __future__ import annotations

from typing import Any

from app.core import wire
from app.core.states import RunStatus, is_final
from app.engine.control import NOWHERE, Breakpoints, Control
from app.engine.instance import Key, Place

ENTRY = "entry"
_STOP, _PAUSE = "stop", "pause"
_STEPS = ("step", "stepping")
_GO_ON = ("resume", "step")
#: What stands once a command that was not obeyed yet is taken back.
_TAKEN_BACK = {_PAUSE: "passed", "step": "resume", "stepping": "passed"}


def stop(by: str | None = None) -> str:
    """To stop, asked by the user, OAuth client or API key with the id `by`, or by the house."""
    return f"{_STOP}:{by}" if by else _STOP


def pause(standing: str | None) -> str:
    """To pause, where `standing` is what was asked before."""
    if standing is not None and is_pause(standing):
        return standing
    _, place = _parts(standing)
    return f"{_PAUSE}:{place}" if place else _PAUSE


def resume(place: Place) -> str:
    """To go on from where the run stands."""
    return f"resume:{_place_text(place)}"


def step(place: Place) -> str:
    """To go on from where the run stands by one stage."""
    return f"step:{_place_text(place)}"


def take_back(command: str | None) -> str | None:
    """What stands instead of a pause or step that is not to be obeyed any more."""
    word, place = _parts(command)
    return f"{_TAKEN_BACK[word]}:{place}" if place and word in _TAKEN_BACK else None


def is_stop(command: str | None) -> bool:
    """Whether the command is to stop."""
    return _parts(command)[0] == _STOP


def stopped_by(command: str | None) -> str | None:
    """The id of who asked to stop; None when nobody did."""
    word, by = _parts(command)
    return by or None if word == _STOP else None


def is_pause(command: str | None) -> bool:
    """Whether the command is to pause as soon as possible."""
    return _parts(command)[0] in (_PAUSE, ENTRY)


def is_step(command: str | None) -> bool:
    """Whether the command is to execute one stage."""
    return _parts(command)[0] in _STEPS


def reason_of_claim(asked: str | None) -> str:
    """Why a worker takes up a run that was asked this before: of the event execution_resumed."""
    word = _parts(asked)[0]
    return word if word in _GO_ON else "recovery"


def is_unheard(command: str | None) -> bool:
    """Whether the command is to go on, and no worker has taken the run since."""
    return _parts(command)[0] in _GO_ON


def place_of(command: str | None) -> Place | None:
    """The place that the command names, if it does."""
    word, place = _parts(command)
    return _read_place(place) if place and word != _STOP else None


def mode(status: RunStatus, command: str | None) -> str:
    """What a run was last asked for, or what it does now: `mode` of contract 05's RunControl."""
    if is_final(status) or is_stop(command):
        return "stopped"
    if status is RunStatus.PAUSED or is_pause(command):
        return "paused"
    return "stepping" if is_step(command) else "running"


def control(command: str | None, breakpoints: Breakpoints) -> Control:
    """A command that is not to stop, as the coordinator obeys it."""
    word, place = _parts(command)[0], place_of(command)
    if word in _STEPS:
        return Control(only=place, breakpoints=breakpoints)
    hold = word if word in (_PAUSE, ENTRY) else None
    return Control(hold, passed=place, breakpoints=breakpoints)


def _parts(command: str | None) -> tuple[str, str]:
    word, _, rest = (command or "").partition(":")
    return word, rest


_BEFORE_FAILURE = "error"


def standing_columns(place: Place, reason: str) -> dict[str, Any]:
    """How the row of a paused run says where it stands, and why."""
    key = None if place == NOWHERE else place.key
    return {
        "paused_before": key and key.stage_id,
        "paused_iteration": key and path_text(key.path),
        "paused_round": key and key.round,
        "paused_reason": _BEFORE_FAILURE if place.is_failure else reason,
    }


def standing_place(run: Any) -> Place:
    """Where a paused run stands, from its row."""
    if run.paused_before is None:
        return NOWHERE
    key = Key(run.paused_before, read_path(run.paused_iteration), run.paused_round)
    return Place(key, run.paused_reason == _BEFORE_FAILURE)


def path_text(path: tuple[int, ...]) -> str:
    """An iteration path as the tables hold it."""
    return ".".join(map(str, path))


def read_path(text: str | None) -> tuple[int, ...]:
    """An iteration path of the tables."""
    return tuple(map(int, text.split("."))) if text else ()


def _place_text(place: Place) -> str:
    if place == NOWHERE:
        return "null"
    key = place.key
    return wire.dumps([key.stage_id, path_text(key.path), key.round, place.is_failure])


def _read_place(text: str) -> Place:
    written = wire.read(text)
    if written is None:
        return NOWHERE
    stage_id, path, round, is_failure = written
    return Place(Key(stage_id, read_path(path), round), is_failure)
