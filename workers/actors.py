"""The actors: one line each, named as the function they call."""

from __future__ import annotations

import dramatiq

from app.services import housekeeping
from app.services.runs import drive
from app.services.runs.testing import advancing
from workers.patience import while_database_is_there


@dramatiq.actor(queue_name="runs")
@while_database_is_there
def advance_run() -> None:
    """A run waits for a worker."""
    drive.advance_run()


@dramatiq.actor(queue_name="housekeeping")
@while_database_is_there
def keep_house() -> None:
    """An hour has passed."""
    housekeeping.keep_house()


@dramatiq.actor(queue_name="housekeeping")
@while_database_is_there
def advance_test_run() -> None:
    """A run of a test has ended, or a suite was asked for."""
    advancing.advance_test_run()
