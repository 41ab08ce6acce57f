"""Conditionals, worlds of them, and why stages were skipped there."""

from __future__ import annotations

from tests.engine.coordinator.world import World, plan_of, stage


def run(*stages, input=None, **document):
    """The world and the outcome of a run of these stages."""
    world = World(plan_of(*stages, **document), input)
    return world, world.run()


def gate(name="gate", condition=True, yes=(), no=(), **rest):
    """A conditional with these branches."""
    branches = {"true_branch_stages": list(yes), "false_branch_stages": list(no)}
    return stage(name, "conditional", condition=condition, **branches, **rest)


def reasons(world, *names, path=()):
    """Why each of these was skipped; None for one that was not."""
    return [world.row(name, *path)["skip_reason"] for name in names]
