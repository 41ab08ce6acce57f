"""Child runs: executed in place, waited for, given up, stopped with their parent."""

from __future__ import annotations

import threading

import pytest

from app.components import built_in
from app.core import clock
from app.engine.instance import child_run_id
from app.models import Run, StageRun
from app.services.pipelines.deleting import delete_pipeline
from app.services.pipelines.documents import create_pipeline
from app.services.runs import children, claim, drive, recover, stopping
from tests.conftest import wait_until
from tests.services.runs.conftest import (
    count_write_transactions,
    drive_behind,
    row,
    seen,
    stored_types,
    tape,
    transform,
)
from tests.services.runs.test_waiting import LONG_AGO, Flaky


def sub(stage_id: str, pipeline: str, *needs: str, on_error: str = "fail", **config: object):
    """A stage that runs another pipeline."""
    return {
        "id": stage_id,
        "component_type": "subpipeline",
        "config": {"pipeline_id": pipeline, **config},
        "depends_on": list(needs),
        "on_error": on_error,
    }


def child_of(run_id: str) -> Run:
    """The one child of a run."""
    (child,) = Run.select().where(Run.parent_run_id == run_id)
    return child


@pytest.fixture
def flaky(monkeypatch):
    """An effectful component under the test's hand."""
    Flaky.calls = []
    Flaky.hold.set()
    monkeypatch.setitem(built_in()._components, "flaky", Flaky())
    return Flaky


def flaky_stage(failures: int = 0, **members: object) -> dict:
    return {
        "id": "f",
        "component_type": "flaky",
        "config": {"failures": failures},
        **members,
    }


def setter(value: str) -> dict:
    config = {"name": "who", "value": value}
    return {"id": "set", "component_type": "variable_set", "config": config}


def test_child_gives_its_output_and_is_a_run_of_its_own(run, deploy, who):
    inner = deploy(transform("double", "{{ input.n * 2 }}"))

    done = run(
        sub("s", inner, input_data={"n": "{{ input.n }}"}),
        transform("t", "{{ upstream.s.result.result + 1 }}"),
        input={"n": 20},
    )

    assert (done["status"], done["output"]["result"]) == ("completed", 41)
    child = seen(who, child_of(done["id"]).id)
    output = done["stages"][0]["output"]
    assert output == {
        "pipeline_id": child["pipeline_id"],
        "run_id": child["id"],
        "status": "completed",
        "result": {"result": 40, "fields_mapped": 0, "fields_missing": []},
        "execution_time_ms": output["execution_time_ms"],
        "error": None,
    }
    assert (child["status"], child["input"], child["parent_run_id"]) == (
        "completed",
        {"n": 20},
        done["id"],
    )
    assert child["trigger"] == {"type": "subpipeline", "id": done["id"]}
    assert child["trace_id"] == done["trace_id"]
    assert [event["type"] for event in tape(who, child["id"])][0] == "run_started"
    assert tape(who, child["id"])[0]["parent_run_id"] == done["id"]
    assert [event["seq"] for event in tape(who, child["id"])] == [1, 2, 3, 4]


def test_awaited_child_of_pure_stages_costs_two_write_transactions(deploy, start, monkeypatch):
    inner = deploy(transform("a"))
    pipeline = deploy(sub("s", inner))
    start(pipeline)
    drive.advance_run()  # plans are cached now, as in a worker that has run a while
    start(pipeline)

    writes = count_write_transactions(monkeypatch)
    drive.advance_run()

    # Claim, the stage's row before it acts, child opened, child settled, parent settled.
    assert len(writes) == 5


def test_ten_levels_run_in_one_thread_and_the_eleventh_is_refused(deploy, start, who):
    names = [deploy(transform("leaf", "deep"))]
    for _ in range(11):
        names.append(deploy(sub("s", names[-1])))

    ten = start(names[10])
    drive.advance_run()
    eleven = start(names[11])
    drive.advance_run()

    assert seen(who, ten)["status"] == "completed"
    assert Run.select().where(Run.status == "completed").count() == 11
    failed = seen(who, eleven)
    assert failed["status"] == "failed"
    cause = failed["error"]
    while cause["details"].get("cause"):
        cause = cause["details"]["cause"]
    assert cause["type"] == "CONTROL_FLOW"


def test_pipeline_that_runs_itself_is_refused(deploy, start, who):
    name = deploy(sub("s", "{{ context.pipeline_id }}"))

    run_id = start(name)
    drive.advance_run()

    assert seen(who, run_id)["error"]["type"] == "CONTROL_FLOW"


def test_unknown_pipeline_is_routing(run):
    assert run(sub("s", "nowhere"))["error"]["type"] == "ROUTING"


@pytest.mark.parametrize("waits", [True, False])
def test_pipeline_deleted_since_it_was_looked_up_is_unknown(run, deploy, who, monkeypatch, waits):
    inner, looked_up = deploy(transform("a")), children.resolve

    def resolve(caller, reference):
        version = looked_up(caller, reference)
        delete_pipeline(who, reference)
        return version

    monkeypatch.setattr(children, "resolve", resolve)

    done = run(sub("s", inner, wait_for_completion=waits))

    assert (done["status"], done["error"]["type"]) == ("failed", "ROUTING")
    assert Run.select().where(Run.parent_run_id == done["id"]).count() == 0


def test_pipeline_of_another_organisation_is_unknown(run, stranger, deploy, monkeypatch):
    create_pipeline(stranger, {"name": "theirs", "stages": [transform("a")]})

    assert run(sub("s", "theirs"))["error"]["type"] == "ROUTING"


def test_named_version_runs(run, deploy):
    inner = deploy(transform("a", "first"))

    done = run(sub("s", inner, pipeline_version="1.0.0"), transform("t", "{{ upstream.s.status }}"))

    assert done["status"] == "completed"
    assert run(sub("s", inner, pipeline_version="9.9.9"))["error"]["type"] == "ROUTING"


def test_input_that_the_child_refuses_fails_the_stage(run, deploy):
    inner = deploy(transform("a"), input_schema={"type": "object", "required": ["url"]})

    error = run(sub("s", inner))["error"]

    assert (error["type"], list(error["details"]["errors"])) == ("VALIDATION", ["/input/url"])


def test_child_that_fails_fails_the_stage_with_its_cause(run, deploy):
    inner = deploy(transform("a", "{{ input.nope }}"))

    done = run(sub("s", inner))

    error = done["error"]
    assert (error["type"], error["stage_id"]) == ("EXECUTION", "s")
    assert error["details"]["cause"]["type"] == "EXPRESSION"
    assert error["details"]["child_run_id"] == child_of(done["id"]).id


def test_child_that_may_fail_gives_the_default_result(run, deploy):
    inner = deploy(transform("a", "{{ input.nope }}"))
    stage = sub("s", inner, default_result={"empty": True})
    stage["config"]["on_error"] = "continue"

    output = run(stage)["output"]

    assert (output["status"], output["result"]) == ("failed", {"empty": True})
    assert output["error"]["type"] == "EXPRESSION"


def test_variables_are_copied_in_unless_isolated_and_never_out(run, deploy):
    inner = deploy(
        transform("had", '{{ vars.who | default("nobody") }}'),
        setter("child"),
        output_stage_id="had",
    )

    done = run(
        setter("parent"),
        sub("copied", inner),
        sub("alone", inner, isolated=True),
        sub("apart", inner, inherit_context=False),
        transform(
            "t",
            [
                "{{ upstream.copied.result.result }}",
                "{{ upstream.alone.result.result }}",
                "{{ upstream.apart.result.result }}",
                "{{ vars.who }}",
            ],
        ),
    )

    assert done["output"]["result"] == ["parent", "nobody", "nobody", "parent"]


def test_child_that_is_not_awaited_goes_its_own_way(run, deploy, who, bells):
    inner = deploy(transform("a"))

    done = run(sub("s", inner, async_execution=True))

    assert (done["output"]["status"], done["output"]["result"]) == ("pending", None)
    child = child_of(done["id"])
    assert child.status == "pending"
    drive.advance_run()
    assert seen(who, child.id)["status"] == "completed"


def test_children_of_a_parallel_loop_are_executed_at_once(deploy, start, flaky, who):
    inner = deploy(flaky_stage())
    flaky.hold.clear()
    items = {"items": [1, 2, 3], "loop_stages": ["s"], "parallel": True}
    each = {"id": "each", "component_type": "foreach", "config": items}
    run_id = start(deploy(each, sub("s", inner), max_concurrency=1))
    driver = drive_behind()

    wait_until(lambda: len(flaky.calls) == 3)  # waiting for children takes no place of the run's
    flaky.hold.set()
    driver.join(20)

    done = seen(who, run_id)
    assert [result["status"] for result in done["output"]["results"]] == ["completed"] * 3


def test_child_out_of_time_is_cancelled_and_the_stage_times_out(run, deploy, flaky):
    inner = deploy(flaky_stage())
    flaky.hold.clear()

    done = run(sub("s", inner, timeout_ms=200))
    flaky.hold.set()

    assert (done["error"]["type"], done["error"]["retryable"]) == ("TIMEOUT", True)
    child = child_of(done["id"])
    assert child.status == "cancelled"
    assert StageRun.get(StageRun.run == child.id).status == "cancelled"
    assert stored_types(child.id)[-1] == "run_cancelled"


def test_retried_stage_starts_a_child_of_its_own(run, deploy, flaky):
    inner = deploy(flaky_stage(1))
    stage = sub("s", inner)
    stage["retry"] = {"max_attempts": 2, "initial_delay_ms": 0, "retry_on": ["EXECUTION"]}

    done = run(stage)

    assert done["status"] == "completed"
    statuses = [c.status for c in Run.select().where(Run.parent_run_id == done["id"])]
    assert sorted(statuses) == ["completed", "failed"]


def test_child_in_a_long_delay_parks_and_its_parent_waits_for_it(run, deploy, flaky, who, bells):
    retry = {"max_attempts": 3, "initial_delay_ms": 2000, "jitter": False}
    inner = deploy(flaky_stage(1, retry=retry))

    rung = bells()
    parked = run(sub("s", inner), transform("t", "{{ upstream.s.result.calls }}"))

    child = child_of(parked["id"])
    parent = row(parked["id"])
    assert (parent.status, parent.lease_until, parent.waiting_on) == ("running", None, child.id)
    assert (child.status, child.lease_until) == ("running", None)
    wait_until(lambda: row(child.id).wake_at <= clock.now())
    wait_until(lambda: bells() == rung + 2)  # that of the start, and the child's alarm
    drive.advance_run()  # the child, which wakes its parent
    assert (row(child.id).status, bells()) == ("completed", rung + 3)
    drive.advance_run()
    done = seen(who, parked["id"])
    assert (done["status"], done["output"]["result"]) == ("completed", 2)
    assert done["stages"][0]["attempt"] == 1
    assert stored_types(done["id"]).count("stage_started") == 2
    assert "execution_resumed" not in stored_types(done["id"])


def test_parent_whose_child_ended_while_it_parked_goes_on(run, deploy, flaky, who, monkeypatch):
    retry = {"max_attempts": 3, "initial_delay_ms": 2000, "jitter": False}
    inner = deploy(flaky_stage(1, retry=retry))
    open_ones = children.journal_sql.open_ones
    ended = []

    def end_it_first(run_ids):
        if not ended:
            ended.extend(run_ids)
            stopping.stop_run(run_ids[0])
        return open_ones(run_ids)

    monkeypatch.setattr(children.journal_sql, "open_ones", end_it_first)

    done = run(sub("s", inner))

    assert done["status"] == "failed"
    assert done["error"]["message"] == "The child run was cancelled."


def test_parked_parent_is_out_of_time_for_its_child(run, deploy, flaky, who):
    retry = {"max_attempts": 3, "initial_delay_ms": 60000, "jitter": False}
    inner = deploy(flaky_stage(1, retry=retry))

    parked = run(sub("s", inner, timeout_ms=1500))

    wait_until(lambda: row(parked["id"]).wake_at <= clock.now())
    drive.advance_run()
    assert seen(who, parked["id"])["error"]["type"] == "TIMEOUT"
    assert child_of(parked["id"]).status == "cancelled"


def test_stopped_parked_parent_stops_the_child_that_it_awaits(run, deploy, flaky, who):
    retry = {"max_attempts": 3, "initial_delay_ms": 60000, "jitter": False}
    inner = deploy(flaky_stage(1, retry=retry))
    parked = run(sub("s", inner), transform("t", 1, depends_on=["s"]))

    stopping.stop_run(parked["id"])

    assert (row(parked["id"]).status, child_of(parked["id"]).status) == ("cancelled", "cancelled")
    assert [s["status"] for s in seen(who, parked["id"])["stages"]] == ["cancelled", "cancelled"]
    assert stored_types(parked["id"])[-1] == "run_cancelled"


def test_stopped_parent_stops_the_child_that_its_thread_executes(deploy, start, flaky, who):
    inner = deploy(flaky_stage())
    flaky.hold.clear()
    run_id = start(deploy(sub("s", inner)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    stopping.stop_run(run_id)
    claim.beat()
    driver.join(10)
    flaky.hold.set()

    assert (row(run_id).status, child_of(run_id).status) == ("cancelled", "cancelled")


def test_stopped_child_fails_the_stage_of_its_parent(deploy, start, flaky, who):
    inner = deploy(flaky_stage())
    flaky.hold.clear()
    run_id = start(deploy(sub("s", inner)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    stopping.stop_run(child_of(run_id).id)
    claim.beat()
    driver.join(10)
    flaky.hold.set()

    assert child_of(run_id).status == "cancelled"
    assert seen(who, run_id)["error"]["type"] == "EXECUTION"


def test_owner_out_of_time_cancels_the_child_of_its_body(run, deploy, flaky):
    inner = deploy(flaky_stage())
    flaky.hold.clear()

    done = run(
        {"id": "p", "component_type": "parallel", "config": {"tasks": ["s"], "timeout": 0.3}},
        sub("s", inner),
    )
    flaky.hold.set()

    assert done["error"]["type"] == "TIMEOUT"
    assert child_of(done["id"]).status == "cancelled"


def test_crashed_parent_and_child_go_on_where_they_were(deploy, start, flaky, who, monkeypatch):
    inner = deploy(flaky_stage(), transform("g", "{{ upstream.f.calls }}"))
    flaky.hold.clear()
    run_id = start(deploy(sub("s", inner), transform("t", "{{ upstream.s.result.result }}")))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    Run.update(lease_until=LONG_AGO).execute()  # as if the process had died

    assert recover.sweep() == 2
    flaky.hold.set()
    driver.join(10)
    for _ in range(4):
        drive.advance_run()

    done = seen(who, run_id)
    assert (done["status"], done["output"]["result"]) == ("completed", 2)
    assert Run.select().where(Run.parent_run_id == run_id).count() == 1
    assert len(set(flaky.calls)) == 1


def test_deploy_hands_back_parent_and_child(deploy, start, flaky, who, monkeypatch):
    monkeypatch.setattr(drive, "STOP_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(drive, "stopping", threading.Event())
    inner = deploy(flaky_stage())
    flaky.hold.clear()
    run_id = start(deploy(sub("s", inner)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)

    drive.stop_driving()
    driver.join(10)

    assert (row(run_id).status, child_of(run_id).status) == ("pending", "pending")
    monkeypatch.setattr(drive, "stopping", threading.Event())
    flaky.hold.set()
    for _ in range(4):
        drive.advance_run()
    assert seen(who, run_id)["status"] == "completed"
    assert Run.select().where(Run.parent_run_id == run_id).count() == 1


def test_id_of_a_child_is_that_of_its_stage_run_and_failures(run, deploy):
    done = run(sub("s", deploy(transform("a"))))

    stage = StageRun.get(StageRun.run == done["id"])
    assert child_of(done["id"]).id == child_run_id(stage.id, 0, clock.to_ms(stage.started_at))


def test_lost_parent_that_was_to_stop_stops_the_child_that_it_awaited(
    deploy, start, flaky, monkeypatch
):
    inner = deploy(flaky_stage())
    flaky.hold.clear()
    run_id = start(deploy(sub("s", inner)))
    driver = drive_behind()
    wait_until(lambda: flaky.calls)
    Run.update(lease_until=LONG_AGO, control="stop").where(Run.id == run_id).execute()
    Run.update(lease_until=LONG_AGO).where(Run.parent_run_id == run_id).execute()

    recover.sweep()

    flaky.hold.set()
    driver.join(10)
    assert (row(run_id).status, child_of(run_id).status) == ("cancelled", "cancelled")
    stage = StageRun.get(StageRun.run == run_id)
    assert (stage.status, stored_types(run_id)[-1]) == ("cancelled", "run_cancelled")
