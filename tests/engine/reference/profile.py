"""How hard random tests try: `HYPOTHESIS_PROFILE=thorough` for a night, the same few otherwise."""

from __future__ import annotations

import os

from hypothesis import settings

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def examples(count: int) -> settings:
    """So many examples, the same ones in every run; or fifty times as many, always others."""
    if THOROUGH:
        return settings(max_examples=count * 50, derandomize=False)
    return settings(max_examples=count)
