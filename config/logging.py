"""One JSON object a line on standard error, with the ids of what is being done.

`log.info("run claimed", extra={"action": "run_claimed"})`: prose may change, `action` may not.
"""

from __future__ import annotations

import logging
import logging.config
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

from app.core import clock
from app.core.wire import redact
from config import Settings

_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids", default={})  # noqa: B039 never changed
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MASKS = (
    (re.compile(r"(//[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),  # the password of a URL
    (re.compile(r"\bfm_[A-Za-z0-9_-]{4,}"), "fm_***"),  # an API key
)


def bind(**ids: str | None) -> None:
    """From here on in this thread or greenlet each line carries exactly these ids, such as
    `request_id`, `run_id`, `org_id`; None leaves one out."""
    _ids.set({name: value for name, value in ids.items() if value})


@contextmanager
def bound(**ids: str | None) -> Iterator[None]:
    """Adds ids to each line for the length of a with block."""
    token = _ids.set({**_ids.get(), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _ids.reset(token)


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Passwords in URLs, API keys and secret extras are blanked."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": clock.text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ids.get(),
            **redact(_extras(record)),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _masked(orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _masked(line: str) -> str:
    for secret, mask in _MASKS:
        line = secret.sub(mask, line)
    return line


def as_dict(level: str) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`; `level` is one of LOG_LEVEL's words."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "config.logging.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {
            name: {"level": "INFO" if level == "debug" else level.upper(), "propagate": True}
            for name in ("dramatiq", "gunicorn.error", "peewee", "rq_scheduler")
        },
    }


def configure(settings: Settings) -> None:
    """Makes this process log so."""
    logging.config.dictConfig(as_dict(settings.log_level))
