"""logger: one line in the server's log and, when wanted, in the stage run (contract 02)."""

from __future__ import annotations

import hashlib
import logging
from types import SimpleNamespace

from app.core.wire import JSON, redact
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.expressions import measure

log = logging.getLogger("flowmason.pipeline")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


MESSAGE_LENGTH = 10_000  #: characters of a message that are kept
DATA_BYTES = 65_536  #: larger data is left out: a log line is no store


class Logger(Component):
    """Says something while a run goes on, and gives on what it was given."""

    type = "logger"
    inline = True
    fields = {
        "message": Field(Kind.STRING, required=True),
        "level": Field(Kind.STRING, default="info", choices=tuple(_LEVELS)),
        "data": Field(Kind.ANY, description="Written beside the message"),
        "tags": Field(Kind.OBJECT, default={}),
        "emit_to_trace": Field(
            Kind.BOOLEAN, default=True, description="Also in the logs of the stage run"
        ),
        "passthrough": Field(Kind.ANY, description="Given on as it is"),
    }
    outputs = {
        "logged": Field(Kind.BOOLEAN, required=True),
        "log_id": Field(Kind.STRING, required=True, description="Stands in the log line too"),
        "passthrough": Field(Kind.ANY, required=True),
    }
    about = About(
        name="Logger",
        description="Writes a line into the server's log and into the stage run.",
        category=Category.OBSERVABILITY,
        icon="scroll-text",
        color="#78716c",
        tags=("log", "trace"),
        examples=(
            Example(
                config={"message": "Order received", "data": {"id": 7}, "passthrough": 7},
                output={
                    "logged": True,
                    "log_id": "log-1f9754e6a5287bdb862b156d21",
                    "passthrough": 7,
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """Writes the line; `log_id` stands in it and in the output."""
        log_id = _log_id(context)
        message, data = inputs.message[:MESSAGE_LENGTH], _bounded(inputs.data)
        told = {
            "action": "pipeline_log",
            "log_id": log_id,
            "run_id": context.run_id,
            "stage_id": context.stage_id,
            "trace_id": context.trace_id,
            "data": redact(data),
            "tags": redact(_bounded(inputs.tags)),
        }
        log.log(_LEVELS[inputs.level], "%s", message, extra=told)
        if inputs.emit_to_trace:
            context.log(inputs.level, message, data)
        return {"logged": True, "log_id": log_id, "passthrough": inputs.passthrough}


def _bounded(data: JSON) -> JSON:
    if measure(data, DATA_BYTES) > DATA_BYTES:
        return {"omitted": f"larger than {DATA_BYTES} bytes"}
    return data


def _log_id(context: StageContext) -> str:
    """The same for all attempts of one round: a pure component makes nothing up."""
    return "log-" + hashlib.sha256(context.idempotency_key.encode()).hexdigest()[:26]
