"""Components of these tests: work that takes time and may fail, and a value on the spot."""

from __future__ import annotations

from types import SimpleNamespace

from app.components import built_in
from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.component import Component, Effect, Field, Kind, Registry


class Work(Component):
    """A call that the world answers: after `ms`, failing its first `fails` attempts."""

    type = "work"
    effect = Effect.EFFECTFUL
    fields = {
        "value": Field(Kind.ANY),
        "ms": Field(Kind.INTEGER, default=10),
        "fails": Field(Kind.INTEGER, default=0),
        "fails_below_round": Field(Kind.INTEGER, default=0),
        "error": Field(Kind.STRING, default="CONNECTIVITY"),
        "retry_after_ms": Field(Kind.INTEGER),
    }

    @staticmethod
    def answer(inputs: SimpleNamespace, failures: int, round: int) -> JSON:
        if failures < inputs.fails or round < inputs.fails_below_round:
            raise StageError(inputs.error, "it broke", retry_after_ms=inputs.retry_after_ms)
        return {"value": inputs.value}


class Give(Component):
    """Gives its value on the spot; fails when told to."""

    type = "give"
    inline = True
    fields = {"value": Field(Kind.ANY), "error": Field(Kind.STRING), "defect": Field(Kind.ANY)}

    def run(self, context, inputs):
        if inputs.error:
            raise StageError(inputs.error, "told to fail")
        if inputs.defect:
            raise ZeroDivisionError("a secret of the implementation")
        return {"value": inputs.value}


def registry() -> Registry:
    return Registry({part.type: part for part in (*built_in(), Work(), Give())})
