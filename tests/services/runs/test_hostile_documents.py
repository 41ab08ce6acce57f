"""A corpus of documents made to stall whoever reads or runs them: each is refused, or ends soon.

What bounds them are steps and sizes; the suite's own limit of a minute a test is the judge.
"""

from __future__ import annotations

import pytest

from app.core.errors import InvalidPipeline
from app.services.pipelines.documents import create_pipeline
from app.services.runs import drive, recover
from app.services.runs.start import start_run
from tests.services.runs.conftest import seen, transform


def stage(stage_id: str, kind: str, **config: object) -> dict:
    return {"id": stage_id, "component_type": kind, "config": config}


def schema(**keywords: object) -> dict:
    return stage("s", "schema_validate", data="{{ input.text }}", json_schema=keywords)


def filtered(condition: str) -> dict:
    config = {"filter_mode": "filter_array", "condition": condition}
    return stage("f", "filter", data="{{ range(10000) }}", **config)


TEXT = "a" * 50_000

#: Saved, and run to an end.
ENDS = {
    "pattern that backtracks": [schema(type="string", pattern="^(a+)+$")],
    "pattern with many choices": [schema(type="string", pattern="^(a|a|aa|aaa)*b$")],
    "pattern with wide counts": [schema(type="string", pattern="^(a{1,30}){1,30}b$")],
    "glob of many stars": [
        stage(
            "w",
            "switch_router",
            data="{{ input.text }}",
            cases=[{"value": "*a" * 200 + "*b", "route": "x"}],
            comparison_mode="glob",
        ),
        transform("x"),
    ],
    "search that multiplies": [
        stage(
            "j",
            "json_transform",
            data="{{ range(10000) }}",
            jmespath_expression="[*].[@,@,@,@][].[@,@,@,@][].[@,@,@,@][]",
        )
    ],
    "search that sorts by itself": [
        stage("j", "json_transform", data="{{ range(10000) }}", jmespath_expression="sort(@)[-1]")
    ],
    "every item an evaluation of the whole": [filtered("(range(10000) | sum) >= item")],
    "every item a failing evaluation": [filtered("range(10000) | map('a.b.c')")],
    "loop whose filter is heavy": [
        stage(
            "each",
            "foreach",
            items="{{ range(10000) }}",
            loop_stages=["t"],
            filter_expression="(range(10000) | sort | reverse | first) == index",
        ),
        transform("t"),
    ],
    "text that doubles": [
        transform("d0", "{{ input.text }}"),
        *[
            transform(f"d{n}", f"{{{{ upstream.d{n - 1}.result + upstream.d{n - 1}.result }}}}")
            for n in range(1, 20)
        ],
    ],
    "reference that multiplies": [
        transform("r0", ["{{ input.text }}"] * 50),
        *[transform(f"r{n}", [f"{{{{ upstream.r{n - 1}.result }}}}"] * 50) for n in range(1, 6)],
    ],
    "value that nests deeper and deeper": [
        transform("n0", []),
        *[transform(f"n{n}", [f"{{{{ upstream.n{n - 1}.result }}}}"]) for n in range(1, 300)],
    ],
    "batches of one": [stage("l", "loop", items="{{ range(10000) }}", batch_size=1)],
    "coercion along a schema that refers to itself": [
        stage(
            "s",
            "schema_validate",
            data="[" * 60 + "]" * 60,
            json_schema={"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
            coerce_types=True,
        )
    ],
    "races of races": [
        stage("p", "parallel", tasks=[f"q{n}" for n in range(30)]),
        *[
            stage(f"q{n}", "parallel", tasks=[f"t{n}-{m}" for m in range(30)], wait_for_all=False)
            for n in range(30)
        ],
        *[transform(f"t{n}-{m}") for n in range(30) for m in range(30)],
    ],
    "retries of retries without delay": [
        stage("r0", "retry", task="r1", max_retries=10, initial_delay=0),
        stage("r1", "retry", task="r2", max_retries=10, initial_delay=0),
        stage("r2", "retry", task="t", max_retries=10, initial_delay=0),
        transform("t", "{{ input.nope }}"),
    ],
}

#: Refused when they are saved.
REFUSED = {
    "long text that should be an array": [stage("l", "loop", items="[" * 60_000)],
    "number of many digits": [stage("l", "loop", items=[], batch_size="9" * 100_000)],
    "pattern that looks ahead": [schema(pattern="(?=a)a")],
    "pattern that refers back": [schema(pattern="(a)\\1")],
    "schema that fetches": [schema(**{"$ref": "http://127.0.0.1/schema"})],
    "schema that multiplies": [
        schema(
            **{
                "$defs": {
                    **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(9)},
                    "d9": {"type": "string"},
                },
                "$ref": "#/$defs/d0",
            }
        )
    ],
    "search without end": [stage("j", "json_transform", data=1, jmespath_expression="[" * 4000)],
    "expression without end": [transform("a", "{{ " + "(" * 4000 + " }}")],
    "power by repetition": [transform("a", "{{ 9 ** 9 }}")],
    "owners in a circle": [
        stage("a", "retry", task="b"),
        stage("b", "timeout", task="a", timeout=1),
    ],
    "attribute of the host language": [transform("a", "{{ input.__class__ }}")],
}


@pytest.mark.parametrize("name", ENDS)
def test_hostile_document_ends(name, who, bells):
    create_pipeline(who, {"name": "p", "stages": ENDS[name]})
    run_id = start_run(who, "p", {"text": TEXT}).run["id"]

    drive.advance_run()

    assert recover.sweep() == 0
    assert seen(who, run_id)["status"] in ("completed", "failed")


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_document_is_refused(name, who, bells):
    with pytest.raises(InvalidPipeline):
        create_pipeline(who, {"name": "p", "stages": REFUSED[name]})
