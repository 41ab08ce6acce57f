"""trycatch: a body, what follows its failure, and what follows either way (contract 02)."""

from __future__ import annotations

from typing import Any

from app.core.errors import RunError
from app.core.wire import JSON
from app.engine.about import About, Category, ComponentKind, Example
from app.engine.component import Field, Kind
from app.engine.instance import Result
from app.engine.owner import BodyField, Done, Fail, Move, Open, Owner, Skip
from app.engine.owners.shapes import ERROR_TYPE_LIST, STAGE_LIST


class TryCatch(Owner):
    """Runs try, after a failure catch, and always finally.

    `error` is what try failed with; `fatal` what the stage fails with once finally has ended.
    """

    type = "trycatch"
    fields = {
        "try_stages": Field(Kind.ARRAY, required=True, items=Field(Kind.STRING), stages=True),
        "catch_stages": STAGE_LIST,
        "finally_stages": STAGE_LIST,
        "error_scope": Field(Kind.STRING, default="propagate", choices=("propagate", "continue")),
        "catch_error_types": ERROR_TYPE_LIST,
        "max_retries": Field(Kind.INTEGER, default=0, low=0, high=10),
        "retry_delay_ms": Field(Kind.INTEGER, default=1000, low=0, high=600_000),
        "pass_data": Field(Kind.ANY),
    }
    outputs = {
        "status": Field(Kind.STRING, required=True, choices=("success", "caught", "failed")),
        "error_occurred": Field(Kind.BOOLEAN, required=True),
        "error_message": Field(Kind.STRING),
        "error_type": Field(Kind.STRING),
        "recovered": Field(Kind.BOOLEAN, required=True),
        "try_result": Field(Kind.ANY, required=True),
        "catch_result": Field(Kind.ANY, required=True),
        "data": Field(Kind.ANY, required=True, description="pass_data, as given"),
    }
    about = About(
        name="Try, catch, finally",
        description="Runs other stages when some fail, and some either way.",
        kind=ComponentKind.CONTROL_FLOW,
        category=Category.RELIABILITY,
        icon="shield-check",
        color="#ef4444",
        tags=("error", "catch", "finally"),
        examples=(
            Example(
                config={
                    "try_stages": ["charge"],
                    "catch_stages": ["apologise"],
                    "error_scope": "continue",
                },
                output={
                    "status": "caught",
                    "error_occurred": True,
                    "error_message": "The card was declined.",
                    "error_type": "EXECUTION",
                    "recovered": True,
                    "try_result": None,
                    "catch_result": {"sent": True},
                    "data": None,
                },
            ),
        ),
    )
    body_fields = (
        BodyField("try_stages", repeatable=True, tells_rest=True),
        BodyField("catch_stages", error=True, tells_rest=True),
        BodyField("finally_stages", error=True, tells_rest=True),
    )

    def start(self) -> list[Move]:
        """The first run of try."""
        self.tries = 1
        self.tried: Result | None = None
        self.caught: Result | None = None
        self.error: RunError | None = None
        self.fatal: RunError | None = None
        return [Open("try_stages", tag="try")]

    def body_done(self, tag: Any, result: Result) -> list[Move]:
        """One of the bodies ended: on to the next one."""
        if tag == "try":
            return self._try_done(result)
        if tag == "catch":
            return self._catch_done(result)
        return self._finally_done(result)

    def _try_done(self, result: Result) -> list[Move]:
        self.tried = result
        if not result.failed:
            return [Skip("catch_stages"), self._finally()]
        assert result.error is not None
        if self.tries <= self.inputs.max_retries:
            self.tries += 1
            return [Open("try_stages", tag="try", after_ms=self.inputs.retry_delay_ms)]
        self.error = result.error
        if not self._catches(result.error):
            self.fatal = result.error
            return [Skip("catch_stages"), self._finally()]
        return [Open("catch_stages", tag="catch", error=self.error.to_json())]

    def _catches(self, error: RunError) -> bool:
        caught, cause = self.inputs.catch_error_types, error.details.get("cause") or {}
        return not caught or error.type in caught or cause.get("type") in caught

    def _catch_done(self, result: Result) -> list[Move]:
        self.caught = result
        if result.failed:
            self.fatal = result.error
        elif self.inputs.error_scope == "propagate":
            self.fatal = self.error
        return [self._finally()]

    def _finally(self) -> Open:
        pending = self.fatal or self.error
        return Open("finally_stages", tag="finally", error=pending and pending.to_json())

    def _finally_done(self, result: Result) -> list[Move]:
        fatal = result.error if result.failed else self.fatal
        return [Fail(fatal)] if fatal else [Done(self._output)]

    def _output(self) -> dict[str, JSON]:
        error = self.error
        return {
            "status": "caught" if error else "success",
            "error_occurred": error is not None,
            "error_message": error and error.message,
            "error_type": error and error.type,
            "recovered": error is not None,
            "try_result": self.tried and self.tried.output,
            "catch_result": self.caught and self.caught.output,
            "data": self.inputs.pass_data,
        }
