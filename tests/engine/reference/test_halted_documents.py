"""Random documents whose runs people halt at random: the run is what the contract says, halted or
not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.control import Breakpoints, Control
from app.engine.instance import Paused
from tests.engine.coordinator.halting import HaltedWorld
from tests.engine.reference.judging import differences
from tests.engine.reference.profile import THOROUGH, examples
from tests.engine.reference.test_random_documents import judged, plan_of
from tests.engine.reference.writing.documents import documents
from tests.engine.reference.writing.themes import INPUT, THEMES

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
patient = pytest.mark.timeout(7200 if THOROUGH else 60)


class Person:
    """Asks for this and that; kills workers, too."""

    def __init__(self, world, draw):
        self.world = world
        self.draw = draw

    def one_of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def debug(self):
        """The outcome of a run that is halted and taken up at random, until it ends."""
        outcome = self.world.go(self.asks(), self.dies())
        while outcome is None or isinstance(outcome, Paused):
            outcome = self.takes_up() if outcome is None else self.goes_on(outcome)
        return outcome

    def asks(self):
        stops = self.breakpoints()
        hold = self.one_of("pause", "entry", None, None)
        if hold is None and self.one_of(True, False):
            self.world.asked[self.world.waits + self.one_of(1, 2, 4, 8)] = Control(
                hold="pause", breakpoints=stops
            )
        return Control(hold=hold, breakpoints=stops)

    def breakpoints(self):
        ids = sorted(self.world.plan.stages)
        chosen = self.draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))
        on_error = self.draw(st.lists(st.sampled_from(ids), max_size=2, unique=True))
        return Breakpoints(dict.fromkeys(chosen), frozenset(on_error), self.one_of(False, True))

    def dies(self):
        after = self.one_of(None, 0, 1, 3, 9)
        return None if after is None else len(self.world.records) + after

    def takes_up(self):
        self.world.now += self.one_of(0, 7, 5000)
        kept = self.one_of(True, False) or self.world.control.only is not None
        return self.world.go(None if kept else self.asks(), self.dies())

    def goes_on(self, paused):
        if self.one_of(True, False):
            return self.steps(paused)
        if self.one_of(True, False):
            self.world.control = Control(breakpoints=self.breakpoints())
        return self.world.resume(paused, self.dies())

    def steps(self, paused):
        known = set(self.begun())
        outcome = self.world.step(paused, self.dies())
        if outcome is None:
            outcome = self.world.go()
        assert len(set(self.begun()) - known) <= 1
        return outcome

    def begun(self):
        return [key for key, id in self.world.keys.items() if self.world.rows[id]["started_at"]]


@patient
@each_theme
def test_run_that_is_halted_at_random_is_what_the_contract_says(theme):
    @examples(20)
    @given(documents(theme), st.data())
    def check(document, data):
        reference, ending = judged(document)
        world = HaltedWorld(plan_of(document), INPUT)

        outcome = Person(world, data.draw).debug()

        assert not differences(world, outcome, reference.claims, ending)
        assert not [row for row in world.rows.values() if row["completed_at"] is None]

    check()
