"""What the coordinator is told about its run, and where it reads outputs that it forgot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.core.wire import JSON


@dataclass(frozen=True)
class RunFacts:
    """What does not change while a run lasts. Times are milliseconds since 1970.

    `variables` are those that the run begins with. `output_bytes` were stored before. A timer
    nearer than `wait_inline_ms` is waited for, a later one parks the run: somewhat less than the
    second of contract 03, for some of a delay has passed when it is looked at. `timeout_ms` after
    its start the run fails.
    """

    run_id: str
    pipeline_id: str
    pipeline_name: str
    pipeline_version: str
    input: JSON
    started_at: int
    trace_id: str = ""
    variables: Mapping[str, JSON] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    max_loop_items: int = 10_000
    max_output_bytes: int = 4_194_304
    max_run_bytes: int = 67_108_864
    output_bytes: int = 0
    wait_inline_ms: int = 900
    timeout_ms: int | None = None


class Outputs(Protocol):
    """Stored outputs of a rebuilt run."""

    def load(self, instance_id: str) -> JSON:
        """The output of one stage run."""
        ...
