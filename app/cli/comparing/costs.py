"""What a run cost, and what the changed document would have cost with the recorded answers."""

from __future__ import annotations

from collections.abc import Collection

from app.cli.comparing.reading import Ran

Pair = tuple[float, float]  #: recorded, and of the changed document; in US dollars

#: Sums of the same parts in another order are the same.
_ROUNDING = 1e-9


def costs_of(recorded: Ran, changed: Ran, live: Collection[str]) -> dict[str, Pair]:
    """By stage id. What a recording answered cost nothing now: it counts as what it cost then, at
    the same place or, where nothing was recorded, in the last one."""
    stage_ids = {**recorded.types, **changed.types}
    return {
        stage_id: (_recorded_cost(recorded, stage_id), _cost(recorded, changed, stage_id, live))
        for stage_id in stage_ids
    }


def is_too_much(cost: Pair, percent: float) -> bool:
    """Whether the second is higher than the first by more than so many percent."""
    old, new = cost
    return new - old > old * percent / 100 + _ROUNDING


def _recorded_cost(recorded: Ran, stage_id: str) -> float:
    return sum(cost or 0.0 for cost in recorded.costs.get(stage_id, {}).values())


def _cost(recorded: Ran, changed: Ran, stage_id: str, live: Collection[str]) -> float:
    is_same_type = recorded.types.get(stage_id) == changed.types.get(stage_id)
    then = recorded.costs.get(stage_id, {}) if is_same_type and stage_id not in live else {}
    last = then[max(then)] if then else None
    total = 0.0
    for at, cost in changed.costs.get(stage_id, {}).items():
        total += (then.get(at, last) if cost is None else cost) or 0.0
    return total
