"""The reference itself: what it says of small documents is written here by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.coordinator.world import stage
from tests.engine.reference.facts import Key
from tests.engine.reference.interpreter import Interpreter
from tests.engine.reference.language.values import Undetermined
from tests.engine.reference.layout import CyclicDocument, Layout


def run(*stages: dict[str, Any], input: Any = None, **document: Any) -> tuple[Interpreter, Any]:
    reference = Interpreter({"name": "p", "stages": list(stages), **document}, input)
    return reference, reference.run()


def claimed(reference: Interpreter) -> dict[str, str]:
    """Status, or the reason for skipping, of every stage run, by a short name."""
    return {
        ".".join([key.stage_id, *map(str, key.path)]) + "'" * key.round: (
            "/".join(sorted(claim.reasons)) or claim.status
        )
        + ("" if claim.sure else "?")
        for key, claim in reference.claims.items()
    }


def test_a_chain_behind_an_untaken_branch_is_skipped_and_a_join_runs():
    reference, ending = run(
        stage("if", "conditional", condition=1, true_branch_stages=["a"],
              false_branch_stages=["b"]),
        stage("a"),
        stage("b"),
        stage("c", after=("b",)),
        stage("join", after=("a", "c"), value="{{ upstream.c }}"),
    )  # fmt: skip

    assert claimed(reference) == {
        "if": "completed", "a": "completed", "b": "branch", "c": "upstream_skipped",
        "join": "completed",
    }  # fmt: skip
    assert ending.output == {"value": None}


def test_of_two_setters_the_later_in_the_document_wins_and_a_reader_waits_for_both():
    reference, ending = run(
        stage("end", value="{{ vars.x | default(0) }}", after=("late", "early")),
        stage("early", "variable_set", name="x", value=1),
        stage("late", "variable_set", name="x", value="{{ vars.x + 1 }}"),
    )

    assert reference.layout.needs == {"end": {"early", "late"}, "early": set(), "late": {"early"}}
    assert ending.output == {"value": 2}


def test_a_reader_sees_no_setter_that_it_does_not_depend_on():
    _, ending = run(
        stage("end", value="{{ vars.x | default('none') }}"),
        stage("later", "variable_set", name="x", value=1),
        output_stage_id="end",
    )

    assert ending.output == {"value": "none"}


def test_an_iteration_that_is_broken_or_continued_skips_its_rest():
    reference, ending = run(
        stage("each", "foreach", items=[0, 1, 2, 3], loop_stages=["on", "out", "last"]),
        stage("on", "continue_loop", condition="{{ item == 1 }}"),
        stage("out", "break_loop", after=("on",), condition="{{ item == 2 }}", result="r"),
        stage("last", after=("out",), value="{{ item }}"),
    )

    assert ending.output["results"] == [{"value": 0}, None, "r"]
    assert ending.output["is_complete"] is False
    assert {name: what for name, what in claimed(reference).items() if "last" in name} == {
        "last.0": "completed", "last.1": "continue", "last.2": "break",
    }  # fmt: skip


def test_rounds_of_an_inner_body_count_on_when_the_outer_one_runs_again():
    reference, ending = run(
        stage("outer", "retry", task=["inner", "w"], max_retries=2),
        stage("inner", "retry", task=["x"], max_retries=1),
        stage("x", "work", fails_below_round=1),
        stage("w", "work", fails_below_round=1, after=("inner",)),
    )

    assert [key for key in reference.claims if key.stage_id == "x"] == [
        Key("x", (), 0), Key("x", (), 1), Key("x", (), 2),
    ]  # fmt: skip
    assert ending.output["attempts"] == 2


def test_a_caught_error_lets_the_run_go_on_and_what_was_not_reached_is_skipped():
    reference, ending = run(
        stage("t", "trycatch", try_stages=["a", "b"], catch_stages=["c"], finally_stages=["d"],
              error_scope="continue", catch_error_types=["CONNECTIVITY"]),
        stage("a", "work", fails=9, retry={"max_attempts": 2}),
        stage("b", after=("a",)),
        stage("c", value="{{ error.type }}"),
        stage("d", value="{{ error.type }}"),
    )  # fmt: skip

    assert claimed(reference) == {
        "a": "failed", "b": "not_reached", "c": "completed", "d": "completed", "t": "completed",
    }  # fmt: skip
    assert (ending.output["status"], ending.output["error_type"]) == ("caught", "RETRY_EXHAUSTED")
    assert ending.output["catch_result"] == {"value": "RETRY_EXHAUSTED"}


def test_what_stands_beside_a_failure_may_have_run_or_not():
    reference, ending = run(
        stage("before"),
        stage("bad", after=("before",), error="EXECUTION"),
        stage("beside"),
        stage("behind", after=("bad",)),
    )

    assert claimed(reference) == {"before": "completed", "bad": "failed", "beside": "completed?"}
    assert (ending.error.type, ending.error.stage_id) == ("EXECUTION", "bad")


def test_a_return_gives_the_output_of_the_run_from_anywhere():
    _, ending = run(
        stage("each", "foreach", items=[1, 2], loop_stages=["r"]),
        stage("r", "return", condition="{{ item == 2 }}", return_value=["{{ item }}"]),
        stage("end", after=("each",)),
    )

    assert ending.output == [2]


@pytest.mark.parametrize(
    "stages",
    [
        [stage("a", error="EXECUTION"), stage("b", error="ROUTING")],
        [
            stage("p", "parallel", tasks=["v", "bad"], on_error="fail_fast"),
            stage("v", "variable_set", name="x", value=1),
            stage("bad", error="EXECUTION"),
        ],
        [
            stage("bad", error="EXECUTION"),
            stage("t", "trycatch", try_stages=["bad", "v"], error_scope="continue",
                  finally_stages=["f"]),
            stage("v", "variable_set", name="x", value=1),
            stage("f", value="{{ vars.x }}"),
        ],
    ],
    ids=["two failures", "a cancelled setter", "a setter beside a failure"],
)  # fmt: skip
def test_what_time_decides_is_undetermined(stages):
    reader = stage("end", value="{{ vars.x | default(0) }}")
    for one in stages:
        if one["component_type"] in ("parallel", "trycatch"):
            one["on_error"] = "continue"

    with pytest.raises(Undetermined):
        run(*stages, reader)


def test_stages_that_wait_for_each_other_by_variables_and_references_are_a_cycle():
    stages = [
        stage("t1", "variable_set", name="x", value=1, after=("p",)),
        stage("t2", "variable_set", name="y", value=1, after=("q",)),
        stage("p", value="{{ vars.y | default(0) }}"),
        stage("q", value="{{ vars.x | default(0) }}"),
    ]

    with pytest.raises(CyclicDocument):
        Layout({"stages": stages})
