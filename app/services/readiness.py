"""Whether Studio can do its work now: its database, schema and broker (contract 00, Health)."""

from __future__ import annotations

import time

import peewee

import migrations
from app.core import clock
from app.core.ids import made_at_ms
from app.core.wire import JSON
from app.infra import broker, database
from app.infra.probe import Probe
from app.models import journal_sql

PATIENCE_SECONDS = 1.5  #: for all checks together: whoever asks gives up after two
OK = "ok"


def check() -> tuple[bool, dict[str, JSON]]:
    """Whether requests can be served, and what each check found: `ok` or a sentence.

    An absent broker is told and refuses nothing: what is accepted meanwhile starts when it is back.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    asked = _database.ask(), _broker.ask()
    try:
        found = asked[0].result(max(0.0, give_up_at - time.monotonic()))
    except (TimeoutError, peewee.PeeweeException, *database.AWAY):
        found = {
            "database": "The database does not answer.",
            "migrations": "Unknown: the database does not answer.",
            "oldest_pending_seconds": None,
        }
    try:
        heard = asked[1].result(max(0.0, give_up_at - time.monotonic()))
    except TimeoutError:
        heard = False
    checks = {**found, "broker": OK if heard else "The broker does not answer; runs wait for it."}
    return checks["database"] == checks["migrations"] == OK, checks


def _look() -> dict[str, JSON]:
    try:
        lacking = _schema()
        oldest = None if lacking else journal_sql.oldest_pending()
    finally:
        database.release()
    return {
        "database": OK,
        "migrations": lacking or OK,
        "oldest_pending_seconds": oldest and max(0, (clock.now_ms() - made_at_ms(oldest)) // 1000),
    }


def _schema() -> str | None:
    """What is wrong with the schema, as a sentence."""
    try:
        applied = migrations.applied()
    except peewee.ProgrammingError:
        applied = set()
    except peewee.OperationalError as error:
        if "no such table" not in str(error):
            raise
        applied = set()
    if missing := sorted(migrations.known() - applied):
        return f"Not applied yet: {', '.join(missing)}."
    if unknown := sorted(applied - migrations.known()):
        return f"Applied by a newer release: {', '.join(unknown)}."
    return None


_database = Probe(_look)
_broker = Probe(broker.answers)
