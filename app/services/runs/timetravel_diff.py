"""What changed between two snapshots of one run (contract 05, StateDiff)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import config
from app.core import clock, wire
from app.core.errors import StageError
from app.core.states import StageStatus
from app.core.wire import JSON
from app.engine.expressions.values import equals
from app.services.runs.events import embedded
from app.services.runs.timetravel_rows import between, outputs_of, sizes_of
from app.services.runs.timetravel_states import State
from app.services.runs.timetravel_views import bounded

_LEFT_OUT: JSON = {"old": None, "new": None}


def diff_of(run_id: str, old: State, new: State) -> dict[str, JSON]:
    """The StateDiff from `old` to `new`, which may be the earlier one.

    Outputs, and variables, that pass FLOWMASON_MAX_OUTPUT_BYTES together are null, and named.
    """
    limit = config.settings().max_output_bytes
    passed = between(run_id, old.row["seq"], new.row["seq"])
    return {
        "from_snapshot_id": old.row["id"],
        "to_snapshot_id": new.row["id"],
        **_outputs(old.outputs, new.outputs, limit),
        **_variables(old.moment.variables, new.moment.variables, limit),
        "stages_completed": _completed(passed) if old.row["seq"] < new.row["seq"] else [],
        "duration_ms": abs(_at(new) - _at(old)),
        "tokens_used": sum((row["usage"] or {}).get("total_tokens", 0) for row in passed),
    }


def _at(state: State) -> int:
    return clock.to_ms(state.row["created_at"])


def _completed(passed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The stages that completed, each once, in the order of their first end."""
    ends = (row["stage_id"] for row in passed if row["status"] == StageStatus.COMPLETED)
    return list(dict.fromkeys(ends))


def _outputs(old: Mapping[str, str], new: Mapping[str, str], limit: int) -> dict[str, JSON]:
    """The outputs of two states, given as stage runs by stage id."""
    added = [stage_id for stage_id in new if stage_id not in old]
    # A stage run has one output for ever; only another iteration's can differ.
    both = [stage_id for stage_id in new if stage_id in old and old[stage_id] != new[stage_id]]
    shown = [new[id] for id in added] + [run[id] for id in both for run in (old, new)]
    texts = _texts(shown, limit)
    modified = [id for id in both if _differ(texts.get(old[id]), texts.get(new[id]))]
    pairs = {id: {"old": texts.get(old[id]), "new": texts.get(new[id])} for id in modified}
    left_out = [id for id in added if new[id] not in texts]
    left_out += [id for id, pair in pairs.items() if None in pair.values()]
    return {
        "added_outputs": {id: embedded(texts.get(new[id])) for id in added},
        "modified_outputs": {
            id: {side: embedded(text) for side, text in pair.items()} for id, pair in pairs.items()
        },
        "removed_outputs": [stage_id for stage_id in old if stage_id not in new],
        **({"outputs_truncated": left_out} if left_out else {}),
    }


def _texts(stage_run_ids: Sequence[str], limit: int) -> dict[str, str]:
    """The outputs of the first of these stage runs that together have at most `limit` bytes."""
    sizes, fitting = sizes_of(stage_run_ids), []
    for id in stage_run_ids:
        if sizes[id] <= limit:
            limit -= sizes[id]
            fitting.append(id)
    return outputs_of(fitting)


def _differ(old: str | None, new: str | None) -> bool:
    if old is None or new is None:
        return True  # too large to be read: the stage did run once more
    return old != new and not _same(wire.read(old), wire.read(new))


def _same(old: JSON, new: JSON) -> bool:
    try:
        return equals(old, new)
    except StageError:  # of too many elements
        return wire.canonical(old) == wire.canonical(new)


def _variables(old: Mapping[str, JSON], new: Mapping[str, JSON], limit: int) -> dict[str, JSON]:
    added = {name: value for name, value in new.items() if name not in old}
    both = [name for name in new if name in old and not _same(old[name], new[name])]
    pairs = {name: {"old": old[name], "new": new[name]} for name in both}
    shown, left_out = bounded({**added, **pairs}, limit)
    return {
        "added_variables": {name: shown[name] for name in added},
        "modified_variables": {name: shown[name] or _LEFT_OUT for name in pairs},
        "removed_variables": [name for name in old if name not in new],
        **({"variables_truncated": left_out} if left_out else {}),
    }
