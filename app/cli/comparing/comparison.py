"""A recorded run beside the run of the changed document: what differs, and what of it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.cli.comparing.costs import Pair, costs_of
from app.cli.comparing.reading import Place, Ran
from app.cli.runs.telling import place
from app.core.difference import differences
from app.core.wire import JSON


@dataclass(frozen=True, slots=True)
class Terms:
    """What was changed and what is allowed. `givers` are the stages from which the output of the
    run is taken, `order` are all stages of the changed document."""

    order: Sequence[str]
    givers: Collection[str]
    allowed: Collection[str]
    live: Collection[str]


class Change(NamedTuple):
    """One difference: `where` is `line[1]` or `run`, `kind` differs, added or removed; `path`, a
    JSON pointer into `{status, output, error}`, and the values are of those that differ."""

    stage_id: str | None
    where: str
    kind: str
    counts: bool
    path: str = ""
    old: JSON = None
    new: JSON = None


class StageSums(NamedTuple):
    """One stage with all its iterations: `changed` of `places` differ."""

    stage_id: str
    kind: str
    changed: int
    places: int
    cost: Pair
    took: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A recorded run and its test. `errors` say why the test could not be carried out; then there
    is nothing else."""

    run_id: str
    test: Mapping[str, Any]
    errors: Sequence[str] = ()
    changes: Sequence[Change] = ()
    stages: Sequence[StageSums] = ()
    cost: Pair = (0.0, 0.0)
    took: tuple[int, int] = (0, 0)

    @property
    def verdict(self) -> str:
        """errored, differs, allowed (all that differs is) or same."""
        if self.errors:
            return "errored"
        if any(change.counts for change in self.changes):
            return "differs"
        return "allowed" if self.changes else "same"

    @property
    def is_good(self) -> bool:
        """Whether nothing stands against the changed document."""
        return self.verdict in ("allowed", "same")


def compare(recorded: Ran, changed: Ran, test: Mapping[str, Any], terms: Terms) -> Comparison:
    """Holds the two runs against each other, stage by stage and iteration by iteration."""
    of_stages = list(_of_stages(recorded, changed, terms))
    changes = [*_of_run(recorded, changed, of_stages, terms), *of_stages]
    costs = costs_of(recorded, changed, terms.live)
    return Comparison(
        recorded.run_id,
        test,
        changes=sorted(changes, key=lambda change: not change.counts),
        stages=list(_sums(recorded, changed, of_stages, costs, terms)),
        cost=(sum(old for old, _ in costs.values()), sum(new for _, new in costs.values())),
        took=(recorded.took, changed.took),
    )


def _of_stages(recorded: Ran, changed: Ran, terms: Terms) -> Iterator[Change]:
    for at in sorted({**recorded.outcomes, **changed.outcomes}, key=_by(terms)):
        where, counts = at.stage_id + place(at.path), at.stage_id not in terms.allowed
        old, new = recorded.outcomes.get(at), changed.outcomes.get(at)
        if old is None:
            # Nothing was recorded that it could differ from; what it does to others is seen there.
            yield Change(at.stage_id, where, "added", False)
        elif new is None:
            yield Change(at.stage_id, where, "removed", counts and old["status"] != "skipped")
        else:
            for found in differences(old, new):
                yield Change(at.stage_id, where, "differs", counts, *found)


def _by(terms: Terms) -> Callable[[Place], tuple[int, Place]]:
    """Document order, then that of iterations; stages that are gone come last."""
    index = {stage_id: number for number, stage_id in enumerate(terms.order)}
    return lambda at: (index.get(at.stage_id, len(index)), at)


def _of_run(
    recorded: Ran, changed: Ran, of_stages: Sequence[Change], terms: Terms
) -> Iterator[Change]:
    sources = {change.stage_id for change in of_stages} & set(terms.givers)
    is_allowed = bool(sources) and sources <= set(terms.allowed)
    for found in differences(recorded.seen, changed.seen):
        is_output = found.path.startswith("/output")
        yield Change(None, "run", "differs", not (is_output and is_allowed), *found)


def _sums(
    recorded: Ran,
    changed: Ran,
    changes: Sequence[Change],
    costs: Mapping[str, Pair],
    terms: Terms,
) -> Iterator[StageSums]:
    places = Counter(at.stage_id for at in {**recorded.outcomes, **changed.outcomes})
    differing: dict[str, set[str]] = {}
    for change in changes:
        differing.setdefault(str(change.stage_id), set()).add(change.where)
    for stage_id in sorted(places, key=lambda each: _by(terms)(Place(each, ()))):
        wheres = differing.get(stage_id, set())
        yield StageSums(
            stage_id,
            _kind(stage_id, recorded, changed, bool(wheres)),
            len(wheres),
            places[stage_id],
            costs[stage_id],
            (recorded.stage_took[stage_id], changed.stage_took[stage_id]),
        )


def _kind(stage_id: str, recorded: Ran, changed: Ran, differs: bool) -> str:
    if stage_id not in recorded.types:
        return "added"
    if stage_id not in changed.types:
        return "removed"
    return "differs" if differs else "same"
