"""loop by contract 02."""

import time

import pytest

from app.core.errors import StageError
from app.engine.coercion import build_inputs
from app.engine.context import StageContext
from app.engine.operators.loop import Loop
from tests.engine.pieces import document, problems, stage


def split(*, max_output_bytes=4_194_304, **config):
    context = StageContext(run_id="r", stage_id="s", attempt=1, max_output_bytes=max_output_bytes)
    return Loop().run(context, build_inputs(Loop.fields, config))


def test_items_are_split_one_by_one_by_default():
    assert split(items=["a", {"b": 1}]) == {
        "batches": [["a"], [{"b": 1}]],
        "total_items": 2,
        "total_batches": 2,
        "has_more": False,
        "metadata": {"batch_size": 1, "start_index": 0},
    }


def test_the_last_batch_holds_the_rest():
    assert split(items=[1, 2, 3, 4, 5], batch_size=2)["batches"] == [[1, 2], [3, 4], [5]]


def test_no_items_make_no_batches():
    done = split(items=[], batch_size=3)

    assert (done["batches"], done["total_batches"], done["has_more"]) == ([], 0, False)


@pytest.mark.parametrize(
    ("most", "batches", "has_more"),
    [
        (0, [], True),
        (1, [[1, 2]], True),
        (2, [[1, 2], [3, 4]], True),
        (3, [[1, 2], [3, 4], [5]], False),
        (9, [[1, 2], [3, 4], [5]], False),
        (None, [[1, 2], [3, 4], [5]], False),
    ],
)
def test_max_iterations_limits_the_batches_and_tells_of_more(most, batches, has_more):
    done = split(items=[1, 2, 3, 4, 5], batch_size=2, max_iterations=most)

    assert (done["batches"], done["has_more"]) == (batches, has_more)
    assert (done["total_items"], done["total_batches"]) == (5, len(batches))


@pytest.mark.parametrize(
    ("start", "batches"),
    [(1, [[2, 3]]), (3, []), (7, []), (-2, [[2, 3]]), (-9, [[1, 2], [3]])],
)
def test_start_index_leaves_out_what_stands_before(start, batches):
    done = split(items=[1, 2, 3], batch_size=2, start_index=start)

    assert done["batches"] == batches
    assert done["metadata"] == {"batch_size": 2, "start_index": start}


def test_more_is_told_of_what_follows_the_start_only():
    assert split(items=[1, 2, 3], start_index=2, max_iterations=1)["has_more"] is False
    assert split(items=[1, 2, 3], start_index=1, max_iterations=1)["has_more"] is True


def test_metadata_can_be_left_out():
    assert "metadata" not in split(items=[1], include_metadata=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 0), ("batch_size", 1001), ("max_iterations", -1), ("items", {"a": 1})],
)
def test_a_constant_out_of_bounds_is_a_problem_at_save(name, value):
    raw = document(stage("a", "loop", **{"items": [], name: value}))

    assert problems(raw) == [(f"/stages/0/config/{name}", "wrong-config-type")]


def test_batches_larger_than_an_output_are_refused_before_they_are_made():
    start = time.process_time()
    with pytest.raises(StageError) as refused:
        split(items=[0] * 8_000_000)

    assert refused.value.type == "EXECUTION"
    assert time.process_time() - start < 0.5


def test_batches_that_just_fit_are_made():
    # [[0],[0],[0]] has 13 characters; what is counted never exceeds what is written
    assert len(split(items=[0, 0, 0], max_output_bytes=13)["batches"]) == 3
    assert len(split(items=[0] * 6, batch_size=6, max_output_bytes=15)["batches"]) == 1
    assert split(items=[0] * 99, max_iterations=1, max_output_bytes=20)["has_more"] is True
