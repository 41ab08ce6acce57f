"""A hub in the test's own process, for requests through the WSGI application."""

import pytest

from app.api.runs.watching import heads
from app.realtime import hub as hubs


@pytest.fixture
def own_hub(settings, monkeypatch):
    """The hub of this process for one test: its watch looks only when the bus came back."""
    made = hubs.Hub(heads, watch_seconds=3600)
    monkeypatch.setattr(hubs._Process, "hub", made)
    yield made
    made.stop()
    for thread in (made._watcher, made._subscription._reader):
        if thread is not None:
            thread.join(10)
