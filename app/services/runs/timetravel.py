"""Looking back at a run (contract 05, Snapshots): its timeline, any state, what changed in between,
and the cursor that marks where its viewers are. What happened is never changed by that."""

from __future__ import annotations

from typing import Any

from app.core.errors import BadCursor, Conflict, IllegalMove
from app.core.principal import Principal
from app.core.states import RunStatus
from app.core.wire import JSON
from app.infra.database import transaction
from app.models import Run, Snapshot
from app.services.pages import Page
from app.services.runs import timetravel_rows as rows
from app.services.runs.timetravel_diff import diff_of
from app.services.runs.timetravel_states import State
from app.services.runs.timetravel_views import snapshot_view

_MOVING = (RunStatus.PENDING, RunStatus.RUNNING)


def get_timeline(who: Principal, run_id: str) -> dict[str, JSON]:
    """A Timeline: a line for each snapshot, and where the cursor stands. Raises NotFound."""
    run = rows.find_run(who, run_id)
    found = rows.previewed(run.id)
    places = {row["id"]: place for place, row in enumerate(found)}
    current = places.get(run.cursor_snapshot_id, len(found) - 1)
    return {
        "run_id": run.id,
        "pipeline_id": run.pipeline_id,
        "status": run.status,
        "total_snapshots": len(found),
        "total_duration_ms": run.duration_ms,
        "entries": list(rows.entries(run.id, found, current)),
        "current_snapshot_id": found[current]["id"] if found else None,
        **_standing(run, current, len(found) - 1),
    }


def _standing(run: Any, current: int, last: int) -> dict[str, JSON]:
    may_move = run.status not in _MOVING
    return {
        "current_index": current,
        "can_step_back": may_move and current > 0,
        "can_step_forward": may_move and current < last,
    }


def list_snapshots(
    who: Principal,
    run_id: str,
    page: Page,
    stage_id: str | None = None,
    snapshot_type: str | None = None,
) -> dict[str, JSON]:
    """One page of snapshots, oldest first, of one stage or type when given.

    Raises NotFound, BadCursor.
    """
    run = rows.find_run(who, run_id)
    query = rows.some(run.id, stage_id, snapshot_type)
    answer: dict[str, JSON] = {"total": query.count()} if page.count else {}
    found = list(query.where(Snapshot.seq > _after(page)).limit(page.limit + 1).dicts())
    shown = found[: page.limit]
    following = page.after(str(shown[-1]["seq"])) if len(found) > len(shown) else None
    return {"items": [rows.summary(run.id, row) for row in shown], "next": following, **answer}


def _after(page: Page) -> int:
    place = page.place(1)
    if place is None:
        return -1
    if not (place[0].isascii() and place[0].isdigit() and len(place[0]) < 10):
        raise BadCursor
    return int(place[0])


def get_snapshot(who: Principal, run_id: str, snapshot_id: str) -> dict[str, JSON]:
    """A Snapshot: the state of the run at that point. Raises NotFound."""
    run = rows.find_run(who, run_id)
    return _opened(run, snapshot_id)


def _opened(run: Any, snapshot_id: str) -> dict[str, JSON]:
    return snapshot_view(run, State(run, rows.find_snapshot(run.id, snapshot_id)))


def get_diff(
    who: Principal, run_id: str, from_id: str | None = None, to_id: str | None = None
) -> dict[str, JSON]:
    """A StateDiff of two snapshots; without `to_id` that at the cursor, without `from_id` the one
    before the other.

    Raises NotFound; Conflict when there is no earlier one.
    """
    run = rows.find_run(who, run_id)
    to_id = to_id or run.cursor_snapshot_id or rows.last(run.id)[1]
    if to_id is None:
        raise Conflict("This run has no snapshots.")
    to = rows.find_snapshot(run.id, to_id)
    from_id = from_id or rows.id_at(run.id, to["seq"] - 1)
    if from_id is None:
        raise Conflict("There is no snapshot before the first one.")
    return diff_of(run.id, State(run, rows.find_snapshot(run.id, from_id)), State(run, to))


def step(
    who: Principal, run_id: str, by: int, from_snapshot_id: str | None = None
) -> dict[str, JSON]:
    """Moves the cursor by one snapshot, `by` -1 or 1, from where it stands or from another one;
    gives the Snapshot there.

    Raises NotFound; IllegalMove at either end, and for a run that is pending or running.
    """
    run = rows.find_run(who, run_id)
    last, last_id = rows.last(run.id)
    start = from_snapshot_id or run.cursor_snapshot_id or last_id
    place = -1 if start is None else rows.find_snapshot(run.id, start)["seq"]
    _check(run, place, place + by, last)
    there = rows.id_at(run.id, place + by)
    assert there is not None
    with transaction():
        Run.update(cursor_snapshot_id=there).where(Run.id == run.id).execute()
    return {**_opened(run, there), **_standing(run, place + by, last)}


def _check(run: Any, place: int, goal: int, last: int) -> None:
    if run.status in _MOVING:
        raise IllegalMove(f"The run is {run.status}; look around once it is paused or over.")
    if last < 0:
        raise IllegalMove("This run has no snapshots.")
    if goal < 0:
        raise IllegalMove("This is the first snapshot.")
    if goal > last:
        raise IllegalMove("This is the last snapshot.")
