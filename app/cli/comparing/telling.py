"""Comparisons as lines for a person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from os.path import commonprefix

from app.cli.comparing.comparison import Change, Comparison, StageSums
from app.cli.comparing.costs import Pair
from app.cli.output import blocks, columns, duration, one_line
from app.core.wire import JSON

_CHANGES_SHOWN = 20  # of one run
_SHOWN = 120  # characters of a value
_SHOWN_BEFORE = 30  # of them before the first that differs
_MARKS = {"same": "ok", "allowed": "ok", "differs": "DIFFERS", "errored": "ERROR"}
_HEAD = ("STAGE", "OUTPUT", "COST", "DURATION")


def report(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """A line for each run, below it what differs, at last the sums."""
    yield from blocks([_head(each) for each in comparisons], map(_block, comparisons))
    yield ""
    yield _sums(comparisons)


def _head(each: Comparison) -> list[str]:
    mark = _MARKS[each.verdict]
    if each.errors:
        return [mark, each.run_id, "", "", ""]
    of_test = "" if each.verdict == "same" else f"now {each.test['run_id']}"
    return [mark, each.run_id, _cost(each.cost), _took(each.took), of_test]


def _block(each: Comparison) -> Iterator[str]:
    if each.verdict in ("differs", "allowed"):
        yield from columns([_HEAD, *map(_row, each.stages)])
    yield from reasons(each)


def _row(sums: StageSums) -> tuple[str, ...]:
    told = sums.kind
    if sums.kind == "differs" and sums.places > 1:
        told = f"differs in {sums.changed} of {sums.places}"
    return (one_line(sums.stage_id), told, _cost(sums.cost), _took(sums.took))


def reasons(each: Comparison) -> Iterator[str]:
    """Why the test could not be carried out; else each difference, those that count first."""
    yield from each.errors
    for change in each.changes[:_CHANGES_SHOWN]:
        yield one_line(_told(change))
    if (left := len(each.changes) - _CHANGES_SHOWN) > 0:
        yield f"and {left} more differences."


def _told(change: Change) -> str:
    where = f"{change.where}{' (allowed)' if not change.counts and change.kind != 'added' else ''}"
    match change.kind:
        case "added":
            return f"{where}: was not recorded"
        case "removed":
            return f"{where}: is not there any more"
    old, new = _values(change.old, change.new)
    return f"{where} {change.path}: {old} -> {new}"


def _values(*values: JSON) -> Iterator[str]:
    """The values as JSON; of long ones the part that begins shortly before they differ."""
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    start = 0
    if max(map(len, texts)) > _SHOWN:
        start = max(0, len(commonprefix(texts)) - _SHOWN_BEFORE)
    for text in texts:
        part = text[start : start + _SHOWN]
        after = "..." if len(text) > start + _SHOWN else ""
        yield f"{'...' if start else ''}{part}{after}"


def _cost(cost: Pair) -> str:
    return _pair(*(f"${_plain(each)}" for each in cost))


def _plain(dollars: float) -> str:
    return f"{dollars:.6f}".rstrip("0").rstrip(".")


def _took(took: tuple[int, int]) -> str:
    return _pair(*map(duration, took))


def _pair(old: str, new: str) -> str:
    return old if old == new else f"{old} -> {new}"


def total_cost(comparisons: Sequence[Comparison]) -> Pair:
    """Of all runs that could be compared."""
    costs = [each.cost for each in comparisons]
    return (sum(old for old, _ in costs), sum(new for _, new in costs))


def _sums(comparisons: Sequence[Comparison]) -> str:
    count = Counter(each.verdict for each in comparisons)
    words = {"same": "same", "allowed": "allowed", "differs": "different", "errored": "errored"}
    counts = ", ".join(
        f"{count[verdict]} {word}" for verdict, word in words.items() if count[verdict]
    )
    cost = total_cost(comparisons)
    runs = "1 run" if len(comparisons) == 1 else f"{len(comparisons)} runs"
    return f"{runs} compared: {counts}. Cost {_cost(cost)}{_percent(cost)}."


def _percent(cost: Pair) -> str:
    old, new = cost
    return f" ({100 * (new - old) / old:+.3g} %)" if old and old != new else ""


def told_too_much(comparisons: Sequence[Comparison], percent: float) -> str:
    """That the cost rose more than it may."""
    cost = total_cost(comparisons)
    rise = f"The cost rises{_percent(cost)}: {_cost(cost)}."
    return f"{rise} --max-cost-increase allows {percent:g} %."
