"""Random changes of random runs: a what-if gives what a run from scratch gives with the change, and
executes what the change reaches."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from app.engine.doubles import Doubles
from app.engine.planner.reach import changed_members, given_variables, reach
from tests.engine.coordinator.world import World
from tests.engine.reference.judging import differences
from tests.engine.reference.language.values import Undetermined
from tests.engine.reference.profile import examples
from tests.engine.reference.test_random_documents import (
    each_theme,
    finished,
    judged,
    patient,
    plan_of,
    problems_of,
)
from tests.engine.reference.what_if import ChangedRun, Past, wrongly_executed
from tests.engine.reference.writing.changes import Changes, changes
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT


class WhatIf:
    """A what-if of the first `count` ended stage runs of a run."""

    def __init__(self, document: dict[str, Any], back: int, made: Changes) -> None:
        self.source = World(plan_of(document), INPUT)
        self.source.run()
        self.past = Past(self.source, max(0, len(self.source.ended) - back))
        changed = made.new_document(document)
        assume(not made.configs or not problems_of(changed))
        self.plan = plan_of(changed)
        ended = self.past.ids()
        pinned = given_variables(self.plan, ended, made.vars)
        self.outputs = {**pinned, **made.outputs}
        self.reached = reach(
            self.plan,
            ended,
            input=changed_members(INPUT, made.new_input()),
            variables=changed_members({}, made.vars),
            outputs=self.outputs,
            configs=made.configs,
            before=self.source.plan,
        )
        self.reference = ChangedRun(changed, made.new_input(), made.vars, self.outputs)
        self.world = World(
            self.plan,
            made.new_input(),
            {"variables": made.vars},
            doubles=Doubles(self.past, self.reached, self.outputs),
        )

    def judge(self, stop_after: int | None = None) -> list[str]:
        """What is not as it should be; it may be driven by two workers, one after the other."""
        try:
            ending = self.reference.run()
        except Undetermined:
            assume(False)
            raise
        outcome = self.world.drive(self.world.fresh(), stop_after)
        if outcome is None:
            outcome = finished(self.world, parks=False)
        return [
            *differences(self.world, outcome, self.reference.claims, ending),
            *wrongly_executed(self.world, self.past, self.reached, self.outputs),
        ]


@patient
@each_theme
def test_what_if_is_what_a_run_with_the_change_is(theme):
    @examples(30)
    @given(st.data(), documents(theme), st.integers(0, 30))
    def check(data, document, back):
        made = data.draw(changes(document))
        judged(document)

        assert not WhatIf(document, back, made).judge()

    check()


@patient
@each_theme
def test_what_if_that_is_taken_up_after_a_crash_is_the_same(theme):
    @examples(10)
    @given(st.data(), documents(theme), st.integers(0, 30), st.integers(0, 40))
    def check(data, document, back, records):
        made = data.draw(changes(document))
        judged(document)

        assert not WhatIf(document, back, made).judge(stop_after=records)

    check()
