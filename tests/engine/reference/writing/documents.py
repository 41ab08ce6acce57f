"""Random documents without problems, of every kind of stage that there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.engine.reference.writing.configs import Configs
from tests.engine.reference.writing.drawing import Place
from tests.engine.reference.writing.themes import (
    ERRORS,
    GATES,
    LEAVING,
    OWNERS,
    REGISTERED,
    SIMPLE,
    Theme,
)

MOST_STAGES = 15
ROOT_SIZES = (1, 3, 4, 5, 6, 7)  # what comes first is what failures shrink to
BODY_SIZES = (1, 3, 2)


class Maker(Configs):
    """Draws one document, stage by stage, owners with what they run."""

    def document(self) -> dict[str, Any]:
        root = self.body(Place(), ROOT_SIZES)
        stages = self.stages
        if self.chance(self.theme.shuffled):
            stages = self.draw(st.permutations(stages))
        document = {"name": "p", "stages": stages, "max_concurrency": self.one_of(1, 2, 4)}
        if self.chance(10):
            document["output_stage_id"] = self.one_of(*root)
        return document

    def body(self, place: Place, sizes: tuple[int, ...] = BODY_SIZES) -> list[str]:
        """The ids of a new body, each stage after those that it may refer to."""
        place = replace(place, visible=list(place.visible))
        ids: list[str] = []
        gates = []
        for _ in range(self.one_of(*sizes)):
            if ids and len(self.stages) >= MOST_STAGES:
                break
            stage = self.stage(place)
            if stage["component_type"] in GATES:
                gates.append((len(ids), stage))
            ids.append(stage["id"])
            place.visible.append(stage["id"])
        for at, stage in gates:
            self.aim(stage, ids[at + 1 :])
        return ids

    def stage(self, place: Place) -> dict[str, Any]:
        kind = self.kind(place)
        stage: dict[str, Any] = {"id": f"s{len(self.stages)}", "component_type": kind}
        self.stages.append(stage)
        if self.chance(self.theme.waiting):
            stage["depends_on"] = self.some_of(place.visible)
        if self.chance(self.theme.conditional):
            stage["when"] = self.condition(place)
        stage["config"] = getattr(self, f"make_{kind}")(place)
        if kind not in GATES and self.chance(35):
            stage["on_error"] = "continue"
        if kind in ("work", *OWNERS) and self.chance(self.theme.retrying):
            stage["retry"] = self.policy()
        return stage

    def kind(self, place: Place) -> str:
        room = len(self.stages) < MOST_STAGES - 2 and place.depth < 3
        weights = [(SIMPLE[:3], 10), (SIMPLE[3:], 3), (OWNERS, 8 if room else 0), (GATES, 3)]
        weights.append((LEAVING[:2] if place.in_loop else (), 3))
        weights.append((LEAVING[2:], 1 if self.chance(25) else 0))
        choices = [(kinds, weight) for kinds, weight in weights if self.known(kinds)]
        group = self.one_of(*(kinds for kinds, weight in choices for _ in range(weight)))
        return str(self.one_of(*self.known(group)))

    def known(self, kinds: tuple[str, ...]) -> list[str]:
        return [kind for kind in kinds if kind in self.theme.kinds and kind in REGISTERED]

    def policy(self) -> dict[str, Any]:
        return {
            "max_attempts": self.draw(st.integers(2, 3)),
            "initial_delay_ms": self.one_of(0, 5, 1500),
            "retry_on": self.draw(st.lists(st.sampled_from(ERRORS), max_size=2, unique=True)),
        }

    def inner(self, place: Place, **more: Any) -> list[str]:
        return self.body(replace(place, depth=place.depth + 1, **more))

    def task(self, ids: list[str]) -> Any:
        return ids[0] if len(ids) == 1 and self.chance(50) else ids

    def make_foreach(self, place: Place) -> dict[str, Any]:
        config = {
            "items": self.items(place),
            "loop_stages": self.inner(place, in_loop=True),
            "parallel": self.one_of(False, False, True),
            "break_on_error": self.one_of(True, False),
            "collect_results": self.one_of(True, True, False),
            "max_parallel": self.one_of(5, 1, 2),
        }
        if self.chance(20):
            config["filter_expression"] = self.one_of("item != 1", "index < input.n", "item > 0")
        if self.chance(20):
            config |= {"item_variable": "it", "index_variable": "at"}
        return config

    def make_retry(self, place: Place) -> dict[str, Any]:
        return {
            "task": self.task(self.inner(place, repeats=True)),
            "max_retries": self.one_of(1, 2),
            "initial_delay": self.one_of(0, 0.01, 2),
            "retry_on": self.draw(st.lists(st.sampled_from(ERRORS), max_size=2, unique=True)),
        }

    def make_trycatch(self, place: Place) -> dict[str, Any]:
        config: dict[str, Any] = {
            "try_stages": self.inner(place, repeats=True),
            "error_scope": self.one_of("continue", "propagate"),
            "max_retries": self.one_of(0, 0, 1),
            "retry_delay_ms": self.one_of(0, 1500),
            "catch_error_types": self.draw(
                st.lists(st.sampled_from(ERRORS), max_size=3, unique=True)
            ),
        }
        if self.chance(70):
            config["catch_stages"] = self.inner(place, has_error=True)
        if self.chance(40):
            config["finally_stages"] = self.inner(place, has_error=True)
        return config

    def make_timeout(self, place: Place) -> dict[str, Any]:
        config = {"task": self.task(self.inner(place)), "timeout": 3600}
        if self.chance(40):
            config["fallback_task"] = self.task(self.inner(place))
        return config

    def make_parallel(self, place: Place) -> dict[str, Any]:
        count = self.draw(st.integers(1, 3))
        return {
            "tasks": [self.task(self.inner(place)) for _ in range(count)],
            "on_error": self.one_of("continue", "fail_fast"),
            "return_exceptions": self.one_of(False, True),
        }


@st.composite
def documents(draw: Any, theme: Theme) -> dict[str, Any]:
    """A document; what it lacks to be one of the others is what the theme leaves out."""
    return Maker(draw, theme).document()
