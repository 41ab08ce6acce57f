"""A worker dies before and after each write of a nested run; another one ends it the same way."""

from __future__ import annotations

from collections import Counter

import pytest

from app.components import built_in
from app.core.errors import StageError
from app.core.states import RunStatus, is_final
from app.engine.component import Component, Effect, Field, Kind
from app.models import Run, StageRun
from app.services.runs import drive, recover
from app.services.runs.children import Children
from app.services.runs.journal import Journal
from tests.services.runs.conftest import transform
from tests.services.runs.test_snapshots import is_whole
from tests.services.runs.test_waiting import LONG_AGO

UNSTEADY = ("log_id", "execution_time", "elapsed", "percent_elapsed", "run_id", "execution_time_ms")


class Died(BaseException):
    """The process is gone; nothing catches that."""


class Counted(Component):
    """Counts what it does to the world by idempotency key; fails in its first rounds."""

    type = "effect"
    effect = Effect.EFFECTFUL
    fields = {
        "value": Field(Kind.ANY),
        "fails_below_round": Field(Kind.INTEGER, default=0),
    }
    done: Counter[str] = Counter()

    def run(self, context, inputs):
        """One effect."""
        self.done[context.idempotency_key] += 1
        if context.round < inputs.fails_below_round:
            raise StageError("CONNECTIVITY", "not yet")
        return {"value": inputs.value}


def stage(stage_id: str, kind: str, *needs: str, **config: object) -> dict:
    return {
        "id": stage_id,
        "component_type": kind,
        "depends_on": list(needs),
        "config": config,
    }


INNER = (
    stage("e", "effect", value="{{ input.n }}"),
    transform("out", "{{ upstream.e.value * 10 }}"),
)


def outer(inner: str) -> list[dict]:
    """foreach, in it retry, in it trycatch, in it a child run and a parallel."""
    return [
        stage("first", "effect", value=[1, 2]),
        stage("each", "foreach", items="{{ upstream.first.value }}", loop_stages=["again"]),
        stage("again", "retry", task=["tc", "late"], initial_delay=0.01),
        stage(
            "tc",
            "trycatch",
            try_stages=["risky", "child"],
            catch_stages=["heal"],
            finally_stages=["both"],
            error_scope="continue",
        ),
        stage("risky", "effect", fails_below_round="{{ 9 if item == 2 else 0 }}"),
        stage("child", "subpipeline", "risky", pipeline_id=inner, input_data={"n": "{{ item }}"}),
        stage("heal", "effect", value="{{ error.type }}"),
        stage("both", "parallel", tasks=["p1", "p2"]),
        stage("p1", "effect", value=1),
        transform("p2", 2),
        stage("late", "effect", "tc", fails_below_round=1, value="{{ upstream.tc.status }}"),
        stage("end", "effect", "each", value="{{ upstream.each.results }}"),
    ]


@pytest.fixture
def begin(monkeypatch, deploy, start):
    """Accepts a run of the nested document; gives its id."""
    monkeypatch.setitem(built_in()._components, "effect", Counted())
    pipeline = deploy(*outer(deploy(*INNER)))

    def begin() -> str:
        Run.delete().execute()
        Counted.done = Counter()
        return start(pipeline)

    return begin


class Grim:
    """Ends the worker before or after its `at`-th write."""

    def __init__(self, monkeypatch) -> None:
        self.at, self.after, self.writes = 0, False, 0
        for owner, name in ((Journal, "flush"), (Journal, "settle"), (Children, "_open")):
            monkeypatch.setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, write):
        def dying(*arguments, **named):
            self.writes += 1
            if self.writes == self.at and not self.after:
                raise Died
            result = write(*arguments, **named)
            if self.writes == self.at:
                raise Died
            return result

        return dying


def advance_until_final(run_id: str) -> None:
    for _ in range(50):
        if is_final(status_of(run_id)):
            return
        drive.advance_run()
    raise AssertionError("the run does not end")


def status_of(run_id: str) -> RunStatus:
    return RunStatus(Run.get_by_id(run_id).status)


def outcome() -> dict:
    """Every stage run of every run, without what a crash may change."""
    depth = {run.id: "child" if run.parent_run_id else "parent" for run in Run.select()}
    rows = StageRun.select()
    return {
        (depth[row.run_id], row.stage_id, row.iteration_path, row.round, row.status): (
            row.skip_reason,
            steady(row.output),
        )
        for row in rows
    }


def steady(value):
    if isinstance(value, dict):
        return {name: steady(item) for name, item in value.items() if name not in UNSTEADY}
    return [steady(item) for item in value] if isinstance(value, list) else value


def finished_effects() -> set[str]:
    """The effects whose end stands, as RUN/STAGE/PATH/ROUND."""
    return {
        f"{row.run_id}/{row.stage_id}/{row.iteration_path}/{row.round}"
        for row in StageRun.select().where(
            StageRun.component_type == "effect",
            StageRun.completed_at.is_null(False),
            StageRun.attempt > 0,
        )
    }


def calls() -> dict[str, int]:
    """How often each effect was done, named as in `finished_effects`."""
    named = {}
    for key, times in Counted.done.items():
        run_id, stage_id, *rest = key.split("/")
        round = rest.pop()[1:] if rest and rest[-1].startswith("r") else "0"
        path = rest[0] if rest else ""
        named[f"{run_id}/{stage_id}/{path}/{round}"] = times
    return named


def test_worker_that_dies_at_any_write_is_replaced_and_the_run_ends_the_same(begin, monkeypatch):
    grim = Grim(monkeypatch)
    straight = begin()
    advance_until_final(straight)
    expected, writes = outcome(), grim.writes
    assert status_of(straight) is RunStatus.COMPLETED
    assert set(calls().values()) == {1}

    for at in range(1, writes + 1):
        for after in (False, True):
            run_id = begin()
            grim.at, grim.after, grim.writes = at, after, 0
            with pytest.raises(Died):
                advance_until_final(run_id)
            done, before = finished_effects(), calls()
            grim.at = 0
            Run.update(lease_until=LONG_AGO).where(Run.status == "running").execute()
            recover.sweep()
            advance_until_final(run_id)

            where = f"died {'after' if after else 'before'} write {at} of {writes}"
            assert outcome() == expected, where
            assert all(is_whole(run.id) for run in Run.select()), where
            assert max(calls().values()) <= 2, where
            assert all(calls()[key] == before[key] for key in done), where
