"""Exit codes that a script can rely on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from app.cli.client import Unreachable
from app.cli.home import Refused
from app.cli.runs.following import StillRunning
from config import BadSettings

COMPLETED = 0
FAILED = 1
REFUSED = 2
CANCELLED = 3
NO_ANSWER = 4
INTERRUPTED = 130

#: What the end of a run means to a script.
EXITS = {"completed": COMPLETED, "failed": FAILED, "cancelled": CANCELLED}

Codes = Mapping[type[Exception], int]

#: Where 1 says that a check, or Studio, has something against it.
OF_FILES: Codes = {Unreachable: NO_ANSWER, BadSettings: REFUSED}
#: Where 1 says that the run failed.
OF_RUNS: Codes = {
    Unreachable: NO_ANSWER,
    StillRunning: NO_ANSWER,
    Refused: REFUSED,
    BadSettings: REFUSED,
}


@contextlib.contextmanager
def exiting(codes: Codes) -> Iterator[None]:
    """A refusal inside gets the exit code of its class, the first in `codes`."""
    try:
        yield
    except (Refused, BadSettings) as refused:
        code = next((codes[kind] for kind in codes if isinstance(refused, kind)), None)
        if code is not None:
            refused.exit_code = code
        raise
