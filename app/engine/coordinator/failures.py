"""What a raised exception tells the author of a pipeline."""

from __future__ import annotations

import logging

from app.core.errors import StageError
from app.engine.expressions import ExpressionError

log = logging.getLogger(__name__)


def as_stage_error(raised: Exception, stage_id: str) -> StageError:
    """The error as the author sees it; a defect of the component is logged and told generically."""
    if isinstance(raised, ExpressionError):
        return _placed(raised, stage_id)
    if isinstance(raised, StageError):
        return raised
    log.error(
        "component failed unexpectedly",
        exc_info=raised,
        extra={"action": "component_defect", "stage_id": stage_id},
    )
    return StageError("UNKNOWN", "The component failed unexpectedly.")


def _placed(raised: ExpressionError, stage_id: str) -> StageError:
    """Names the stage, the field and the expression, as contract 01 asks."""
    details = {"pointer": raised.pointer, "expression": raised.expression}
    return StageError(raised.type, f"Stage {stage_id!r}: {raised.message}", details=details)
