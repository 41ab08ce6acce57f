"""Random documents, forked after random rows: the fork does what the contract says of the run."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.doubles import Doubles
from tests.engine.coordinator.recorded import RecordedRun
from tests.engine.coordinator.world import World
from tests.engine.reference.judging import differences
from tests.engine.reference.profile import examples
from tests.engine.reference.test_random_documents import (
    INPUT,
    each_theme,
    finished,
    judged,
    patient,
    plan_of,
)
from tests.engine.reference.writing.documents import documents


def forked(document: dict[str, Any], share: float) -> tuple[RecordedRun, World]:
    """A fork of a run of the document, after this share of its rows."""
    straight = World(plan_of(document), INPUT)
    straight.run()
    source = RecordedRun(straight, round(share * len(straight.ended)))
    return source, World(straight.plan, INPUT, doubles=Doubles(source))


@patient
@each_theme
def test_fork_is_what_the_contract_says_and_executes_only_the_rest(theme):
    @examples(60)
    @given(documents(theme), st.floats(0, 1))
    def check(document, share):
        reference, ending = judged(document)
        source, world = forked(document, share)

        outcome = world.run()

        assert not differences(world, outcome, reference.claims, ending)
        taken = {row.key for row in source.rows if source.taken(row.key)}
        assert not taken & world.calls.keys()

    check()


@patient
@each_theme
def test_fork_that_is_taken_up_after_a_crash_is_what_the_contract_says(theme):
    @examples(40)
    @given(documents(theme), st.floats(0, 1), st.integers(0, 60), st.sampled_from([0, 7, 5000]))
    def check(document, share, records, pause_ms):
        reference, ending = judged(document)
        _, world = forked(document, share)
        outcome = world.drive(world.fresh(), stop_after=records)

        if outcome is None:
            world.now += pause_ms
            outcome = finished(world, parks=True)

        assert not differences(world, outcome, reference.claims, ending)

    check()
