"""What each owner does with its bodies, by contract 02."""

from __future__ import annotations

from collections.abc import Callable

from tests.engine.reference.attempts import Attempt, StageFailed
from tests.engine.reference.bodies import Config, failed_with, left, only, task_result
from tests.engine.reference.facts import BodyEnd, Error, StageEnd, Write, after
from tests.engine.reference.language.values import ANYTHING, Undetermined
from tests.engine.reference.layout import Body
from tests.engine.reference.loops import foreach


def trycatch(attempt: Attempt, config: Config) -> StageEnd:
    bodies, writes = attempt.bodies(), []
    for _ in range(config.get("max_retries", 0) + 1):
        tried = attempt.open(bodies["try_stages"], after(attempt.variables, writes))
        writes += tried.writes
        if not tried.failed:
            break
    if tried.left:
        return _leaving(tried, writes)
    error = failed_with(tried) if tried.failed else None
    catch_types = config.get("catch_error_types", [])
    is_caught = error is not None and (not catch_types or error.types() & {*catch_types})
    caught = None
    if tried.failed:
        attempt.run.skip(tried.blocked, "not_reached")
    if is_caught:
        root = {"error": error.value()} if error else {}
        caught = attempt.open(bodies["catch_stages"], after(attempt.variables, writes), roots=root)
        writes += caught.writes
        if caught.left:
            return _leaving(caught, writes)
    else:
        attempt.skip(bodies["catch_stages"], "not_reached", sure=error is None)
    return _finally(attempt, config, bodies, writes, tried, caught)


def _leaving(end: BodyEnd, writes: list[Write]) -> StageEnd:
    if end.stop and end.stop.kind != "returned":
        raise Undetermined("whether finally runs when a loop is left")
    return left(end.stop, writes)


def _finally(
    attempt: Attempt,
    config: Config,
    bodies: dict[str, Body],
    writes: list[Write],
    tried: BodyEnd,
    caught: BodyEnd | None,
) -> StageEnd:
    error = failed_with(tried) if tried.failed else None
    in_catch = failed_with(caught) if caught and caught.failed else None
    root = ANYTHING if in_catch else error and error.value()
    last = attempt.open(
        bodies["finally_stages"], after(attempt.variables, writes), roots={"error": root}
    )
    writes = [*writes, *last.writes]
    if last.failed:
        raise StageFailed(failed_with(last), writes)
    if last.left:
        return _leaving(last, writes)
    goes_on = error is None or (
        caught is not None and not in_catch and config.get("error_scope") == "continue"
    )
    if not goes_on:
        raise StageFailed(in_catch or error or failed_with(tried), writes)
    output = {
        "status": "caught" if error else "success",
        "error_occurred": error is not None,
        "error_message": ANYTHING if error else None,
        "error_type": error.type if error else None,
        "recovered": error is not None,
        "try_result": ANYTHING if error else tried.last_completed(bodies["try_stages"].listed),
        "catch_result": caught and caught.last_completed(bodies["catch_stages"].listed),
        "data": config.get("pass_data"),
    }
    return StageEnd("completed", output, writes=writes)


def retry(attempt: Attempt, config: Config) -> StageEnd:
    body, writes = attempt.bodies()["task"], []
    most, retry_on = config.get("max_retries", 3) + 1, config.get("retry_on", [])
    for tries in range(1, most + 1):
        end = attempt.open(body, after(attempt.variables, writes))
        writes += end.writes
        if end.left:
            return left(end.stop, writes)
        if not end.failed:
            output = {
                "success": True,
                "result": task_result(end, body),
                "attempts": tries,
                "errors": ANYTHING,
                "exhausted": False,
            }
            return StageEnd("completed", output, writes=writes)
        error = failed_with(end)
        if retry_on and error.type not in retry_on:
            raise StageFailed(error, writes)
    if most == 1:
        raise Undetermined("whether a single round exhausts")
    raise StageFailed(Error("RETRY_EXHAUSTED", attempt.id, False, error), writes)


def timeout(attempt: Attempt, config: Config) -> StageEnd:
    """A limit that is not reached."""
    bodies = attempt.bodies()
    end = attempt.open(bodies["task"], attempt.variables)
    if "fallback_task" in bodies:
        attempt.skip(bodies["fallback_task"], "not_reached", sure=False)
    if end.left:
        return left(end.stop, end.writes)
    if end.failed:
        raise StageFailed(failed_with(end), end.writes)
    output = {
        "success": True,
        "timed_out": False,
        "elapsed": ANYTHING,
        "timeout_value": config["timeout"],
        "result": task_result(end, bodies["task"]),
        "warning": ANYTHING,
        "percent_elapsed": ANYTHING,
    }
    return StageEnd("completed", output, writes=end.writes)


def parallel(attempt: Attempt, config: Config) -> StageEnd:
    bodies, ends = list(attempt.bodies().values()), []
    for body in bodies:
        with attempt.run.traced() as trace:
            end = attempt.open(body, attempt.variables)
        end.trace = trace
        ends.append(end)
    tolerant = config.get("on_error", "fail_fast") == "continue"
    waits = config.get("wait_for_all", True) or len(bodies) == 1
    stopping = [end for end in ends if end.left or (end.failed and not tolerant)]
    writes = [write for end in ends for write in end.writes]
    if not waits:
        raise Undetermined("which task succeeds first")
    if stopping:
        writes = [write.doubted() for write in writes]
        end = only(attempt, ends, stopping)
        if end.failed:
            raise StageFailed(failed_with(end), writes)
        return left(end.stop, writes)
    errors = sum(end.failed for end in ends)
    bad = {"error": ANYTHING} if config.get("return_exceptions") else None
    pairs = zip(ends, bodies, strict=True)
    output = {
        "results": [bad if end.failed else task_result(end, body) for end, body in pairs],
        "success_count": len(ends) - errors,
        "error_count": errors,
        "total_count": len(ends),
        "errors": ANYTHING,
        "execution_time": ANYTHING,
    }
    return StageEnd("completed", output, writes=writes)


OWNERS: dict[str, Callable[[Attempt, Config], StageEnd]] = {
    "foreach": foreach,
    "trycatch": trycatch,
    "retry": retry,
    "timeout": timeout,
    "parallel": parallel,
}
