"""Semantic versions (SemVer 2.0.0) as texts that sort by precedence in any collation."""

from __future__ import annotations

import semver

FIRST = "1.0.0"


def sort_key(text: str) -> str:
    """A text of 0-9 and a-f that compares as the version does (SemVer 2.0.0 section 11).

    Raises ValueError when `text` is no version; the engine's validation has seen to that.
    """
    version = semver.Version.parse(text)
    numbers = "".join(_number(part) for part in (version.major, version.minor, version.patch))
    if version.prerelease is None:
        return numbers + "f"
    return numbers + "".join(_identifier(part) for part in version.prerelease.split(".")) + "0"


def following(text: str) -> str:
    """The version after `text` that promises no more: the next patch, or the release that a
    pre-release leads to."""
    version = semver.Version.parse(text)
    return str(version.finalize_version() if version.prerelease else version.bump_patch())


def _number(value: int) -> str:
    # The length first, so that 10 sorts after 9.
    return f"{len(str(value)):02x}{value}"


def _identifier(part: str) -> str:
    return f"1{_number(int(part))}" if part.isdigit() else f"2{part.encode().hex()}00"
