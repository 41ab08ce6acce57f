"""What several owners declare and show alike."""

from __future__ import annotations

from app.core.errors import ERROR_TYPES, RunError
from app.core.wire import JSON
from app.engine.component import Field, Kind
from app.engine.instance import Result

#: The ids of a body's stages.
STAGE_LIST = Field(Kind.ARRAY, default=[], items=Field(Kind.STRING), stages=True)

_ONE_OR_MORE = (Field(Kind.STRING), Field(Kind.ARRAY, items=Field(Kind.STRING), low=1))

#: A body named by one stage id or by several, of which the last listed gives the result.
TASK = Field(variants=_ONE_OR_MORE, required=True, stages=True)
FALLBACK_TASK = Field(variants=_ONE_OR_MORE, stages=True)

#: A body for each element.
TASKS = Field(Kind.ARRAY, required=True, items=Field(variants=_ONE_OR_MORE), stages=True)

#: Error types that an owner reacts to; none: to all.
ERROR_TYPE_LIST = Field(Kind.ARRAY, default=[], items=Field(Kind.STRING, choices=ERROR_TYPES))


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, at least one of any time above zero."""
    return max(round(seconds * 1000), 1 if seconds > 0 else 0)


def error_view(error: RunError | None) -> JSON:
    """The `{type, message, stage_id}` that stands in place of a result."""
    if error is None:
        return None
    return {"type": error.type, "message": error.message, "stage_id": error.stage_id}


def result_or_error(result: Result) -> JSON:
    """The output of a body, or `{"error": ...}` when it failed."""
    return {"error": error_view(result.error)} if result.failed else result.output
