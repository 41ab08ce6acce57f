"""What everybody who watches runs asks of the house: the socket, the stream, a waiting request."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from flask import Request, current_app, g, request

from app.api.security import identify
from app.core.errors import Unauthenticated, Unavailable
from app.core.principal import Principal
from app.infra import database
from app.services.runs import read


def this_request() -> Request:
    """The present request itself, for whoever outlives its context."""
    return request._get_current_object()  # type: ignore[attr-defined]


@contextlib.contextmanager
def visit() -> Iterator[None]:
    """A short use of the database: nobody holds a connection while it waits for a client."""
    try:
        yield
    except database.AWAY as away:
        raise Unavailable from away
    finally:
        database.release()


def heads(run_ids: Collection[str]) -> Mapping[str, tuple[int, str]]:
    """Newest stored seq and status of each run: `hub.Heads`."""
    with visit():
        return read.heads(list(run_ids))


def renewal(who: Principal | None) -> Callable[[], Principal] | None:
    """How to look once more at the credential of the present request, which admitted `who`.

    The look raises Unauthenticated. None: there is none, or nothing can end it.
    """
    if who is None or who.auth_type == "local":
        return None
    app, opened, request_id = current_app._get_current_object(), this_request(), g.request_id  # type: ignore[attr-defined]

    def renew() -> Principal:
        with app.app_context(), visit():
            g.request_id = request_id
            found = identify(opened)
        if found is None:
            raise Unauthenticated
        return found

    return renew


class Journals:
    """Runs and their stored events, read in short visits."""

    def find(self, who: Principal, run_id: str) -> Mapping[str, Any]:
        """`status` and `last_seq` of a run. Raises NotFound."""
        with visit():
            return read.get_head(who, run_id)

    def since(
        self, who: Principal, run_id: str, after_seq: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Stored events with a higher seq, in order, at most `limit`. Raises NotFound."""
        with visit():
            return read.events_since(who, run_id, after_seq, limit)
