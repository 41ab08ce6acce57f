"""An output becomes part of the run: written as JSON once, and counted."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.errors import StageError
from app.core.wire import JSON, NotJson, dumps_bytes
from app.engine.coordinator.facts import RunFacts
from app.engine.expressions import measure

MAX_DEPTH = 200  #: leaves room for what is written around a value before JSON writers give up


class Seal:
    """Turns outputs into their text, within the bounds of one output and of the run."""

    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        self.output_bytes = facts.output_bytes  #: all outputs of the run so far

    def text(self, output: JSON) -> str:
        """The JSON of an output, which now counts.

        Raises StageError EXECUTION when it is no JSON or too large.
        """
        # Measured before it is written: what refers to one value often is small until then.
        limit = self._facts.max_output_bytes
        self._check(measure(output, limit), limit, "The output is")
        try:
            text = dumps_bytes(output)
        except NotJson as refused:
            raise StageError("EXECUTION", f"The output is not JSON: {refused}.") from None
        self._check(len(text), limit, "The output is")
        # Counting brackets is cheap, and nearly all outputs have too few to nest so deep.
        if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            self._check_depth(output, "The output is")
        total = self.output_bytes + len(text)
        self._check(total, self._facts.max_run_bytes, "The outputs of this run are together")
        self.output_bytes = total
        return text.decode()

    def count(self, text: str) -> None:
        """An output that was sealed in another run now counts in this one too."""
        self.output_bytes += len(text.encode())

    def check_inputs(self, values: JSON) -> None:
        """Raises StageError EXECUTION when resolved inputs are larger than a whole run may be, or
        nested too deeply to be written, as logs and owners' inputs are.

        Small templates can refer to one large value many times over.
        """
        subject, limit = "The inputs of this stage are together", self._facts.max_run_bytes
        self._check(measure(values, limit), limit, subject)
        self._check_depth(values, subject)

    @staticmethod
    def _check_depth(value: JSON, subject: str) -> None:
        if _is_deeper(value, MAX_DEPTH):
            raise StageError("EXECUTION", f"{subject} nested deeper than {MAX_DEPTH} levels.")

    @staticmethod
    def _check(size: int, limit: int, subject: str) -> None:
        if size > limit:
            raise StageError(
                "EXECUTION",
                f"{subject} larger than {limit} bytes.",
                details={"bytes": size, "limit": limit},
            )


def _is_deeper(value: JSON, limit: int) -> bool:
    """Whether arrays and objects nest deeper than `limit`; level by level, never recursive."""
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return False
    return True


def _containers(value: JSON) -> Iterator[JSON]:
    if type(value) is dict:
        return (item for item in value.values() if type(item) in (dict, list))
    if type(value) is list:
        return (item for item in value if type(item) in (dict, list))
    return iter(())
