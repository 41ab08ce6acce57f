"""Looking back at runs over HTTP (contract 05, Snapshots)."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

import config
from app.core.ids import new_id
from app.infra.database import database
from app.models import Run, RunEvent
from app.services.runs import drive
from tests.api.conftest import problem

PATH = "/api/v1/time-travel"


def stage(id: str, kind: str, *needs: str, **members: object) -> dict:
    return {"id": id, "component_type": kind, "depends_on": list(needs), "config": members}


TWO = (
    stage("a", "json_transform", data={"n": "{{ input.n }}", "password": "p"}),
    stage("b", "json_transform", data="{{ upstream.a.result.n + 1 }}"),
)


@pytest.fixture
def ran(client):
    """Runs a pipeline of these stages to its end; gives the run."""

    def ran(*stages: dict, input: dict | None = None) -> dict:
        document = {"name": f"p{new_id('req')[4:]}", "stages": list(stages)}
        assert client.post("/api/v1/pipelines", json=document).status_code == 201
        body = {"pipeline_id": document["name"], "input": input or {}}
        run = client.post("/api/v1/runs", json=body).json
        drive.advance_run()
        return client.get(f"/api/v1/runs/{run['id']}").json

    return ran


@pytest.fixture
def timeline(client):
    def timeline(run: dict) -> dict:
        return client.get(f"{PATH}/{run['id']}/timeline").json

    return timeline


@pytest.fixture
def opened(client, timeline):
    """The states of a run, in order."""

    def opened(run: dict) -> list[dict]:
        ids = [entry["id"] for entry in timeline(run)["entries"]]
        return [client.get(f"{PATH}/{run['id']}/snapshots/{id}").json for id in ids]

    return opened


@pytest.fixture
def count_queries(monkeypatch):
    """The statements of a with block."""

    @contextlib.contextmanager
    def count_queries():
        told, original = [], type(database.obj).execute_sql

        def execute_sql(self, sql, params=None):
            told.append(sql)
            return original(self, sql, params)

        with monkeypatch.context() as patched:
            patched.setattr(type(database.obj), "execute_sql", execute_sql)
            yield told

    return count_queries


def test_timeline_tells_each_end_in_order(ran, timeline):
    run = ran(*TWO, input={"n": 1})

    told = timeline(run)

    assert [(e["seq"], e["snapshot_type"], e["stage_id"]) for e in told["entries"]] == [
        (0, "run_start", None),
        (1, "stage_complete", "a"),
        (2, "stage_complete", "b"),
    ]
    assert [e["is_current"] for e in told["entries"]] == [False, False, True]
    assert [e["has_output"] for e in told["entries"]] == [False, True, True]
    assert told["entries"][2]["output_preview"].startswith('{"result":2')
    assert told["total_snapshots"] == 3
    assert told["total_duration_ms"] == run["duration_ms"]
    assert (told["current_index"], told["can_step_back"], told["can_step_forward"]) == (
        2,
        True,
        False,
    )
    assert told["current_snapshot_id"] == told["entries"][2]["id"]


def test_states(ran, opened):
    start, a, b = opened(ran(*TWO, input={"n": 1}))

    assert start["input"] == {"n": 1}
    assert start["pending_stages"] == ["a", "b"]
    assert start["accumulated_outputs"] == start["variables"] == {}
    assert a["stage_input"] == {"data": {"n": 1, "password": "***"}}
    assert a["stage_output"]["result"] == {"n": 1, "password": "p"}
    assert b["stage_input"] == {"data": 2}
    assert b["accumulated_outputs"] == {"a": a["stage_output"], "b": b["stage_output"]}
    assert (b["completed_stages"], b["pending_stages"]) == (["a", "b"], [])


def test_states_in_a_loop(ran, opened):
    run = ran(
        stage("x", "json_transform", data=[5, 6]),
        stage("each", "foreach", items="{{ upstream.x.result }}", loop_stages=["s", "t"]),
        stage("s", "variable_set", name="v", value="{{ item }}"),
        stage("t", "json_transform", "s", data="{{ [vars.v, context.index] }}"),
    )

    states = opened(run)

    assert [s["stage_id"] for s in states] == [None, "x", "s", "t", "s", "t", "each"]
    assert states[5]["stage_input"] == {"data": [6, 1]}
    assert {*states[5]["accumulated_outputs"]} == {"x", "s", "t"}
    assert [s["variables"] for s in states[2:]] == [
        {"v": 5},
        {"v": 5},
        {"v": 6},
        {"v": 6},
        {"v": 6},
    ]
    assert {*states[6]["accumulated_outputs"]} == {"x", "each"}
    assert states[6]["stage_input"]["items"] == [5, 6]


def test_secrets_of_a_stage_input_are_blanked_at_any_depth(ran, opened):
    run = ran(stage("a", "json_transform", data=[{"api_key": "{{ input.k }}"}]), input={"k": "s3"})

    assert opened(run)[1]["stage_input"] == {"data": [{"api_key": "***"}]}


def test_skipped_and_failed_stages_have_neither_input_nor_output_but_their_error(ran, opened):
    skipped = stage("a", "json_transform", data=1) | {"when": "false"}
    failing = stage("b", "json_transform", data="{{ input.none.deep }}")

    _, a, b = opened(ran(skipped, failing))

    assert (a["snapshot_type"], a["stage_input"], a["stage_output"]) == (
        "stage_skipped",
        None,
        None,
    )
    assert (b["snapshot_type"], b["stage_input"], b["stage_output"]) == ("stage_failed", None, None)
    assert b["error"]["type"] == "EXPRESSION"
    assert (b["completed_stages"], b["pending_stages"]) == ([], [])


def test_snapshots_are_listed_oldest_first_page_by_page(client, ran):
    run = ran(*TWO, input={"n": 1})
    path = f"{PATH}/{run['id']}/snapshots"

    first = client.get(path, query_string={"limit": 2, "count": "true"}).json
    second = client.get(path, query_string={"limit": 2, "cursor": first["next"]}).json

    assert first["total"] == 3
    assert [s["seq"] for s in first["items"] + second["items"]] == [0, 1, 2]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"stage_id": "b"}, [2]),
        ({"stage_id": "none"}, []),
        ({"snapshot_type": "run_start"}, [0]),
        ({"snapshot_type": "stage_complete"}, [1, 2]),
        ({"snapshot_type": "stage_failed"}, []),
        ({"snapshot_type": "stage_complete", "stage_id": "a"}, [1]),
    ],
)
def test_snapshots_of_one_stage_or_type_are_listed(client, ran, asked, found):
    run = ran(*TWO, input={"n": 1})

    listed = client.get(f"{PATH}/{run['id']}/snapshots", query_string=asked).json

    assert [s["seq"] for s in listed["items"]] == found


def test_unknown_snapshot_type_is_refused(client, ran):
    run = ran(*TWO, input={"n": 1})

    asked = client.get(f"{PATH}/{run['id']}/snapshots?snapshot_type=none")

    assert "snapshot_type" in problem(asked, 422, "validation-failed")["errors"]


def seqs(client, run: dict, way: str, times: int, **body: str) -> list[int]:
    steps = [client.post(f"{PATH}/{run['id']}/step-{way}", json=body) for _ in range(times)]
    return [step.json.get("current_index", step.status_code) for step in steps]


def test_cursor_steps_back_to_the_start_and_forward_to_the_end(client, ran, timeline):
    run = ran(*TWO, input={"n": 1})

    assert seqs(client, run, "back", 3) == [1, 0, 409]
    assert timeline(run)["current_index"] == 0
    assert not timeline(run)["can_step_back"]
    assert seqs(client, run, "forward", 3) == [1, 2, 409]


def test_step_answers_the_state_where_the_cursor_stands_now(client, ran, opened):
    run = ran(*TWO, input={"n": 1})

    there = client.post(f"{PATH}/{run['id']}/step-back").json

    state = opened(run)[1]
    moves = {"current_index": 1, "can_step_back": True, "can_step_forward": True}
    assert there == state | moves


def test_step_may_begin_at_another_snapshot(client, ran, opened):
    run = ran(*TWO, input={"n": 1})
    start = opened(run)[0]["id"]

    assert seqs(client, run, "forward", 2, from_snapshot_id=start) == [1, 1]
    body = {"from_snapshot_id": new_id("snp")}
    problem(client.post(f"{PATH}/{run['id']}/step-back", json=body), 404, "not-found")


@pytest.mark.parametrize("way", ["back", "forward"])
def test_cursor_of_a_run_that_goes_on_does_not_move(client, way):
    document = {"name": "p", "stages": list(TWO)}
    client.post("/api/v1/pipelines", json=document)
    run = client.post("/api/v1/runs", json={"pipeline_id": "p", "input": {"n": 1}}).json

    problem(client.post(f"{PATH}/{run['id']}/step-{way}"), 409, "illegal-move")


def test_paused_run_is_looked_back_at_without_disturbing_it(client, ran, timeline):
    run = ran(*TWO, input={"n": 1})
    Run.update(status="paused", completed_at=None).execute()
    before = Run.get_by_id(run["id"])

    assert seqs(client, run, "back", 1) == [1]

    after = Run.get_by_id(run["id"])
    kept = ("status", "epoch", "control", "control_seq", "event_seq")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_what_ends_while_a_state_is_read_had_not_ended_then(client, ran, opened):
    run = ran(
        stage("each", "foreach", items=[1], loop_stages=["t", "v"]),
        stage("t", "json_transform", data="{{ item }}"),
        stage("v", "variable_set", name="n", value="{{ item }}"),
    )
    before = opened(run)[1]
    ends = RunEvent.select(RunEvent.seq).where(
        RunEvent.run == run["id"], RunEvent.type == "stage_completed"
    )
    # Its event is stored between the reading of events and that of stage runs.
    RunEvent.delete().where(
        RunEvent.run == run["id"], RunEvent.seq > min(event.seq for event in ends)
    ).execute()

    state = client.get(f"{PATH}/{run['id']}/snapshots/{before['id']}").json

    assert state == before


def test_difference_of_two_snapshots(client, ran, opened):
    run = ran(
        stage("a", "json_transform", data=1),
        stage("v", "variable_set", "a", name="n", value=1),
        stage("w", "variable_set", "v", name="n", value=2),
    )
    _, a, v, w = opened(run)

    def diff(**asked: str) -> dict:
        return client.get(f"{PATH}/{run['id']}/diff", query_string=asked).json

    assert diff(**{"from": a["id"], "to": v["id"]}) == {
        "from_snapshot_id": a["id"],
        "to_snapshot_id": v["id"],
        "added_outputs": {"v": v["stage_output"]},
        "modified_outputs": {},
        "removed_outputs": [],
        "added_variables": {"n": 1},
        "modified_variables": {},
        "removed_variables": [],
        "stages_completed": ["v"],
        "duration_ms": diff(to=v["id"])["duration_ms"],
        "tokens_used": 0,
    }
    last = diff()
    assert (last["from_snapshot_id"], last["to_snapshot_id"]) == (v["id"], w["id"])
    assert last["modified_variables"] == {"n": {"old": 1, "new": 2}}
    back = diff(**{"from": w["id"], "to": a["id"]})
    assert (back["removed_outputs"], back["removed_variables"]) == (["v", "w"], ["n"])
    assert (back["added_outputs"], back["stages_completed"]) == ({}, [])


def test_difference_of_two_iterations_has_old_and_new_outputs(client, ran, opened):
    run = ran(
        stage("each", "foreach", items=[1, 1, 2], loop_stages=["t"]),
        stage("t", "json_transform", data="{{ item }}"),
    )
    _, first, second, third, _ = opened(run)
    path = f"{PATH}/{run['id']}/diff"

    same = client.get(path, query_string={"from": first["id"], "to": second["id"]}).json
    other = client.get(path, query_string={"from": second["id"], "to": third["id"]}).json

    assert same["modified_outputs"] == {}
    pair = {"old": second["stage_output"], "new": third["stage_output"]}
    assert other["modified_outputs"] == {"t": pair}


def test_difference_needs_an_earlier_snapshot(client, ran, opened):
    run = ran(*TWO, input={"n": 1})
    start, path = opened(run)[0]["id"], f"{PATH}/{run['id']}/diff"

    problem(client.get(path, query_string={"to": start}), 409, "illegal-move")
    problem(client.get(path, query_string={"to": new_id("snp")}), 404, "not-found")
    problem(client.get(path, query_string={"from": "x\0", "to": start}), 422, "validation-failed")


def test_snapshot_of_another_run_is_unknown(client, ran, opened):
    one, other = ran(*TWO, input={"n": 1}), ran(*TWO, input={"n": 1})
    foreign = opened(other)[1]["id"]

    for id in (foreign, "snp-1", new_id("snp")):
        problem(client.get(f"{PATH}/{one['id']}/snapshots/{id}"), 404, "not-found")
        asked = {"from": id}
        problem(client.get(f"{PATH}/{one['id']}/diff", query_string=asked), 404, "not-found")


def test_run_without_snapshots_has_an_empty_timeline(client, settings, ran, timeline):
    config.use(replace(settings, snapshots="off"))
    run = ran(*TWO, input={"n": 1})

    told = timeline(run)

    assert (told["entries"], told["total_snapshots"]) == ([], 0)
    assert (told["current_index"], told["current_snapshot_id"]) == (-1, None)
    assert not told["can_step_back"] and not told["can_step_forward"]
    problem(client.post(f"{PATH}/{run['id']}/step-back"), 409, "illegal-move")
    problem(client.post(f"{PATH}/{run['id']}/step-forward"), 409, "illegal-move")
    problem(client.get(f"{PATH}/{run['id']}/diff"), 409, "illegal-move")
    assert client.get(f"{PATH}/{run['id']}/snapshots").json["items"] == []


def test_what_an_answer_has_no_room_for_is_null_and_named(settings, ran, opened):
    texts = [stage(id, "variable_set", name=id, value=id * 400) for id in "abc"]
    run = ran(*texts)
    config.use(replace(settings, max_output_bytes=1000))

    last = opened(run)[-1]

    assert last["outputs_truncated"] == ["a"]
    assert [output is None for output in last["accumulated_outputs"].values()] == [
        True,
        False,
        False,
    ]
    assert last["stage_output"]["value"] == "c" * 400
    assert last["variables_truncated"] == ["c"]
    assert last["variables"] == {"a": "a" * 400, "b": "b" * 400, "c": None}


def test_output_that_an_input_refers_to_takes_no_more_room(settings, ran, opened):
    run = ran(
        stage("a", "json_transform", data="a" * 500),
        stage("b", "json_transform", data="{{ upstream.a.result }}"),
    )
    config.use(replace(settings, max_output_bytes=1000))

    last = opened(run)[-1]

    assert last["stage_input"] == {"data": "a" * 500}
    assert last["accumulated_outputs"] == {"a": None, "b": last["stage_output"]}
    assert last["outputs_truncated"] == ["a"]


def test_variables_of_a_difference_share_the_room_of_an_answer(settings, client, ran, opened):
    def sets(id: str, name: str, *needs: str) -> dict:
        return stage(id, "variable_set", *needs, name=name, value=id * 400)

    run = ran(sets("a", "one"), sets("b", "one", "a"), sets("c", "two", "b"))
    _, first, _, last = opened(run)
    config.use(replace(settings, max_output_bytes=1000))

    asked = {"from": first["id"], "to": last["id"]}
    told = client.get(f"{PATH}/{run['id']}/diff", query_string=asked).json

    assert told["added_variables"] == {"two": "c" * 400}
    assert told["modified_variables"] == {"one": {"old": None, "new": None}}
    assert told["variables_truncated"] == ["one"]


def test_input_that_an_answer_has_no_room_for_is_null_and_marked(settings, ran, opened):
    run = ran(stage("a", "json_transform", data="x" * 1500))
    config.use(replace(settings, max_output_bytes=1000))

    last = opened(run)[-1]

    assert (last["stage_input"], last["stage_input_truncated"]) == (None, True)
    assert (last["stage_output"], last["stage_output_truncated"]) == (None, True)


@pytest.mark.parametrize("place", [1, -1])
def test_state_is_opened_by_as_many_queries_whatever_was_before(
    client, ran, timeline, place, count_queries
):
    stages = [stage(f"s{n}", "json_transform", data="{{ input.n }}") for n in range(60)]
    run = ran(*stages, input={"n": 1})
    path = f"{PATH}/{run['id']}/snapshots/{timeline(run)['entries'][place]['id']}"
    client.get(path)

    with count_queries() as queries:
        assert client.get(path).status_code == 200

    assert sum("time_travel_snapshots" in sql or "stages" in sql for sql in queries) <= 3


def test_state_in_a_long_loop_is_opened_by_as_few_queries(client, ran, timeline, count_queries):
    run = ran(
        stage("each", "foreach", items=list(range(300)), loop_stages=["t"]),
        stage("t", "json_transform", data="{{ item }}"),
    )
    path = f"{PATH}/{run['id']}/snapshots/{timeline(run)['entries'][-2]['id']}"
    client.get(path)

    with count_queries() as queries:
        assert client.get(path).status_code == 200

    assert sum("time_travel_snapshots" in sql or "stages" in sql for sql in queries) <= 5


@pytest.mark.parametrize("place", [2, 4, 6])
def test_states_of_a_replay_are_those_of_its_source(client, ran, opened, place):
    run = ran(
        stage("x", "json_transform", data=[5, 6]),
        stage("each", "foreach", items="{{ upstream.x.result }}", loop_stages=["s", "t"]),
        stage("s", "variable_set", name="v", value="{{ item }}"),
        stage("t", "json_transform", "s", data="{{ [vars.v, context.index] }}"),
        stage("y", "json_transform", "each", data="{{ vars.v }}"),
    )
    source = opened(run)
    body = {"snapshot_id": source[place]["id"]}
    fork = client.post(f"{PATH}/{run['id']}/replay", json=body).json
    drive.advance_run()

    states = {(s["stage_id"], s["iteration"]): s for s in opened(fork)}

    for old in source:
        new = states[old["stage_id"], old["iteration"]]
        shown = ("accumulated_outputs", "variables", "stage_output", "completed_stages")
        assert [new[name] for name in shown] == [old[name] for name in shown], old["stage_id"]
