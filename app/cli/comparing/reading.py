"""What a run did, as far as it is compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.cli.client import Client, run_path
from app.core.wire import JSON

_ENDED = ("completed", "failed")


class Place(NamedTuple):
    """A stage in one iteration of the loops around it."""

    stage_id: str
    path: tuple[int, ...]


Round = tuple[tuple[int, ...], int]  #: path and round of a stage run that ended


@dataclass(slots=True)
class Ran:
    """One run. `seen` and `outcomes` are `{status, output, error}` of the run and of its stages, of
    several rounds the last; `costs` are by stage id, None where no usage is known."""

    run_id: str
    seen: JSON
    took: int
    outcomes: dict[Place, JSON] = field(default_factory=dict)
    costs: dict[str, dict[Round, float | None]] = field(default_factory=dict)
    stage_took: Counter[str] = field(default_factory=Counter)
    types: dict[str, str] = field(default_factory=dict)

    def add(self, stage: dict[str, Any]) -> None:
        """Takes in a StageRun; the rounds of one place come in their order."""
        place = Place(stage["stage_id"], tuple(stage["iteration_path"]))
        self.outcomes[place] = _outcome(stage)
        self.stage_took[place.stage_id] += stage["duration_ms"] or 0
        self.types[place.stage_id] = stage["component_type"]
        if stage["status"] in _ENDED:
            usage = stage["usage"]
            costs = self.costs.setdefault(place.stage_id, {})
            costs[place.path, stage["round"]] = usage and usage["cost_usd"]


def read_run(client: Client, run_id: str) -> Ran:
    """Reads a run with all its stages."""
    run = client.get(run_path(run_id))
    ran = Ran(run_id, _outcome(run), run["duration_ms"] or 0)
    stages = client.pages(f"{run_path(run_id)}/stages", {})
    for stage in sorted(stages, key=lambda stage: stage["round"]):
        ran.add(stage)
    return ran


def _outcome(ended: dict[str, Any]) -> JSON:
    error = ended["error"]
    return {
        "status": ended["status"],
        "output": ended["output"],
        "error": error and {name: error[name] for name in ("type", "message", "stage_id")},
    }
