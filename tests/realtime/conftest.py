"""A talk with an authenticated client."""

import pytest

from tests.realtime.fakes import Talk, caller


@pytest.fixture
def talk() -> Talk:
    """A session whose client may read runs; its run `run-1` has no events yet."""
    return Talk(caller())
