"""Breakpoints: as callers give them, as runs hold them, as the coordinator obeys them.

A run holds a list of `{stage_id, condition, on_error}`, at most one for each stage and kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.core import wire
from app.core.errors import ValidationFailed
from app.core.wire import JSON
from app.engine.control import NO_BREAKPOINTS, Breakpoints
from app.engine.expressions import Expression, ExpressionSyntaxError, compile_expression
from app.engine.planner import Plan

MAX_CONDITION = 5000  #: characters, somewhat more than an expression may have
_NONE = "[]"

Breakpoint = Mapping[str, JSON]


def breakpoint_at(
    stage_id: str | None, condition: str | None = None, on_error: bool = False
) -> dict[str, JSON]:
    """A breakpoint in wire form."""
    return {"stage_id": stage_id, "condition": condition, "on_error": on_error}


def read_breakpoints(
    given: Iterable[str | Mapping[str, Any]], plan: Plan, pointer: str = "/breakpoints"
) -> list[Breakpoint]:
    """The breakpoints that a request begins a run with: stage ids, or objects with `stage_id`,
    `condition` and `on_error`, each of which may be absent. Of two of a stage and kind the later
    counts.

    Raises ValidationFailed, with pointers below `pointer`.
    """
    made: list[Breakpoint] = []
    errors: dict[str, list[str]] = {}
    for number, item in enumerate(given):
        at = f"{pointer}/{number}"
        is_id = isinstance(item, str)
        one = breakpoint_at(item) if isinstance(item, str) else breakpoint_at(None) | dict(item)
        for member, sentence in [*shape_errors(one), *stage_errors(one, plan)]:
            errors.setdefault(at if is_id else f"{at}{member}", []).append(sentence)
        made.append(one)
    refuse(errors)
    return with_all((), made)


def read_request(
    stage_id: str | None, stage_ids: Sequence[str] | None, condition: str | None, on_error: bool
) -> dict[str, Breakpoint]:
    """The breakpoints that one request means, by the pointers to their stages.

    Raises ValidationFailed for a broken condition, or unless exactly one of `stage_id` and
    `stage_ids` is given, neither only with `on_error`.
    """
    if stage_id is not None and stage_ids is not None:
        refuse({"/stage_ids": ["Give either stage_id or stage_ids."]})
    if stage_ids is not None and not stage_ids:
        refuse({"/stage_ids": ["This names no stage."]})
    named: dict[str, str | None] = {"/stage_id": stage_id}
    if stage_ids is not None:
        named = {f"/stage_ids/{number}": name for number, name in enumerate(stage_ids)}
    given: dict[str, Breakpoint] = {
        at: breakpoint_at(name, condition, on_error) for at, name in named.items()
    }
    refuse({at: [sentence] for at, sentence in shape_errors(next(iter(given.values())))})
    return given


def check_stages(given: Mapping[str, Breakpoint], plan: Plan) -> None:
    """Raises ValidationFailed for stages that the pipeline does not have."""
    errors: dict[str, list[str]] = {}
    for at, one in given.items():
        for member, sentence in stage_errors(one, plan):
            found = errors.setdefault(at if member == "/stage_id" else member, [])
            found += [sentence] if sentence not in found else []
    refuse(errors)


def shape_errors(one: Breakpoint) -> Iterator[tuple[str, str]]:
    """Pointer and sentence of what is wrong in a breakpoint, whatever pipeline it is for."""
    if one["stage_id"] is None and not one["on_error"]:
        yield "/stage_id", "Without on_error a breakpoint needs a stage."
    if one["condition"] is None:
        return
    if one["on_error"]:
        yield "/condition", "A breakpoint on errors has no condition."
    elif (problem := _syntax_error(str(one["condition"]))) is not None:
        yield "/condition", problem


def stage_errors(one: Breakpoint, plan: Plan) -> Iterator[tuple[str, str]]:
    """Pointer and sentence of each stage that a breakpoint names and the pipeline does not have."""
    if one["stage_id"] is not None and one["stage_id"] not in plan.stages:
        yield "/stage_id", f"There is no stage {str(one['stage_id'])[:80]!r}."
    condition = _compiled(one["condition"])
    for stage_id in sorted(condition.references.upstream if condition else ()):
        if stage_id not in plan.stages:
            yield "/condition", f"There is no stage {stage_id[:80]!r}."


def refuse(errors: Mapping[str, Sequence[str]]) -> None:
    """Raises ValidationFailed when there are errors."""
    if errors:
        told = " ".join(dict.fromkeys(sentence for found in errors.values() for sentence in found))
        raise ValidationFailed(errors, told[:1000])


def with_all(present: Sequence[Breakpoint], given: Iterable[Breakpoint]) -> list[Breakpoint]:
    """The breakpoints with others, which take the place of those of the same stages and kind."""
    merged = {_kind(one): one for one in present}
    for one in given:
        merged.pop(_kind(one), None)
        merged[_kind(one)] = one
    return list(merged.values())


def without_stage(present: Sequence[Breakpoint], stage_id: str | None) -> list[Breakpoint]:
    """The breakpoints without those of a stage; without any when it is None."""
    return [other for other in present if stage_id not in (None, other["stage_id"])]


def _kind(one: Breakpoint) -> tuple[JSON, JSON]:
    return one["stage_id"], one["on_error"]


def to_obey(text: str) -> Breakpoints:
    """What the coordinator obeys, from the JSON that a run holds."""
    if text == _NONE:
        return NO_BREAKPOINTS
    stored: list[Any] = wire.read(text)
    failures = [one["stage_id"] for one in stored if one["on_error"]]
    return Breakpoints(
        before={
            one["stage_id"]: _compiled(one["condition"]) for one in stored if not one["on_error"]
        },
        on_error=frozenset(failures) - {None},
        on_any_error=None in failures,
    )


def _syntax_error(text: str) -> str | None:
    if len(text) > MAX_CONDITION:
        return f"This must have at most {MAX_CONDITION} characters."
    try:
        compile_expression(text)
    except ExpressionSyntaxError as problem:
        return str(problem)
    return None


def _compiled(condition: Any) -> Expression | None:
    # One that this version cannot read any more holds always, as one that cannot be evaluated.
    try:
        return None if condition is None else compile_expression(condition)
    except ExpressionSyntaxError:
        return None
