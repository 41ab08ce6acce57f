"""Documents of gates, early returns, caught errors and races."""

from __future__ import annotations

from tests.engine.coordinator.world import plan_of, stage


def gates():
    """Branches inside and outside of bodies, chains behind them, and joins."""
    return plan_of(
        stage("w", "work", value=7),
        stage(
            "if",
            "conditional",
            after=("w",),
            condition="{{ upstream.w.value }}",
            condition_expression="value > 5",
            true_branch_stages=["yes", "both"],
            false_branch_stages=["no", "both", "inner_if"],
        ),
        stage("yes", "work", value="yes"),
        stage("no", "work", value="no"),
        stage("both", "work", value="both"),
        stage("inner_if", "conditional", condition=True, true_branch_stages=["deep"]),
        stage("deep", "work"),
        stage("behind", "work", after=("no",)),
        stage("join", "work", after=("yes", "behind"), value="{{ upstream.no }}"),
        stage(
            "each",
            "foreach",
            after=("join",),
            items=["a", "b", "c"],
            loop_stages=["r", "x", "y", "z"],
        ),
        stage("r", "router", value="{{ item }}", routes={"a": ["x"], "b": ["y", "z"]}),
        stage("x", "work", value="x"),
        stage("y", "work", value="y"),
        stage("z", "work", after=("y",), value="z"),
        stage(
            "sw",
            "switch_router",
            after=("each",),
            data={"n": 12},
            value_path="n",
            cases=[{"value": 100, "route": "big"}, {"value": 10, "route": "some"}],
            default_route="few",
            comparison_mode="greater_than",
        ),
        stage("big", "work"),
        stage("some", "work", value="some"),
        stage("few", "work"),
        stage(
            "bad",
            "router",
            value=1,
            value_expression="value.x",
            routes={"1": ["never"]},
            on_error="continue",
        ),
        stage("never", "work"),
        stage(
            "end",
            value=[
                "{{ upstream.each.results }}",
                "{{ upstream.some }}",
                "{{ upstream.bad.error.type }}",
            ],
        ),
    )


def returning():
    """The run ends out of a body, with work under way beside it."""
    return plan_of(
        stage("slow", "work", ms=5000),
        stage(
            "beside",
            "foreach",
            items=[1, 2, 3],
            loop_stages=["b1", "b2"],
            parallel=True,
            max_parallel=2,
        ),
        stage("b1", "work", ms=50000),
        stage("b2", "work", after=("b1",), ms=4000),
        stage("each", "foreach", items=[1, 2, 3], loop_stages=["tc"]),
        stage("tc", "trycatch", try_stages=["w", "out", "rest"], finally_stages=["clean"]),
        stage("w", "work", value="{{ item * 2 }}"),
        stage(
            "out",
            "return",
            after=("w",),
            condition_expression="upstream.w.value == 4",
            return_value={"found": "{{ item }}"},
        ),
        stage("rest", "work", after=("out",)),
        stage("clean", "work"),
        stage("end", "work", after=("slow",)),
    )


def caught():
    """Each way through trycatch; what is not reached; an error in catch and in finally."""
    return plan_of(
        stage("ok", "trycatch", try_stages=["o1"], catch_stages=["o2"], finally_stages=["o3"]),
        stage("o1", "work", value=1),
        stage("o2", "work"),
        stage("o3", "work", value="{{ error }}"),
        stage(
            "typed",
            "trycatch",
            try_stages=["t1", "t2", "t3"],
            catch_stages=["t4"],
            finally_stages=["t5"],
            catch_error_types=["TIMEOUT"],
            max_retries=1,
            retry_delay_ms=1500,
            on_error="continue",
        ),
        stage("t1", "work", value=1),
        stage("t2", "work", after=("t1",), fails=9, error="EXECUTION"),
        stage("t3", "work", after=("t2",)),
        stage("t4", "work"),
        stage("t5", "work", value="{{ error.type }}"),
        stage(
            "cause",
            "trycatch",
            try_stages=["c1"],
            catch_stages=["c2"],
            catch_error_types=["CONNECTIVITY"],
            error_scope="continue",
        ),
        stage("c1", "work", fails=9, retry={"max_attempts": 2, "initial_delay_ms": 10}),
        stage("c2", "work", value="{{ error.details.cause.type }}"),
        stage(
            "again",
            "trycatch",
            try_stages=["a1"],
            catch_stages=["a2", "a4"],
            finally_stages=["a3"],
            error_scope="continue",
            on_error="continue",
        ),
        stage("a1", "work", fails=9, error="EXECUTION"),
        stage("a2", "work", fails=9, error="SECURITY"),
        stage("a4", "work", after=("a2",)),
        stage("a3", "work", value="{{ error.type }}", fails=9, error="ROUTING"),
        stage("prop", "trycatch", try_stages=["p1"], catch_stages=["p2"], on_error="continue"),
        stage("p1", "work", fails=9, error="EXECUTION"),
        stage("p2", "work", value="{{ error.message }}"),
        stage(
            "end",
            value=[
                "{{ upstream.ok }}",
                "{{ upstream.typed }}",
                "{{ upstream.cause }}",
                "{{ upstream.again }}",
                "{{ upstream.prop }}",
            ],
        ),
        max_concurrency=20,
    )


def races():
    """Each way through parallel."""
    return plan_of(
        stage("fast", "parallel", tasks=["f1", ["f2", "f3"]]),
        stage("f1", "work", ms=30, value=1),
        stage("f2", "work", ms=10, fails=9, error="EXECUTION"),
        stage("f3", "work", after=("f2",)),
        stage(
            "some",
            "parallel",
            tasks=["s1", "s2", "s3"],
            config={"on_error": "continue"},
            return_exceptions=True,
            timeout=2,
        ),
        stage("s1", "work", ms=30, value=1),
        stage("s2", "work", ms=10, fails=9, error="EXECUTION"),
        stage("s3", "work", ms=90000),
        stage("late", "parallel", tasks=["l1", "l2"], timeout=3),
        stage("l1", "work", ms=90000),
        stage("l2", "foreach", items=[1, 2, 3], loop_stages=["l3"]),
        stage("l3", "work", ms=10),
        stage("all", "trycatch", try_stages=["fast"], catch_stages=["k1"], error_scope="continue"),
        stage("k1", "work", value="{{ error.stage_id }}"),
        stage("lat", "trycatch", try_stages=["late"], catch_stages=["k2"], error_scope="continue"),
        stage("k2", "work", value="{{ error.type }}"),
        stage(
            "end",
            value=[
                "{{ upstream.all }}",
                "{{ upstream.some.results }}",
                "{{ upstream.some.errors }}",
                "{{ upstream.lat }}",
            ],
        ),
        max_concurrency=20,
    )
