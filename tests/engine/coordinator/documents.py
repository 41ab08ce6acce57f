"""Documents for the "stop after every row" tests: every way in which rows come about."""

from __future__ import annotations

from tests.engine.coordinator.control_documents import caught, gates, races, returning
from tests.engine.coordinator.owner_documents import leaving, limits, losers, own_limits, owners
from tests.engine.coordinator.world import plan_of, stage


def chain():
    return plan_of(
        stage("a", value={"n": 1}),
        stage("b", "work", value="{{ upstream.a.value.n + 1 }}"),
        stage("c", "logger", message="{{ upstream.b.value }}"),
        stage("d", "work", value="{{ upstream.b }}"),
        stage("e", ("give"), after=("c",), value="{{ upstream.d.value }}"),
    )


def conditions():
    return plan_of(
        stage("a", value=0),
        stage("off", "work", when="upstream.a.value"),
        stage("behind", after=("off",)),
        stage("on", "work", when="{{ not upstream.a.value }}", value=1),
        stage("join", after=("behind", "on"), value="{{ upstream.off }}"),
    )


def retries():
    soon = {"max_attempts": 3, "initial_delay_ms": 100}
    late = {"max_attempts": 3, "initial_delay_ms": 2000}
    return plan_of(
        stage("soon", "work", fails=2, value=1, retry=soon),
        stage("late", "work", fails=1, value=2, retry=late),
        stage("worn", "work", fails=9, retry=soon, on_error="continue"),
        stage("join", value=["{{ upstream.soon }}", "{{ upstream.late }}", "{{ upstream.worn }}"]),
    )


def failing():
    return plan_of(
        stage("a"),
        stage("bad", "work", after=("a",), fails=1, error="EXECUTION"),
        stage("slow", "work", after=("a",), ms=50, value=1),
        stage("slower", "work", after=("a",), ms=20, fails=1, retry={"max_attempts": 2}),
        stage("never", "work", after=("slow",)),
        max_concurrency=3,
    )


def loops():
    return plan_of(
        stage("items", value=[[1, 2, 3], [], [4]]),
        stage(
            "outer",
            "foreach",
            items="{{ upstream.items.value }}",
            loop_stages=["first", "inner", "last"],
            parallel=True,
            max_parallel=2,
            item_variable="row",
        ),
        stage("first", "work", value="{{ context.row }}", ms="{{ 30 - index * 10 }}"),
        stage(
            "inner",
            "foreach",
            after=("first",),
            items="{{ item }}",
            loop_stages=["leaf", "seen"],
            filter_expression="item != 2",
        ),
        stage("leaf", "work", value=["{{ item }}", "{{ context.row }}", "{{ context.index }}"]),
        stage("seen", value="{{ upstream.leaf.value }} of {{ upstream.first.value }}"),
        stage("last", "work", after=("inner",), value="{{ upstream.inner.results }}"),
        stage("end", value="{{ upstream.outer }}"),
    )


def breaking():
    return plan_of(
        stage("each", "foreach", items=[1, 2, 3, 4], loop_stages=["w", "skip", "stop", "rest"]),
        stage("w", "work", value="{{ item }}"),
        stage("skip", "continue_loop", after=("w",), condition="{{ item == 1 }}"),
        stage("stop", "break_loop", after=("skip",), condition="{{ item == 3 }}", result="enough"),
        stage("rest", "work", after=("stop",), value="{{ item * 10 }}"),
        stage("end", value="{{ upstream.each }}"),
    )


def variables():
    return plan_of(
        stage("start", "variable_set", name="sum", value=0),
        stage("each", "foreach", items=[1, 2, 3], loop_stages=["w", "mine", "add", "show"]),
        stage("w", "work", value="{{ item }}"),
        stage("mine", "variable_set", name="mine", value="{{ item }}", scope="loop"),
        stage("add", "variable_set", name="sum", value="{{ vars.sum + upstream.w.value }}"),
        stage("show", "work", value=["{{ vars.sum }}", "{{ vars.mine }}"]),
        stage(
            "par",
            "foreach",
            items=[7, 8],
            loop_stages=["w2", "keep"],
            parallel=True,
        ),
        stage("w2", "work", ms="{{ 10 * item }}", value="{{ vars.sum }}"),
        stage("keep", "variable_set", name="sum", value="{{ upstream.w2.value + item }}"),
        stage("end", value=["{{ vars }}", "{{ upstream.each }}", "{{ upstream.par }}"]),
    )


def tolerant_loop():
    return plan_of(
        stage(
            "each",
            "foreach",
            items=[0, 1, 2, 3],
            loop_stages=["w", "x"],
            break_on_error=False,
            parallel=True,
            max_parallel=3,
        ),
        stage("w", "work", fails="{{ item % 2 }}", error="EXECUTION", value="{{ item }}"),
        stage("x", "work", ms="{{ 5 + item }}", value="{{ item }}"),
    )


def failing_loop():
    return plan_of(
        stage(
            "each",
            "foreach",
            items=[0, 1, 2, 3, 4, 5],
            loop_stages=["w", "v"],
            on_error="continue",
        ),
        stage("w", "work", fails="{{ index // 2 }}", error="EXECUTION", value="{{ item }}"),
        stage("v", value="{{ upstream.w }}"),
        stage("end", "work", value="{{ upstream.each }}"),
    )


def retried_loop():
    return plan_of(
        stage(
            "each",
            "foreach",
            items=[1, 2],
            loop_stages=["w", "v"],
            retry={"max_attempts": 6, "initial_delay_ms": 1500},
        ),
        stage("w", "work", fails_below_round=2, value="{{ item }}"),
        stage("v", value="{{ upstream.w.value }}"),
        stage("end", "work", value="{{ upstream.each.results }}"),
    )


def refused_attempts(items):
    """A loop that is tried again, some of whose attempts are refused before they open a body."""
    retry = {"max_attempts": 6, "initial_delay_ms": 1500, "retry_on": ["VALIDATION", "EXECUTION"]}
    return plan_of(
        stage("a", "work"),
        stage("each", "foreach", after=("a",), items=items, loop_stages=["w", "v"], retry=retry),
        stage("w", "work", fails_below_round=1, error="EXECUTION", value="{{ item }}"),
        stage("v", value="{{ upstream.w.value }}"),
        stage("end", "work", value="{{ upstream.each.results }}"),
    )


def refused_at_first():
    return refused_attempts("{{ [1, 2] if context.attempt > 1 else 5 }}")


def refused_between():
    return refused_attempts("{{ 5 if context.attempt == 2 else [context.attempt, 2] }}")


ALL = {
    maker.__name__: maker()
    for maker in (
        chain, conditions, retries, failing, loops, breaking, variables, tolerant_loop,
        failing_loop, retried_loop, owners, limits, own_limits, leaving, losers,
        refused_at_first, refused_between, gates, returning, caught, races,
    )
}  # fmt: skip
