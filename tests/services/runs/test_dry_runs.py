"""Nothing of a dry run leaves the house: not from bodies, not from children (contract 05)."""

from __future__ import annotations

import pytest

from app.core import wire
from app.infra import egress
from app.models import Run
from app.services.pipelines.deleting import delete_pipeline
from app.services.runs import drive
from app.services.runs.comparing import get_what_if
from tests.loopback import answer, serving
from tests.services.runs.conftest import row, seen, transform
from tests.services.runs.forks import executed, last_snapshot, snapshot_of, what_if
from tests.services.runs.test_subpipeline import sub
from tests.services.runs.test_traces import call, outside  # noqa: F401


@pytest.fixture
def server(outside):  # noqa: F811
    """A server outside that would notice; gives how many connections it has seen."""
    with serving(lambda heard: [answer(heard.target.encode())]) as server:
        yield server


@pytest.fixture
def untouched(server):
    """Judges when asked: since the last time nothing left this process or reached the server."""
    seen = [0, 0]

    def judge() -> bool:
        before = list(seen)
        seen[:] = egress.client().exchanges, len(server.requests)
        return before == seen

    return judge


def get(stage_id: str, url: str, *needs: str, **members: object) -> dict:
    return {**call(url, **members), "id": stage_id, "depends_on": list(needs)}


def children_of(run_id: str) -> list[Run]:
    return list(Run.select().where(Run.parent_run_id == run_id).order_by(Run.id))


def statuses(who, run_id: str) -> dict[str, tuple[str, str | None]]:
    stages = seen(who, run_id)["stages"]
    return {s["stage_id"]: (s["status"], s["skip_reason"]) for s in stages}


def test_calls_that_were_recorded_and_that_were_not_stay_inside(run, who, server, untouched):
    done = run(
        get("first", server.url("/{{ input.n }}")),
        get("more", server.url("/more"), "first", when="input.n > 1"),
        {
            "id": "each",
            "component_type": "foreach",
            "config": {"items": "{{ [1, input.n, 3] }}", "loop_stages": ["in"]},
        },
        get("in", server.url("/in/{{ context.item }}")),
        {"id": "again", "component_type": "retry", "config": {"task": ["try"]}},
        get("try", server.url("/try/{{ input.n }}")),
        input={"n": 1},
    )
    assert done["status"] == "completed"
    assert not untouched()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    assert result["status"] == "completed"
    assert untouched()
    assert statuses(who, result["what_if_run_id"])["more"] == ("skipped", "dry_run")
    assert not [name for name, _, _ in executed(result["what_if_run_id"]) if name == "in"]


def test_child_of_a_dry_run_is_a_what_if_of_the_child_that_was(run, deploy, who, server, untouched):
    inner = deploy(get("call", server.url("/{{ input.n }}")), transform("t", "{{ input.n }}"))
    middle = deploy(sub("deep", inner, input_data={"n": "{{ input.n }}"}))
    done = run(sub("s", middle, input_data={"n": "{{ input.n }}"}), input={"n": 1})
    (recorded,) = children_of(done["id"])
    (deepest,) = children_of(recorded.id)
    assert not untouched()

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    assert result["status"] == "completed"
    assert untouched()
    (child,) = children_of(result["what_if_run_id"])
    (inside,) = children_of(child.id)
    assert (child.trigger_type, child.trigger_id) == ("what_if", recorded.id)
    assert (inside.trigger_type, inside.trigger_id) == ("what_if", deepest.id)
    assert [name for name, _, _ in executed(inside.id)] == ["t"]
    assert {s["stage_id"]: s["reused"] for s in seen(who, inside.id)["stages"]} == {
        "call": True,
        "t": False,
    }


def test_child_tells_what_differs_from_the_child_that_was(run, deploy, who):
    inner = deploy(transform("t", "{{ input.n }}"))
    done = run(sub("s", inner, input_data={"n": "{{ input.n }}", "same": 1}), input={"n": 1})
    (recorded,) = children_of(done["id"])

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": True}})

    (child,) = children_of(result["what_if_run_id"])
    told = get_what_if(who, recorded.id, child.id)
    assert wire.dumps(told["changes"]) == '{"input":{"n":true},"vars":{}}'


def test_child_that_was_not_there_before_runs_dry(run, deploy, who, server, untouched):
    inner = deploy(get("call", server.url()), transform("t"))
    middle = deploy(sub("deep", inner))
    done = run({**sub("s", middle), "when": "input.n > 1"}, input={"n": 1})
    assert done["stages"][0]["status"] == "skipped"

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    assert result["status"] == "completed"
    assert untouched()
    (child,) = children_of(result["what_if_run_id"])
    (inside,) = children_of(child.id)
    assert (child.trigger_type, inside.trigger_type) == ("subpipeline", "subpipeline")
    assert statuses(who, inside.id)["call"] == ("skipped", "dry_run")


def test_child_of_another_pipeline_than_before_runs_dry(run, deploy, who, server, untouched):
    one, other = deploy(transform("t")), deploy(get("call", server.url()))
    done = run(sub("s", one))
    changes = {"stage_config": {"s": {"pipeline_id": other}}}

    result = what_if(who, done["id"], last_snapshot(done["id"]), changes)

    assert untouched()
    (child,) = children_of(result["what_if_run_id"])
    assert statuses(who, child.id)["call"] == ("skipped", "dry_run")


def test_child_that_is_not_waited_for_is_not_started(run, deploy, who, server, untouched):
    inner = deploy(get("call", server.url()))
    done = run(
        sub("s", inner, input_data={"n": "{{ input.n }}"}, async_execution=True), input={"n": 1}
    )
    drive.advance_run()
    assert not untouched()

    result = what_if(who, done["id"], snapshot_of(done["id"]), {"input": {"n": 2}})

    assert untouched()
    assert children_of(result["what_if_run_id"]) == []


def test_child_of_a_run_that_is_not_dry_executes_what_is_reached(run, deploy, who, server):
    inner = deploy(get("call", server.url("/{{ input.n }}")), get("same", server.url("/same")))
    done = run(sub("s", inner, input_data={"n": "{{ input.n }}"}), input={"n": 1})
    server.requests.clear()

    what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}}, dry_run=False)

    assert [heard.target for heard in server.requests] == ["/2"]


@pytest.mark.parametrize("told", [5, "a\0", "run-0", None, ["run"]])
def test_given_output_that_names_no_child_is_none(run, deploy, who, told):
    inner = deploy(transform("t", "{{ input.n }}"))
    done = run(sub("s", inner, input_data={"n": "{{ input.n }}"}), input={"n": 1})
    given = {"stage_outputs": {"s": {"run_id": told, "result": 1}}}
    first = what_if(who, done["id"], last_snapshot(done["id"]), given)["what_if_run_id"]

    result = what_if(who, first, last_snapshot(first), {"input": {"n": 2}})

    assert result["status"] == "completed"
    (child,) = children_of(result["what_if_run_id"])
    assert child.trigger_type == "subpipeline"


def test_child_whose_pipeline_was_deleted_is_still_asked_what_if(run, deploy, who):
    inner = deploy(transform("t", "{{ input.n }}"))
    done = run(sub("s", inner, input_data={"n": "{{ input.n }}"}), input={"n": 1})
    (recorded,) = children_of(done["id"])
    delete_pipeline(who, recorded.pipeline_id)

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    assert result["status"] == "completed"
    assert row(children_of(result["what_if_run_id"])[0].id).output is None


def test_variables_that_a_child_begins_with_reach_into_it(run, deploy, who):
    inner = deploy(transform("reads", "{{ vars.v }}"), transform("other"))
    done = run(
        {
            "id": "set",
            "component_type": "variable_set",
            "config": {"name": "v", "value": "{{ input.n }}"},
        },
        sub("s", inner, "set"),
        input={"n": 1},
    )

    result = what_if(who, done["id"], last_snapshot(done["id"]), {"input": {"n": 2}})

    (child,) = children_of(result["what_if_run_id"])
    assert [name for name, _, _ in executed(child.id)] == ["reads"]
    assert seen(who, child.id)["output"]["reads"]["result"] == 2


def test_failed_child_is_done_again_from_where_it_failed(run, deploy, who):
    inner = deploy(transform("a"), transform("b", "{{ 10 / input.n }}", depends_on=["a"]))
    failed = run(sub("s", inner, input_data={"n": "{{ input.n }}"}), input={"n": 0})
    assert failed["status"] == "failed"

    result = what_if(who, failed["id"], last_snapshot(failed["id"]), {"input": {"n": 5}})

    assert result["status"] == "completed"
    (child,) = children_of(result["what_if_run_id"])
    assert child.trigger_type == "what_if"
    assert [name for name, _, _ in executed(child.id)] == ["b"]
