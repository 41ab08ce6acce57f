"""A worker dies before and after each write of a fork; another one ends it the same way."""

from __future__ import annotations

from collections import Counter

import pytest

from app.models import Run, Snapshot, StageRun
from app.services.runs import recover
from app.services.runs.replay import start_replay
from app.services.runs.what_if import start_what_if
from tests.services.runs.conftest import row
from tests.services.runs.forks import history
from tests.services.runs.test_crash_points import (  # noqa: F401
    Counted,
    Died,
    Grim,
    advance_until_final,
    begin,
    steady,
)
from tests.services.runs.test_waiting import LONG_AGO


@pytest.fixture
def source(begin) -> str:  # noqa: F811
    """A run of nested owners that has ended."""
    run_id = begin()
    advance_until_final(run_id)
    return run_id


def middle(run_id: str) -> str:
    """A snapshot inside of the second iteration, in its first round."""
    risky = StageRun.get(
        StageRun.run == run_id, StageRun.stage_id == "risky", StageRun.iteration_path == "1"
    )
    return Snapshot.get(Snapshot.stage_run_id == risky.id).id


def came_of(run_id: str) -> dict:
    """Every stage run of a run and of its children, without what a crash may change."""
    runs = Run.select().where((Run.id == run_id) | (Run.parent_run_id == run_id))
    found = StageRun.select().where(StageRun.run.in_([run.id for run in runs]))
    return {
        (one.run_id == run_id, one.stage_id, one.iteration_path, one.round, one.status): (
            one.skip_reason,
            bool(one.reused),
            steady(one.output),
        )
        for one in found
    }


def replayed(who, run_id: str) -> str:
    return start_replay(who, run_id, middle(run_id)).run["id"]


def asked(who, run_id: str) -> str:
    changes = {"stage_outputs": {"p1": {"value": "other"}}}
    return start_what_if(who, run_id, middle(run_id), changes, dry_run=False).run["id"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fork_of", [replayed, asked])
def test_fork_whose_worker_dies_at_any_write_ends_the_same(
    who,
    source,
    fork_of,
    monkeypatch,
):
    grim = Grim(monkeypatch)
    straight = fork_of(who, source)
    advance_until_final(straight)
    expected, writes, before = came_of(straight), grim.writes, history(source)
    assert row(straight).status == "completed"

    for at in range(1, writes + 1):
        for after in (False, True):
            grim.at = 0
            fork = fork_of(who, source)
            grim.at, grim.after, grim.writes = at, after, 0
            Counted.done = Counter()
            with pytest.raises(Died):
                advance_until_final(fork)
            grim.at = 0
            Run.update(lease_until=LONG_AGO).where(Run.status == "running").execute()
            recover.sweep()
            advance_until_final(fork)

            where = f"died {'after' if after else 'before'} write {at} of {writes}"
            assert came_of(fork) == expected, where
            assert max(Counted.done.values()) <= 2, where
    assert history(source) == before
