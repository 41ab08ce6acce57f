"""The tests that `fm ci` has carried out, one for each recorded run, and what came of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from app.cli.client import Client
from app.cli.comparing.comparison import Comparison, Terms, compare
from app.cli.comparing.reading import read_run
from app.cli.output import one_line
from app.cli.testing.asking import PATH
from app.cli.testing.telling import reasons
from app.cli.testing.waiting import wait_for_results
from app.core.wire import JSON

_TIMEOUT_MS = 600_000  # the longest that a test may have: recorded runs had no limit


def terms_of(
    client: Client, document: dict[str, JSON], allowed: Collection[str], live: Collection[str]
) -> Terms:
    """What a changed document, which is valid, is compared by."""
    plan = client.post("/api/v1/pipelines/validate", document)["plan"]
    order = [stage["id"] for stage in document["stages"]]
    return Terms(order, _givers(document, plan), allowed, live)


def _givers(document: dict[str, JSON], plan: dict[str, Any]) -> set[str]:
    """The stages from which the output of a run is taken: `return`, and the output stage or, when
    none is named, those on which no other depends."""
    returns = {s["id"] for s in document["stages"] if s["component_type"] == "return"}
    if document.get("output_stage_id"):
        return returns | {document["output_stage_id"]}
    needed = {each for needs in plan["dependencies"].values() for each in needs}
    return returns | (set(plan["order"]) - needed - plan["owners"].keys())


def results_of(
    client: Client, document: dict[str, JSON], run_ids: Sequence[str], live: Collection[str]
) -> dict[str, Any]:
    """Has the document tested with each run's input and answers; the TestSuiteResult."""
    tests = [
        {"name": run_id, "from_run": run_id, "live": list(live), "timeout_ms": _TIMEOUT_MS}
        for run_id in run_ids
    ]
    body = {"document": document, "suite": {"name": document["name"], "tests": tests}}
    return wait_for_results(client, client.post(PATH, body)["test_id"])


def comparisons_of(client: Client, results: dict[str, Any], terms: Terms) -> Iterator[Comparison]:
    """Each recorded run beside its test; two runs are held at once."""
    for test in results["tests"]:
        if test["status"] == "errored":
            yield Comparison(test["name"], test, errors=list(_errors(test)))
        else:
            recorded, changed = read_run(client, test["name"]), read_run(client, test["run_id"])
            yield compare(recorded, changed, test, terms)


def _errors(test: dict[str, Any]) -> Iterator[str]:
    details = test["error"]["details"]
    if details.get("reason") != "not_mocked":
        yield from reasons(test)
        return
    stage_id = details["stage_id"]
    yield one_line(
        f"{stage_id}: nothing was recorded that could answer for this stage. Have it executed with"
        f" --live {stage_id}, or compare runs that came to it."
    )
