"""A trycatch around stages that are told apart by their names."""

from __future__ import annotations

from tests.engine.coordinator.world import World, plan_of, stage

BODIES = {"t": "try_stages", "c": "catch_stages", "f": "finally_stages"}


def run(*stages, owner=None, **config):
    """An owner `safe` whose bodies hold the stages by the first letter of their id: t, c or f.

    Others stay outside.
    """
    bodies = {field: [] for field in BODIES.values()}
    for member in stages:
        if member["id"][0] in BODIES:
            bodies[BODIES[member["id"][0]]].append(member["id"])
    config = {**bodies, **config}
    world = World(plan_of(stage("safe", "trycatch", **config, **(owner or {})), *stages))
    return world, world.run()


def skipped(world, name, **place):
    """Why a stage was skipped."""
    return world.row(name, **place)["skip_reason"]


def fails(name, error="EXECUTION", **rest):
    return stage(name, "work", fails=9, error=error, **rest)
