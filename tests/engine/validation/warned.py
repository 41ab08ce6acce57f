"""Documents for tests of warnings, and what is told of them."""

from __future__ import annotations

from app.engine.component import Component, Effect, Field, Kind, Registry
from app.engine.document import read_document
from app.engine.planner import plan_document
from app.engine.validation import validate_document, warnings_of
from tests.engine.pieces import REGISTRY, document, stage


class Return(Component):
    """Ends the run."""

    type = "return"
    fields = {
        "condition": Field(Kind.ANY, default=True),
        "condition_expression": Field(Kind.EXPRESSION),
        "return_value": Field(Kind.ANY),
    }


class Elsewhere(Component):
    """Runs another pipeline."""

    type = "elsewhere"
    effect = Effect.OWNER


KNOWN = Registry({component.type: component for component in REGISTRY})
KNOWN.add(Return())
KNOWN.add(Elsewhere())


def found(raw):
    """Pointer and code of each warning; `raw` has no problems."""
    assert validate_document(raw, KNOWN) == []
    plan = plan_document(read_document(raw), KNOWN)
    return [(warning.pointer, warning.code) for warning in warnings_of(raw, plan)]


def of(code, *stages, **members):
    """The ids of the stages that have this warning."""
    places = [place for place, told in found(document(*stages, **members)) if told == code]
    return [stages[int(place.removeprefix("/stages/"))]["id"] for place in places]


def ends(name, *needs, **config):
    """A return."""
    return stage(name, "return", needs, **config)
