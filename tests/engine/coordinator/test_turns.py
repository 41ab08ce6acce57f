"""What starts when: ordering, concurrency, skipping, failing, and what expressions see."""

from __future__ import annotations

from app.core.errors import StageError, Stopped
from app.core.states import StageStatus
from app.engine.instance import Cancelled, Completed, Failed, Finished, Instance, Key
from tests.engine.coordinator.world import START, HandedBack, World, plan_of, stage


def run(*stages, input=None, facts=None, **document):
    world = World(plan_of(*stages, **document), input, facts or {})
    return world, world.run()


def test_ready_stages_start_in_document_order():
    world, _ = run(stage("c", "work"), stage("a", "work"), stage("b", "work"))

    assert [id for event, id, _ in world.events if event == "stage_started"] == ["c", "a", "b"]


def test_no_more_stages_run_at_once_than_the_pipeline_allows():
    world, _ = run(*(stage(f"s{i}", "work") for i in range(7)), max_concurrency=3)

    assert world.most_at_once == 3


def test_an_owner_begins_though_every_place_is_taken():
    world, _ = run(
        stage("slow", "work", ms=50),
        stage("each", "foreach", items=[], loop_stages=["x"]),
        stage("x"),
        max_concurrency=1,
    )

    assert world.row("each")["completed_at"] == START


def test_a_waiting_owner_takes_no_place():
    world, _ = run(
        stage("each", "foreach", items=[1], loop_stages=["x"]),
        stage("x", "work"),
        max_concurrency=1,
    )

    assert world.status("x", 0) == "completed"


def test_a_falsy_when_skips_and_the_chain_behind_is_skipped():
    world, _ = run(
        stage("off", when="input.n > 3"), stage("b", after=("off",)), stage("c", after=("b",)),
        input={"n": 1},
    )  # fmt: skip

    reasons = [world.row(id)["skip_reason"] for id in "off b c".split()]
    assert reasons == ["when", "upstream_skipped", "upstream_skipped"]


def test_a_join_with_one_live_dependency_runs_and_sees_null_for_the_other():
    world, _ = run(stage("off", when="false"), stage("on"), stage("join", after=("on",),
                   value="{{ upstream.off }}"))  # fmt: skip

    assert world.output("join") == {"value": None}


def test_a_skipped_stage_tells_its_reason_once():
    world, _ = run(stage("off", when="false"))

    assert world.told("off") == ["stage_skipped"]
    assert world.records[0].data == {"reason": "when"}


def test_a_failing_when_fails_the_stage_with_expression():
    world, outcome = run(stage("a", when="input.nope"), input={})

    assert isinstance(outcome, Failed)
    assert outcome.error.type == "EXPRESSION"
    assert world.told("a") == ["stage_started", "stage_failed"]


def test_a_failing_template_names_stage_field_and_expression():
    _, outcome = run(stage("a", value="{{ input.nope }}"), input={})

    assert "'a'" in outcome.error.message
    assert "input.nope" in outcome.error.message
    assert "/value" in outcome.error.message


def test_a_failing_template_of_a_call_makes_no_call():
    world, _ = run(stage("a", "work", value="{{ input.nope }}"), input={})

    assert not world.calls


def test_a_failure_lets_running_siblings_finish_and_starts_nothing_more():
    world, outcome = run(
        stage("bad", "work", fails=1, error="EXECUTION", ms=5),
        stage("slow", "work", ms=50),
        stage("next", "work", after=("slow",)),
    )

    assert outcome == Failed(outcome.error) and outcome.error.stage_id == "bad"
    assert world.status("slow") == "completed"
    assert not world.told("next")


def test_a_run_fails_with_its_first_error():
    _, outcome = run(
        stage("late", "work", fails=1, error="EXECUTION", ms=50),
        stage("first", "work", fails=1, error="ROUTING", ms=5),
    )

    assert outcome.error.type == "ROUTING"


def test_on_error_continue_gives_the_error_as_output():
    world, outcome = run(
        stage("bad", error="EXECUTION", on_error="continue"),
        stage("b", value="{{ upstream.bad.error.type }}"),
    )

    assert outcome.output == {"value": "EXECUTION"}
    assert world.records[1].event == "stage_failed"
    assert world.records[1].data == {"continued": True}


def test_a_defect_of_a_component_is_told_generically():
    _, outcome = run(stage("a", defect=True))

    assert outcome.error.type == "UNKNOWN"
    assert "secret" not in outcome.error.message


def test_the_context_tells_run_stage_and_attempt():
    world, _ = run(stage("a", value="{{ context }}"), facts={"trace_id": "t"})

    assert world.output("a")["value"] == {
        "run_id": "run-1", "pipeline_id": "pl-1", "pipeline_name": "p", "attempt": 1,
        "pipeline_version": "1.0.0", "stage_id": "a", "trace_id": "t",
    }  # fmt: skip


def test_env_shows_only_what_the_facts_give():
    world, _ = run(stage("a", value="{{ env.A }}{{ env.B | default('-') }}"),
                   facts={"env": {"A": "x"}})  # fmt: skip

    assert world.output("a") == {"value": "x-"}


def test_one_terminal_stage_gives_the_output_of_the_run():
    world, outcome = run(stage("a"), stage("b", after=("a",), value=2))

    assert outcome.output == {"value": 2}
    assert outcome.output_stage.key == Key("b", (), 0)


def test_several_terminal_stages_give_an_object():
    _, outcome = run(stage("a", value=1), stage("b", value=2), stage("c", when="false"))

    assert outcome == Completed({"a": {"value": 1}, "b": {"value": 2}})


def test_no_completed_terminal_stage_gives_null():
    _, outcome = run(stage("a", when="false"))

    assert outcome == Completed(None)


def test_the_output_stage_rules_though_others_end_later():
    _, outcome = run(stage("a", value=1), stage("b", after=("a",)), output_stage_id="a")

    assert outcome.output == {"value": 1}


def test_a_skipped_output_stage_gives_null():
    _, outcome = run(stage("a", when="false"), stage("b"), output_stage_id="a")

    assert outcome == Completed(None)


def test_an_empty_pipeline_completes_with_null():
    _, outcome = run()

    assert outcome == Completed(None)


def test_an_output_against_the_schema_fails_the_run():
    schema = {"properties": {"value": {"type": "string"}}}
    _, outcome = run(stage("a", value=1), output_schema=schema)

    assert outcome.error.type == "VALIDATION"
    assert list(outcome.error.details["errors"]) == ["/value"]


def test_an_output_that_is_no_json_fails_the_stage():
    world = World(plan_of(stage("w", "work")))
    coordinator = world.fresh()
    [call], _ = coordinator.turn()
    coordinator.take(Finished(call.key, 1, {"x": float("nan")}))
    _, outcome = coordinator.turn()

    assert outcome.error.type == "EXECUTION"


def test_an_output_over_the_limit_fails_the_stage():
    _, outcome = run(stage("a", value="x" * 100), facts={"max_output_bytes": 50})

    assert outcome.error.type == "EXECUTION"


def test_outputs_together_over_the_limit_fail_the_stage():
    stages = stage("a", value="x" * 40), stage("b", value="y" * 40, after=("a",))
    world, outcome = run(*stages, facts={"max_run_bytes": 80})

    assert outcome.error.stage_id == "b"
    assert world.status("a") == "completed"


def test_what_was_stored_before_counts():
    _, outcome = run(stage("a", value="x"), facts={"max_run_bytes": 80, "output_bytes": 75})

    assert outcome.error.type == "EXECUTION"


def test_logs_are_stamped_and_kept_in_the_row():
    world, _ = run(stage("a", "logger", message="hello", data={"n": 1}))

    assert world.row("a")["logs"] == [
        {"at": "1970-01-01T00:16:40.000Z", "level": "info", "message": "hello", "data": {"n": 1}}
    ]


def test_an_answer_of_an_abandoned_attempt_is_dropped():
    world = World(plan_of(stage("w", "work")))
    coordinator = world.fresh()
    [call], _ = coordinator.turn()
    coordinator.drain()

    coordinator.take(Finished(call.key, call.attempt + 1, {"late": True}))

    assert coordinator.drain() == []
    assert call.key in coordinator.running


def test_a_stopping_run_starts_nothing_and_is_handed_back_when_the_last_call_is_in():
    world = World(plan_of(stage("a", "work"), stage("b", "work", after=("a",))))
    coordinator = world.fresh()
    [call], _ = coordinator.turn()

    coordinator.stopping = True
    assert coordinator.turn() == ([], None)
    coordinator.take(Finished(call.key, 1, {}))

    assert coordinator.turn() == ([], HandedBack())


def test_a_stage_that_stopped_writes_nothing():
    world = World(plan_of(stage("a", "work")))
    coordinator = world.fresh()
    [call], _ = coordinator.turn()
    coordinator.drain()
    coordinator.stopping = True

    coordinator.take(Finished(call.key, 1, error=Stopped()))

    assert coordinator.turn() == ([], HandedBack())
    assert coordinator.drain() == []


def test_cancelling_keeps_results_and_cancels_what_is_under_way():
    world = World(
        plan_of(
            stage("a"),
            stage("each", "foreach", after=("a",), items=[1, 2], loop_stages=["w"]),
            stage("w", "work"),
            stage("wait", "work", fails=1, retry={"max_attempts": 2}),
            stage("never", after=("each",)),
        )
    )
    coordinator = world.fresh()
    calls, _ = coordinator.turn()
    coordinator.take(Finished(Key("wait", (), 0), 1, error=StageError("TIMEOUT", "")))

    coordinator.cancel()
    _, outcome = coordinator.turn()
    for record in coordinator.drain():
        world.write(record)

    assert outcome == Cancelled()
    statuses = {id: world.status(id) for id in ("a", "each", "wait")}
    assert statuses == {"a": "completed", "each": "cancelled", "wait": "cancelled"}
    assert world.status("w", 0) == "cancelled"


def test_a_picture_of_a_row_holds_every_field():
    instance = Instance("i", Key("s", (1,), 2), "t", StageStatus.FAILED)
    for number, name in enumerate(("attempt", "failures", "wake_at", "started_at", "output")):
        setattr(instance, name, number + 1)
    for name in ("stage_name", "skip_reason", "input", "output_text", "error", "usage", "logs"):
        setattr(instance, name, name)
    instance.completed_at = 9

    assert instance.picture() == instance
    assert instance.picture() is not instance


def test_output_that_refers_to_one_value_many_times_is_refused_before_it_is_written():
    doubling = [stage("a", value=["x" * 1000])]
    for n in range(1, 40):
        before = "upstream.a" if n == 1 else f"upstream.s{n - 1}"
        doubling.append(stage(f"s{n}", value=f"{{{{ [{before}.value, {before}.value] }}}}"))

    _, outcome = run(*doubling, facts={"max_output_bytes": 100_000})

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "s7")


def test_inputs_that_refer_to_one_value_many_times_are_refused_before_the_call():
    many = ["{{ upstream.a.value }}"] * 200

    _, outcome = run(
        stage("a", value="x" * 1000),
        stage("b", "logger", message="m", data=many),
        facts={"max_run_bytes": 100_000},
    )

    assert (outcome.error.type, outcome.error.stage_id) == ("EXECUTION", "b")
