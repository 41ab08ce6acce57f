"""Variables are data flow: what a stage sees follows from the document, never from timing."""

from __future__ import annotations

from tests.engine.coordinator.world import World, plan_of, stage


def run(*stages, **facts):
    world = World(plan_of(*stages), facts=facts)
    world.run()
    return world


def put(name, value, id=None, **rest):
    return stage(id or f"set_{name}", "variable_set", name=name, value=value, **rest)


def test_a_variable_reaches_the_stages_behind_its_setter():
    world = run(put("x", 5), stage("a", value="{{ vars.x }}"))

    assert world.output("a") == {"value": 5}


def test_of_two_setters_the_later_in_the_document_wins():
    world = run(put("x", 1, id="one"), put("x", 2, id="two"), stage("a", value="{{ vars.x }}"))

    assert world.output("a") == {"value": 2}
    assert world.output("two")["previous_value"] == 1


def test_a_setter_later_in_the_document_is_not_seen():
    world = run(stage("a", value="{{ vars.x | default('none') }}"), put("x", 1))

    assert world.output("a") == {"value": "none"}


def test_an_existing_value_is_kept_without_overwrite():
    world = run(
        put("x", 1, id="one"),
        put("x", 2, id="two", overwrite=False),
        stage("a", value="{{ vars.x }}"),
    )

    assert world.output("a") == {"value": 1}
    assert world.output("two") == {
        "name": "x", "value": 1, "previous_value": 1, "was_set": False,
    }  # fmt: skip


def test_the_variables_a_run_begins_with_are_seen():
    world = run(stage("a", value="{{ vars.x }}"), variables={"x": 3})

    assert world.output("a") == {"value": 3}


def loop(**config):
    return stage("each", "foreach", items=[1, 2, 3], **config)


def test_sequential_iterations_see_what_earlier_ones_wrote():
    world = run(
        put("x", 0),
        loop(loop_stages=["add"]),
        put("x", "{{ vars.x + item }}", id="add"),
        stage("end", value="{{ vars.x }}"),
    )

    assert world.output("end") == {"value": 6}


def test_parallel_iterations_see_only_what_was_before_and_are_applied_in_item_order():
    world = run(
        put("x", 10),
        loop(loop_stages=["w", "add"], parallel=True, max_parallel=2),
        stage("w", "work", ms="{{ 50 - item * 10 }}"),
        put("x", "{{ vars.x + item }}", id="add"),
        stage("end", value="{{ vars.x }}"),
    )

    assert [world.output("add", i)["previous_value"] for i in range(3)] == [10, 10, 10]
    assert world.output("end") == {"value": 13}


def test_a_loop_variable_stays_in_its_iteration():
    world = run(
        loop(loop_stages=["mine", "show"]),
        put("mine", "{{ item }}", id="mine", scope="loop", overwrite=False),
        stage("show", value="{{ vars.mine }}"),
        stage("end", value="{{ vars.mine | default('gone') }}"),
    )

    assert [world.output("show", i)["value"] for i in range(3)] == [1, 2, 3]
    assert world.output("end") == {"value": "gone"}


def test_a_loop_variable_leaves_a_body_within_the_iteration():
    world = run(
        loop(loop_stages=["again", "show"]),
        stage("again", "retry", task=["mine"]),
        put("mine", "{{ item }}", id="mine", scope="loop"),
        stage("show", value="{{ vars.mine }}"),
    )

    assert world.output("show", 2) == {"value": 3}


def test_a_loop_variable_hides_another_of_its_name_in_its_iteration_only():
    world = run(
        loop(loop_stages=["kept", "again", "show"]),
        put("x", "{{ item }}", id="kept"),
        stage("again", "retry", task=["mine"]),
        put("x", "mine", id="mine", scope="loop"),
        stage("show", value="{{ vars.x }}"),
        stage("end", value="{{ vars.x }}"),
    )

    assert [world.output("show", i)["value"] for i in range(3)] == ["mine"] * 3
    assert [world.output("kept", i)["previous_value"] for i in range(3)] == [None, 1, 2]
    assert world.output("end") == {"value": 3}


def test_what_was_written_before_a_loop_was_left_stands_also_in_a_body_of_the_iteration():
    world = run(
        loop(loop_stages=["again"]),
        stage("again", "retry", task=["x", "on", "never"]),
        put("x", "{{ item }}", id="x"),
        stage("on", "continue_loop", after=("x",), condition=True),
        put("x", "never", id="never"),
        stage("end", value="{{ vars.x }}"),
    )

    assert [world.output("x", i)["previous_value"] for i in range(3)] == [None, 1, 2]
    assert world.output("end") == {"value": 3}


def test_a_later_pass_sees_what_the_failed_one_wrote():
    world = run(
        stage("again", "retry", task=["count", "w"]),
        put("n", "{{ vars.n | default(0) + 1 }}", id="count"),
        stage("w", "work", after=("count",), fails_below_round=2),
        stage("end", value="{{ vars.n }}"),
    )

    assert world.output("end") == {"value": 3}


def test_a_cancelled_body_leaves_no_variable():
    world = run(
        stage("limit", "timeout", task=["mark", "slow"], fallback_task=["f"], timeout=0.1),
        put("mark", 1, id="mark"),
        stage("slow", "work", after=("mark",), ms=500),
        stage("f"),
        stage("end", value="{{ vars.mark | default('none') }}"),
    )

    assert world.output("end") == {"value": "none"}
