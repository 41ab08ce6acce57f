"""What a component may touch while it runs: nothing but this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.core.wire import JSON

Evaluate = Callable[[str, Mapping[str, JSON]], JSON]  #: expression, roots of its own -> value


class HttpClient(Protocol):
    """The guarded way out (app.infra.egress provides it)."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_seconds: float,
        verify_ssl: bool,
        max_bytes: int,
    ) -> Any:
        """One exchange without redirects.

        The answer has `status`, `headers` (pairs as received), `header(name)`, `body` and the
        normalised `url`. Raises StageError, and Stopped when the attempt was abandoned.
        """
        ...


class StageContext:
    """One attempt of one stage, as its component sees it.

    `idempotency_key` is the same for all attempts of one round, recoveries included. `http` is
    None for components that run inside the coordinator. `max_output_bytes` bounds what a stage
    may give. `variables` is what the stage sees as `vars` and `remaining_stages` tells the ids of
    those around it that have not begun; both are filled for inline components.
    """

    __slots__ = (
        "_evaluate",
        "attempt",
        "http",
        "iteration_path",
        "logs",
        "max_output_bytes",
        "remaining_stages",
        "round",
        "run_id",
        "stage_id",
        "stopped",
        "trace_id",
        "variables",
    )

    def __init__(
        self,
        *,
        run_id: str,
        stage_id: str,
        attempt: int,
        iteration_path: tuple[int, ...] = (),
        round: int = 0,
        trace_id: str = "",
        http: HttpClient | None = None,
        stopped: Any = None,
        max_output_bytes: int = 4_194_304,
        variables: Mapping[str, JSON] | None = None,
        evaluate: Evaluate | None = None,
        remaining_stages: Callable[[], list[str]] = list,
    ) -> None:
        self.run_id = run_id
        self.stage_id = stage_id
        self.attempt = attempt
        self.iteration_path = iteration_path
        self.round = round
        self.trace_id = trace_id
        self.http = http
        self.stopped = stopped
        self.max_output_bytes = max_output_bytes
        self.variables = variables or {}
        self.remaining_stages = remaining_stages
        self._evaluate = evaluate
        self.logs: list[dict[str, JSON]] = []

    @property
    def idempotency_key(self) -> str:
        """`RUN_ID/STAGE_ID[/PATH][/rROUND]`, contract 02."""
        parts = [self.run_id, self.stage_id]
        if self.iteration_path:
            parts.append(".".join(map(str, self.iteration_path)))
        if self.round:
            parts.append(f"r{self.round}")
        return "/".join(parts)

    def evaluate(self, expression: str, roots: Mapping[str, JSON]) -> JSON:
        """The value of an expression that may use what the stage sees, and `roots` before that.

        For the text of an *expression* field. Raises StageError EXPRESSION.
        """
        if self._evaluate is None:
            raise TypeError("this context sees no names")
        return self._evaluate(expression, roots)

    def check(self) -> None:
        """Raises Stopped when this attempt was abandoned; call it between slow steps."""
        if self.stopped is not None:
            self.stopped()

    def log(self, level: str, message: str, data: JSON = None) -> None:
        """Adds an entry to the stage run's logs; the coordinator stamps its time."""
        entry: dict[str, JSON] = {"level": level, "message": message}
        if data is not None:
            entry["data"] = data
        self.logs.append(entry)
