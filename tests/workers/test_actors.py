"""What the actors make of a bad moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import KEYS

ROOT = Path(__file__).parents[2]

# In a process of its own: loading the workers connects it to the broker for good.
PROGRAM = """
import peewee
from app.services.runs import drive
from workers import actors

def away():
    raise peewee.OperationalError("server closed the connection")

drive.advance_run = away
actors.advance_run()
"""


def test_database_that_goes_away_under_an_actor_is_a_warning_and_no_error(settings):
    environ = {
        **os.environ,
        **KEYS,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FLOWMASON_HOME": str(settings.home),
    }

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environ, capture_output=True, text=True
    )

    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 0
    assert [(line["level"], line["action"]) for line in lines] == [("warning", "database_away")]
