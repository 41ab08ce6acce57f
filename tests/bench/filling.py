"""A table of very many runs, as a busy house has it after a year, written in bulk."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from app.core import clock
from app.core.ids import derived_id, new_id
from app.infra.database import database, is_postgres
from app.models import Organization, StageRun
from app.services.identity.organizations import LOCAL_SLUG
from app.services.pipelines.documents import create_pipeline
from app.services.runs.start import start_run
from tests.bench.engine import chain, loop
from tests.conftest import administrator

YEAR_MS = 365 * 24 * 3600 * 1000
_BATCH = 20_000
_COLUMNS = (
    "id created_at org_id pipeline_id pipeline_version_id pipeline_name pipeline_version status "
    "input priority trigger_type trigger_id parent_run_id metadata breakpoints trace_id usage "
    "control_seq epoch event_seq recoveries output_bytes started_at completed_at duration_ms"
).split()
_STATUSES = (["completed", "failed", "cancelled"], [93, 5, 2])
_TRIGGERS = (["api", "schedule", "webhook", "subpipeline", "replay"], [52, 25, 14, 8, 1])
_USAGE = '{"input_tokens":10,"output_tokens":20,"total_tokens":30,"cost_usd":0.01}'


class Filled(NamedTuple):
    """What was written: the large organisation, which is local mode's, and what it has."""

    org_id: str
    busy: str  #: the id of the pipeline with a third of the runs
    quiet: str  #: the id of one with a thousandth
    parent: str  #: a run with children
    since_ms: int  #: when the oldest run was made


class _Written(NamedTuple):
    org_id: str
    pipelines: list[tuple[str, str, str]]


def fill(total: int) -> Filled:
    """Writes `total` runs of the last year: nine tenths of one organisation, in it a third of one
    pipeline; a tenth of all as one stretch of tests; few rows of rare statuses and triggers."""
    chance = random.Random(7)
    large, small, tiny = (_organization(slug) for slug in (LOCAL_SLUG, "small", "tiny"))
    since = clock.now_ms() - YEAR_MS
    parents: list[str] = []
    rows = _rows(total, since, chance, (large, small, tiny), parents)
    while batch := [row for _, row in zip(range(_BATCH), rows, strict=False)]:
        _insert(batch)
    database.execute_sql("VACUUM ANALYZE runs" if is_postgres() else "ANALYZE")
    busy, quiet = large.pipelines[0][0], large.pipelines[-1][0]
    return Filled(large.org_id, busy, quiet, parents[len(parents) // 2], since)


def _organization(slug: str) -> _Written:
    org = Organization.create(name=slug, slug=slug, is_local=slug == LOCAL_SLUG)
    who = administrator(org)
    pipelines = []
    for n in range(20):
        made = create_pipeline(who, chain(1) | {"name": f"p{n}"}).body
        version = database.execute_sql(
            f"SELECT current_version_id FROM pipelines WHERE id = '{made['id']}'"
        ).fetchone()[0]
        pipelines.append((made["id"], version, f"p{n}"))
    return _Written(org.id, pipelines)


def _rows(
    total: int, since: int, chance: random.Random, orgs: tuple[_Written, ...], parents: list[str]
) -> Iterator[tuple[Any, ...]]:
    shares = [900, 90, 10]
    weights = [300, *[40] * 18, 1]
    parent = ""
    for n in range(total):
        at = since + n * YEAR_MS // total
        org = chance.choices(orgs, shares)[0]
        pipeline = chance.choices(org.pipelines, weights)[0]
        status = chance.choices(*_STATUSES)[0]
        trigger = chance.choices(*_TRIGGERS)[0]
        if total * 0.85 < n < total * 0.95:
            org, trigger = orgs[0], "test"
        elif n < total * 0.01 and n % 1000 == 0:
            org, trigger = orgs[0], "what_if"
        if n < total * 0.2 and n % 2000 == 0:
            org, status = orgs[0], "paused"
        elif n > total - 200:
            status = "running" if n % 4 == 0 else "pending"
        run_id = derived_id("run", str(n), at_ms=at)
        child = trigger == "subpipeline" and org is orgs[0] and bool(parent)
        if org is orgs[0] and n % 1000 == 0:
            parent = run_id
            parents.append(run_id)
        yield _row(run_id, at, org.org_id, pipeline, status, trigger, parent if child else None)


def _row(
    run_id: str,
    at: int,
    org_id: str,
    pipeline: tuple[str, str, str],
    status: str,
    trigger: str,
    parent: str | None,
) -> tuple[Any, ...]:
    time = clock.text_of_ms(at)
    ended = None if status in ("pending", "running", "paused") else time
    given = (run_id, time, org_id, *pipeline, "1.0.0", status, '{"n":1}', 1, trigger, parent)
    zeros = (0, 1, 4, 0, 10)
    return (*given, parent, "{}", "[]", "0" * 32, _USAGE, *zeros, time, ended, ended and 12)


def _insert(rows: list[tuple[Any, ...]]) -> None:
    names = ", ".join(_COLUMNS)
    with database.atomic():
        if is_postgres():
            text = "".join(
                "\t".join("\\N" if value is None else str(value) for value in row) + "\n"
                for row in rows
            )
            database.cursor().copy_expert(f"COPY runs ({names}) FROM STDIN", io.StringIO(text))
        else:
            marks = ", ".join("?" * len(_COLUMNS))
            database.cursor().executemany(f"INSERT INTO runs ({names}) VALUES ({marks})", rows)


def add_loop(filled: Filled, items: int) -> str:
    """A running run of the large organisation with a loop of so many items, nine tenths of them
    done, each with an output; gives its id."""
    who = administrator(Organization.get_by_id(filled.org_id))
    create_pipeline(who, loop(items))
    run_id = start_run(who, f"loop-{items}", {"items": items}).run["id"]
    database.execute_sql(f"UPDATE runs SET status = 'running' WHERE id = '{run_id}'")
    began = clock.now_ms()
    rows = [_stage(run_id, who.org_id, "each", "foreach", "", "running", began)]
    for n in range(items):
        status = "completed" if n < items * 0.9 else "running"
        rows.append(_stage(run_id, who.org_id, "t", "json_transform", str(n), status, began + n))
    for start in range(0, len(rows), 1000):
        StageRun.insert_many(rows[start : start + 1000]).execute()
    return run_id


def _stage(
    run_id: str, org_id: str, stage_id: str, component: str, path: str, status: str, at: int
) -> dict[str, Any]:
    done = status == "completed"
    return {
        "id": new_id("stg"),
        "created_at": clock.from_ms(at),
        "org_id": org_id,
        "run": run_id,
        "stage_id": stage_id,
        "component_type": component,
        "status": status,
        "attempt": 1,
        "iteration_path": path,
        "output": {"result": path * 200, "fields_mapped": 0, "fields_missing": []}
        if done
        else None,
        "started_at": clock.from_ms(at),
        "completed_at": clock.from_ms(at) if done else None,
        "duration_ms": 0 if done else None,
    }
