"""Pipelines of components that are built in."""


def note(name, text="{{ input }}", **members):
    """A stage that gives what it was told."""
    return {"id": name, "component_type": "json_transform", "config": {"data": text}, **members}


def pipeline(name, *stages, **members):
    """A pipeline of these stages, or of one."""
    return {"name": name, "stages": list(stages or [note("a")]), **members}
