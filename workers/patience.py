"""What an actor does when the database goes away under it: nothing more, and no error."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from app.infra import database

log = logging.getLogger(__name__)


def while_database_is_there(act: Callable[[], object]) -> Callable[[], None]:
    """The act, given up without an error when the database goes away under it.

    What it did not write is due still, and is rung for again: by the sweep, or by the clock.
    """

    @functools.wraps(act)
    def answer() -> None:
        try:
            act()
        except database.AWAY as away:
            log.warning("the database is away: %s", away, extra={"action": "database_away"})
            database.release()

    return answer
