"""foreach, by contract 02."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.engine.reference.attempts import Attempt, StageFailed
from tests.engine.reference.bodies import Config, failed_with, left, only
from tests.engine.reference.facts import BodyEnd, StageEnd, Write, after
from tests.engine.reference.language.values import ANYTHING, Undetermined


def outwards(writes: list[Write]) -> list[Write]:
    """What is left of an iteration's writes after it."""
    return [write for write in writes if not write.in_loop]


def foreach(attempt: Attempt, config: Config) -> StageEnd:
    items = config["items"]
    if isinstance(items, str):
        raise Undetermined("a text that may be an array")
    if not isinstance(items, list):
        raise attempt.failed("VALIDATION")
    condition = config.get("filter_expression")
    kept = [
        index
        for index, item in enumerate(items)
        if condition is None or attempt.evaluated(condition, item=item, index=index)
    ]
    loop = _Loop(attempt, config, kept)
    return loop.all_at_once() if config.get("parallel") and len(kept) > 1 else loop.one_by_one()


class _Loop:
    def __init__(self, attempt: Attempt, config: Config, kept: list[int]) -> None:
        self.attempt = attempt
        self.config = config
        self.kept = kept
        self.body = attempt.bodies()["loop_stages"]
        self.results: list[Any] = []
        self.writes: list[Write] = []

    def one_by_one(self) -> StageEnd:
        for index in self.kept:
            end = self.iterate(index, after(self.attempt.variables, self.writes))
            self.writes += outwards(end.writes)
            if self.is_over(end, index):
                if not end.stop or end.stop.kind != "broken":
                    return left(end.stop, self.writes)
                return self.completed(is_complete=False)
        return self.completed()

    def iterate(self, index: int, variables: dict[str, Any]) -> BodyEnd:
        """One iteration."""
        item = self.config["items"][index]
        names = {
            "item": item,
            "index": index,
            self.config.get("item_variable", "item"): item,
            self.config.get("index_variable", "index"): index,
        }
        return self.attempt.open(self.body, variables, index, names)

    def is_over(self, end: BodyEnd, index: int) -> bool:
        """Takes in an iteration; whether the loop ends with it."""
        if end.failed and self.config.get("break_on_error", True):
            raise StageFailed(replace(failed_with(end), index=index), self.writes)
        self.results.append(self.result(end))
        if end.stop and end.stop.kind in ("broken", "continued"):
            reason = "break" if end.stop.kind == "broken" else "continue"
            self.attempt.run.skip(end.blocked, reason)
        return end.stop is not None and end.stop.kind in ("broken", "returned")

    def result(self, end: BodyEnd) -> Any:
        if end.failed:
            error = failed_with(end)
            told = {"type": error.type, "message": ANYTHING, "stage_id": error.stage_id}
            return {"error": told}
        if end.stop:
            return end.stop.value
        return end.last_completed(self.body.listed)

    def all_at_once(self) -> StageEnd:
        """Iterations that see nothing of each other. One that stops the loop leaves the others
        wherever they are."""
        attempt = self.attempt
        ends = {}
        for index in self.kept:
            with attempt.run.traced() as trace:
                ends[index] = self.iterate(index, attempt.variables)
            ends[index].trace = trace
        stopping = [index for index in self.kept if self.stops(ends[index])]
        self.writes = [write for index in self.kept for write in outwards(ends[index].writes)]
        if not stopping:
            for index in self.kept:
                self.is_over(ends[index], index)
            return self.completed()
        self.writes = [write.doubted() for write in self.writes]
        end = only(attempt, list(ends.values()), [ends[index] for index in stopping])
        if end.stop and end.stop.kind == "broken":
            raise Undetermined("which items had started when the loop was left")
        self.is_over(end, stopping[0])
        return left(end.stop, self.writes)

    def stops(self, end: BodyEnd) -> bool:
        breaks_on_error = self.config.get("break_on_error", True)
        return bool(end.stop) and (
            breaks_on_error if end.failed else end.stop.kind in ("broken", "returned")
        )

    def completed(self, is_complete: bool = True) -> StageEnd:
        items, collects = self.config["items"], self.config.get("collect_results", True)
        output = {
            "total_items": len(items),
            "processed_items": len(self.results),
            "skipped_items": len(items) - len(self.kept),
            "results": self.results if collects else [],
            "current_item": ANYTHING,
            "current_index": ANYTHING,
            "is_complete": is_complete,
        }
        if not collects:
            output["items_to_process"] = [items[index] for index in self.kept][:100]
        return StageEnd("completed", output, writes=self.writes)
