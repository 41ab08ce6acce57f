"""Forks of runs of these tests."""

from __future__ import annotations

from typing import Any

from app.engine.doubles import Doubles
from tests.engine.coordinator.recorded import RecordedRun
from tests.engine.coordinator.world import World


def fork(straight: World, cut: int | None = None, plan: Any = None, **how: Any) -> World:
    """A run that takes over from `straight`, which has run, what it had after `cut` final rows.

    `plan` and `input` are those of `straight` unless given; the rest is told to `Doubles`.
    """
    input = how.pop("input", straight.input)
    doubles = Doubles(RecordedRun(straight, cut), **how)
    return World(plan or straight.plan, input, doubles=doubles)


def ran(plan: Any, input: Any = None) -> World:
    """A run of the plan, to its end."""
    world = World(plan, input)
    world.run()
    return world


def cut_after(world: World, stage_id: str, *path: int, round: int = 0) -> int:
    """The place of a stage run among the final ones."""
    return world.ended.index(world.row(stage_id, *path, round=round)["id"]) + 1


def executed(world: World) -> set[str]:
    """The stages of which some run was not taken over or given."""
    return {row["key"].stage_id for row in world.rows.values() if not row["reused"]}


def called(world: World) -> set[Any]:
    """The calls that left the coordinator: ids, or ids with where they are."""
    return {
        (key.stage_id, *key.path, *([f"r{key.round}"] if key.round else []))
        if key.path or key.round
        else key.stage_id
        for key in world.calls
    }
