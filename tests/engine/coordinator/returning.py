"""Runs that a `return` ends, and what it says remained."""

from __future__ import annotations

from app.core import wire
from tests.engine.coordinator.world import World, plan_of, stage


def run(*stages, input=None, **document):
    """The world and the outcome of a run of these stages."""
    world = World(plan_of(*stages, **document), input)
    return world, world.run()


def leave(name="out", after=(), **config):
    """A return."""
    return stage(name, "return", after=after, **config)


def left(world):
    """What the return that fired says remained."""
    rows = [row for row in world.rows.values() if row["key"].stage_id == "out"]
    texts = [row["output_text"] for row in rows]
    [fired] = [text for text in map(wire.read, filter(None, texts)) if text["should_return"]]
    return fired["remaining_stages"]
