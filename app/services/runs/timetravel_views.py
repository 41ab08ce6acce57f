"""A Snapshot in wire form (contract 05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

import config
from app.core import wire
from app.core.wire import JSON
from app.engine.expressions import measure
from app.services.runs.events import embedded
from app.services.runs.timetravel_rows import summary
from app.services.runs.timetravel_states import State


def snapshot_view(run: Any, state: State) -> dict[str, JSON]:
    """The Snapshot; outputs, variables and the stage's input each up to
    FLOWMASON_MAX_OUTPUT_BYTES together: what is larger is null, and named."""
    limit, row = config.settings().max_output_bytes, state.row
    state.load_within(limit)
    own = state.texts.get(row["stage_run_id"])
    outputs = _outputs(state)  # now: the input may read others, for which there is no room
    stage_input = _fitting(state.input(), limit)
    variables, left_out = bounded(state.moment.variables, limit)
    return {
        **summary(run.id, row),
        "input": embedded(run.input),
        **stage_input,
        "stage_output": embedded(own),
        **({"stage_output_truncated": True} if row["size"] is not None and own is None else {}),
        **outputs,
        "variables": variables,
        **({"variables_truncated": left_out} if left_out else {}),
        "completed_stages": state.completed,
        "pending_stages": state.pending,
        "error": embedded(row["error"]),
        "usage": embedded(row["usage"]),
    }


def _outputs(state: State) -> dict[str, JSON]:
    """`accumulated_outputs`, and `outputs_truncated` when some were not loaded."""
    outputs = {stage_id: state.texts.get(id) for stage_id, id in state.outputs.items()}
    left_out = [stage_id for stage_id, text in outputs.items() if text is None]
    return {
        "accumulated_outputs": {stage_id: embedded(text) for stage_id, text in outputs.items()},
        **({"outputs_truncated": left_out} if left_out else {}),
    }


def bounded(values: Mapping[str, JSON], limit: int) -> tuple[dict[str, JSON], list[str]]:
    """The values as parts of an answer, null where they pass `limit` bytes together; the names of
    these."""
    shown: dict[str, JSON] = {}
    left_out = []
    for name, value in values.items():
        text = wire.dumps_bytes(value)
        shown[name] = None
        if len(text) > limit:
            left_out.append(name)
        else:
            limit -= len(text)
            shown[name] = orjson.Fragment(text)
    return shown, left_out


def _fitting(value: JSON, limit: int) -> dict[str, JSON]:
    """The member `stage_input` without secrets; null, and marked, when it passes `limit` bytes."""
    text = _text(value, limit)
    if text is None:
        return {"stage_input": None, "stage_input_truncated": True}
    return {"stage_input": orjson.Fragment(text)}


def _text(value: JSON, limit: int) -> bytes | None:
    # Measured first: a value that refers to one large other many times is small until written.
    if measure(value, limit) > limit:
        return None
    text = wire.dumps_bytes(wire.redact(value))
    return text if len(text) <= limit else None
