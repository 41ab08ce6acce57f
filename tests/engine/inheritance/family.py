"""Documents that find each other by name, without any file."""

from app.engine.document import normalize
from app.engine.inheritance import Source, resolve
from app.engine.validation import validate_document
from tests.engine.pieces import REGISTRY


def family(*documents):
    """The sources of these documents by name; a reference finds a name, or a name and version."""
    sources = {}
    for raw in documents:
        source = Source(raw["name"], raw, sources.get)
        sources[raw["name"]] = source
        sources[f"{raw['name']}@{raw.get('version')}"] = source
    return sources


def resolved(*documents):
    """The resolution of the last of these documents."""
    return resolve(family(*documents)[documents[-1]["name"]])


def normal(*documents):
    """The last of these documents as it is saved."""
    return normalize(resolved(*documents).document)


def stages(*documents):
    """The stages of the last of these documents as they are saved, by id and in order."""
    return {stage["id"]: stage for stage in normal(*documents)["stages"]}


def own_problems(*documents):
    """Place, pointer and code of what is wrong with the inheritance of the last document."""
    return [
        (found.source.place, found.problem.pointer, found.problem.code)
        for found in resolved(*documents).problems
    ]


def all_problems(*documents):
    """Place, pointer and code of everything wrong with the last document."""
    resolution = resolved(*documents)
    found = resolution.located(validate_document(resolution.document, REGISTRY))
    return own_problems(*documents) + [
        (each.source.place, each.problem.pointer, each.problem.code) for each in found
    ]


def base(*stages, **members):
    """A document that others extend."""
    return {"name": "base", "stages": list(stages), **members}


def child(*stages, name="child", extends="base", **members):
    """A document that extends another."""
    return {"name": name, "extends": extends, "stages": list(stages), **members}
