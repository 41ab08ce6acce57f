"""Variables are data flow: who waits for which setter (contract 01, Stage)."""

import pytest

from tests.engine.pieces import loop, needs, note, plan, sets, stage

READ = "{{ vars.X }}"


@pytest.mark.parametrize(
    ("stages", "reader", "expected"),
    [
        pytest.param([sets("s", "X"), note("r", text=READ)], "r", ("s",), id="earlier setter"),
        pytest.param([note("r", text=READ), sets("s", "X")], "r", (), id="later setter"),
        pytest.param([sets("s", "Y"), note("r", text=READ)], "r", (), id="other variable"),
        pytest.param(
            [sets("s", "X"), sets("t", "X"), note("r", text=READ)],
            "r",
            ("s", "t"),
            id="each setter of it",
        ),
        pytest.param(
            [sets("s", "X"), sets("t", "Y"), note("r", text="{{ vars }}")],
            "r",
            ("s", "t"),
            id="vars whole",
        ),
        pytest.param(
            [sets("s", "X"), sets("t", "Y"), note("r", text="{{ vars[input.name] }}")],
            "r",
            ("s", "t"),
            id="computed name",
        ),
        pytest.param(
            [sets("s", "X"), note("r", when="vars.X > 1")], "r", ("s",), id="in a condition"
        ),
        pytest.param([sets("s", "X"), sets("r", "X")], "r", ("s",), id="setter after setter"),
        pytest.param([sets("s", "X"), sets("r", "Y")], "r", (), id="setter of another"),
        pytest.param(
            [sets("s", "X", "r"), note("r", text=READ)], "r", (), id="setter that depends on it"
        ),
        pytest.param(
            [sets("s", "X", "m"), note("m", "r"), note("r", text=READ)],
            "r",
            (),
            id="setter that depends on it through another",
        ),
        pytest.param(
            [sets("s", "X"), stage("r", "gate", to=["s"], condition=READ)],
            "r",
            (),
            id="setter behind it as a gate",
        ),
        pytest.param(
            [loop("each", "s"), sets("s", "X"), note("r", text=READ)],
            "r",
            ("each",),
            id="setter in an owner",
        ),
        pytest.param(
            [sets("s", "X"), note("r", text=READ), loop("each", "s")],
            "r",
            (),
            id="the owner's place counts, not the setter's",
        ),
        pytest.param(
            [sets("s", "X"), loop("each", "r"), note("r", text=READ)],
            "each",
            ("s",),
            id="reader in an owner",
        ),
        pytest.param(
            [loop("each", "s", "r"), sets("s", "X"), note("r", text=READ)],
            "r",
            ("s",),
            id="both in one body",
        ),
        pytest.param(
            [loop("each", "s", "r"), sets("s", "X"), note("r", text=READ)],
            "each",
            (),
            id="an owner does not wait for what it runs",
        ),
        pytest.param(
            [
                stage("t", "attempt", first=["s"], rescue=["r"]),
                sets("s", "X"),
                note("r", text=READ),
            ],
            "r",
            (),
            id="bodies of one owner follow each other by themselves",
        ),
    ],
)
def test_variables_are_data_flow(stages, reader, expected):
    assert needs(*stages)[reader] == expected


def test_setters_are_those_reached_directly_or_through_others():
    made = plan(
        sets("s", "X"),
        loop("each", "inside"),
        sets("inside", "Y"),
        sets("unrelated", "Z"),
        note("m", "s", "each"),
        note("r", "m"),
    )

    assert made.stages["r"].setters == ("s", "each")


def test_a_body_stage_has_the_setters_of_its_own_body():
    made = plan(sets("s", "X"), loop("each", "t", "r"), sets("t", "X"), note("r", text=READ))

    assert made.stages["r"].setters == ("t",)
    assert made.stages["each"].setters == ("s",)
