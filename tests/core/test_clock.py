"""The one text form of a time, and what is read as one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core import clock


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T20:33:39.120Z",
        "2026-11-22t20:33:39.120z",
        "2026-11-22T21:33:39.120+01:00",
        "2026-11-22T20:33:39.120000Z",
    ],
)
def test_rfc_3339_times_are_read_as_utc(text):
    assert clock.parse(text) == datetime(2026, 11, 22, 20, 33, 39, 120_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00Z\0",
        "20300101T000000Z",
        "2030-W01-1T00:00:00Z",
        "2030-01-01 00:00:00Z",
        "2030-01-01",
        "2030-02-30T00:00:00Z",
        "٢٠٣٠-01-01T00:00:00Z",
        "",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        clock.parse(text)


def test_text_has_three_fraction_digits_and_z():
    moment = datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=UTC)

    assert clock.text(moment) == "2026-01-02T03:04:05.006Z"


def test_milliseconds_and_times_agree():
    ms = 1_795_393_523_099

    assert clock.to_ms(clock.from_ms(ms)) == ms
    assert clock.to_ms(clock.parse(clock.text_of_ms(ms))) == ms
