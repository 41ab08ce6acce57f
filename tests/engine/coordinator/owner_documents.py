"""Documents whose owners nest, cancel, repeat and run out of time."""

from __future__ import annotations

from tests.engine.coordinator.world import plan_of, stage


def owners():
    """Owners inside of each other: rounds, delayed openings, cancelled ones."""
    return plan_of(
        stage("a", "work"),
        stage(
            "each",
            "foreach",
            after=("a",),
            items=[0, 1, 2, 3],
            parallel=True,
            max_parallel=2,
            loop_stages=["x", "again", "y"],
        ),
        stage("x", "work", ms="{{ 10 + item }}"),
        stage("again", "retry", after=("x",), task=["pre", "tc", "flaky"], initial_delay=2),
        stage("pre", "variable_set", name="seen", value="{{ vars.seen | default(0) + 1 }}"),
        stage(
            "tc",
            "trycatch",
            after=("pre",),
            try_stages=["risky", "inner"],
            catch_stages=["heal"],
            finally_stages=["race"],
            error_scope="continue",
            max_retries=1,
            retry_delay_ms=500,
        ),
        stage("flaky", "work", after=("tc",), fails_below_round=2, value="{{ vars.seen }}"),
        stage(
            "risky", "work", fails_below_round="{{ 9 if item == 3 else 1 }}", ms="{{ 30 + item }}"
        ),
        stage("inner", "foreach", after=("risky",), items=["p", "q"], loop_stages=["leaf"]),
        stage("leaf", "work", value="{{ context.item }}"),
        stage("heal", "work", value="{{ error.type }}"),
        stage("race", "parallel", tasks=["p0", ["p1", "p2"]]),
        stage("p0", "work", ms=20, value="{{ error.type if error else null }}"),
        stage("p1", "work", ms=15),
        stage("p2", value="{{ upstream.p1 }}"),
        stage("y", "work", after=("again",), value="{{ upstream.again.result }}"),
        stage("z", "work", after=("each",), value=["{{ upstream.each }}", "{{ vars.seen }}"]),
        max_concurrency=10,
    )


def limits():
    return plan_of(
        stage("t", "timeout", task=["s1", "s2", "s3"], fallback_task=["f1", "f2"], timeout=5),
        stage("s1", "work", ms=2000),
        stage("s2", "work", after=("s1",), ms=9000),
        stage("s3", "work", after=("s2",)),
        stage("f1", "work", ms=400),
        stage("f2", "work", after=("f1",), ms=400, value="fallback"),
        stage("end", value=["{{ upstream.t.result }}", "{{ upstream.t.timed_out }}"]),
    )


def own_limits():
    """Owners whose stage has a time limit, and tries again after it."""
    again = {"max_attempts": 3, "initial_delay_ms": 1200}
    return plan_of(
        stage(
            "each",
            "foreach",
            items=[1, 2],
            loop_stages=["w"],
            timeout_ms=1000,
            retry=again,
            on_error="continue",
        ),
        stage("w", "work", ms="{{ 10 if item == 1 else 50000 }}"),
        stage("soft", "timeout", task="long", timeout=0.2, raise_on_timeout=False),
        stage("long", "work", ms=90000),
        stage("hard", "timeout", task="longer", timeout=0.3, on_error="continue"),
        stage("longer", "work", ms=90000),
        stage("tries", "trycatch", try_stages=["hardly"], catch_stages=["late"], retry=again),
        stage("hardly", "work", after=(), ms=40, fails_below_round=3),
        stage("late", "work", value="{{ error.type }}"),
        stage("end", "work", value=["{{ upstream.soft.timed_out }}", "{{ upstream.hard }}"]),
        max_concurrency=20,
    )


def leaving():
    return plan_of(
        stage("each", "foreach", items=[1, 2, 3, 4], loop_stages=["beside", "again", "rest"]),
        stage("beside", "work", ms=40, value="{{ item }}"),
        stage("again", "retry", task=["w", "on", "stop", "more", "slow"], initial_delay=0.01),
        stage("w", "work", fails_below_round="{{ item % 2 }}"),
        stage("on", "continue_loop", after=("w",), condition="{{ item == 2 }}"),
        stage("stop", "break_loop", after=("on",), condition="{{ item == 3 }}", result="out"),
        stage("more", "work", after=("stop",)),
        stage("slow", "work", after=("w",), ms=500),
        stage("rest", "work", after=("again",), value="{{ upstream.again.attempts }}"),
        stage("end", value="{{ upstream.each }}"),
    )


def losers():
    return plan_of(
        stage(
            "race",
            "parallel",
            tasks=[["fast", "won"], ["mark", "slow", "inner"]],
            wait_for_all=False,
        ),
        stage("fast", "work", ms=5, value="first"),
        stage("won", "variable_set", after=("fast",), name="winner", value="one"),
        stage("mark", "variable_set", name="winner", value="two"),
        stage("slow", "work", ms=5000),
        stage("inner", "foreach", items=[1, 2, 3], loop_stages=["leaf"], parallel=True),
        stage("leaf", "work", ms=900, retry={"max_attempts": 2}),
        stage(
            "each",
            "foreach",
            items=[0, 1, 0],
            loop_stages=["w"],
            parallel=True,
            on_error="continue",
        ),
        stage("w", "work", fails="{{ item }}", error="EXECUTION", ms="{{ 900 - 890 * item }}"),
        stage(
            "end",
            "work",
            value=["{{ upstream.race.results }}", "{{ upstream.each }}", "{{ vars }}"],
        ),
    )
