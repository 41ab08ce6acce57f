"""Settings: read once from the environment, frozen, under the names the README lists.

The only room that reads `os.environ`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from config import values
from config.values import BadSettings

__all__ = [
    "BadSettings",
    "Settings",
    "as_environment",
    "check_required",
    "load",
    "settings",
    "use",
    "using",
]

LOOPBACK_EGRESS = ("127.0.0.0/8", "::1")
_BYTES = values.whole(1024, 2**40)


def _setting(variable: str, read: Callable[[str, str], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"variable": variable, "read": read})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """What the environment asked for. Sizes in bytes, times in seconds.

    `platform_port`: the port came from `PORT`, so a platform routes strangers here.
    `pipeline_values`: the variables named by `pipeline_env` that are set.
    """

    host: str = _setting("FLOWMASON_HOST", values.text, "127.0.0.1")
    port: int = _setting("FLOWMASON_PORT", values.whole(1, 65535), 8999)
    trusted_proxies: int = _setting("FLOWMASON_TRUSTED_PROXIES", values.whole(0, 10), 0)
    database_url: str = _setting("DATABASE_URL", values.database_url, "")
    log_level: str = _setting(
        "LOG_LEVEL", values.one_of("debug", "info", "warning", "error"), "info"
    )
    redis_url: str | None = _setting("REDIS_URL", values.redis_url)
    environment: str = _setting(
        "FLOWMASON_ENV", values.one_of("development", "production"), "development"
    )
    auth: str | None = _setting("FLOWMASON_AUTH", values.one_of("local", "required"))
    public_url: str | None = _setting("FLOWMASON_PUBLIC_URL", values.public_url)
    secret_key: str | None = _setting("SECRET_KEY", values.secret_key)
    vault_keys: tuple[str, ...] = _setting("VAULT_KEY", values.vault_keys, ())
    cors_origins: tuple[str, ...] = _setting("CORS_ORIGINS", values.origins, ())
    max_body_bytes: int = _setting("FLOWMASON_MAX_BODY_BYTES", _BYTES, 1_048_576)
    max_output_bytes: int = _setting("FLOWMASON_MAX_OUTPUT_BYTES", _BYTES, 4_194_304)
    max_run_bytes: int = _setting("FLOWMASON_MAX_RUN_BYTES", _BYTES, 67_108_864)
    event_output_bytes: int = _setting(
        "FLOWMASON_EVENT_OUTPUT_BYTES", values.whole(0, 2**30), 65_536
    )
    sync_wait_seconds: int = _setting("FLOWMASON_SYNC_WAIT_SECONDS", values.whole(0, 300), 25)
    pipeline_env: tuple[str, ...] = _setting("FLOWMASON_PIPELINE_ENV", values.names, ())
    egress_allow: tuple[str, ...] = _setting("FLOWMASON_EGRESS_ALLOW", values.egress, ())
    snapshots: str = _setting("FLOWMASON_SNAPSHOTS", values.one_of("on", "off"), "on")
    retention_days: int = _setting("FLOWMASON_RETENTION_DAYS", values.whole(0, 36_500), 90)
    lease_seconds: int = _setting("LEASE_SECONDS", values.whole(1, 3600), 10)
    broker_url: str | None = _setting("BROKER_URL", values.redis_url)
    home: Path = _setting("FLOWMASON_HOME", lambda _, given: Path(given), Path(".flowmason"))
    max_loop_items: int = _setting("FLOWMASON_MAX_LOOP_ITEMS", values.whole(1, 10**7), 10_000)
    platform_port: bool = False
    pipeline_values: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Settings({self.environment}, {self.host}:{self.port})"  # never the secrets

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database_url.startswith("sqlite:")

    @property
    def binds_loopback(self) -> bool:
        """Whether only this machine can reach the bind address."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Reads the settings; an empty variable counts as unset.

    `overrides` are fields that win over the environment, such as `host` and `port`; None does
    not override. Raises BadSettings, naming the variable, for a value that cannot be used.
    """
    environ = {name: text for name, text in _given(environ) if text.strip()}
    given = {name: value for name, value in overrides.items() if value is not None}
    found = {
        item.name: item.metadata["read"](item.metadata["variable"], environ[variable].strip())
        for item in fields(Settings)
        if (variable := item.metadata.get("variable")) in environ
    }
    return _completed({**_platform_port(environ, {**found, **given}), **found, **given}, environ)


def _given(environ: Mapping[str, str] | None) -> Iterable[tuple[str, str]]:
    return (os.environ if environ is None else environ).items()


def _platform_port(environ: Mapping[str, str], found: Mapping[str, Any]) -> dict[str, Any]:
    if "port" in found or "PORT" not in environ:
        return {}
    port = values.whole(1, 65535)("PORT", environ["PORT"].strip())
    return {"port": port, "host": "0.0.0.0", "platform_port": True}  # noqa: S104 the platform's rule


def _completed(found: dict[str, Any], environ: Mapping[str, str]) -> Settings:
    """Adds what follows from other settings."""
    home = found.setdefault("home", Path(".flowmason"))
    found.setdefault("database_url", f"sqlite:///{home}/flowmason.db")
    if found.get("redis_url"):
        found.setdefault("broker_url", found["redis_url"])
    names = found.get("pipeline_env", ())
    found["pipeline_values"] = {name: environ[name] for name in names if name in environ}
    return Settings(**found)


def check_required(settings: Settings, *, local: bool = False) -> None:
    """Refuses a start that lacks what it cannot make up itself.

    `local`: this is the web process of a supervisor that chose the mode `local`. Raises
    BadSettings with one sentence for each variable that is missing.
    """
    missing = [f"{name} must be set: {why}." for name, why in _missing(settings)]
    if settings.auth == "local" and not local:
        missing.append(
            "FLOWMASON_AUTH=local is only for `fm studio start` and `run_server` on a loopback"
            " address."
        )
    if missing:
        raise BadSettings(" ".join(missing))


def _missing(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.redis_url:
        yield "REDIS_URL", "Studio needs a server that speaks the Redis protocol"
    if not settings.secret_key:
        yield "SECRET_KEY", "it signs sessions and holds at least 32 bytes"
    if not settings.vault_keys:
        yield "VAULT_KEY", "it encrypts stored secrets and is a comma list of Fernet keys"
    if not settings.public_url:
        yield "FLOWMASON_PUBLIC_URL", "links need the URL under which others reach Studio"


def as_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child process that shall load the same settings.

    `PORT` and `FLOWMASON_AUTH` stay out: a child is told its port and its mode.
    """
    environment = {
        name: text for name, text in os.environ.items() if name not in ("PORT", "FLOWMASON_AUTH")
    }
    for item in fields(Settings):
        value = getattr(settings, item.name)
        if (variable := item.metadata.get("variable")) and variable != "FLOWMASON_AUTH":
            environment[variable] = _text(value)
    return environment


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)


_current: Settings | None = None


def settings() -> Settings:
    """The settings of this process, read when first asked for. Raises BadSettings."""
    global _current
    if _current is None:
        _current = load()
    return _current


def use(chosen: Settings) -> Settings:
    """Makes `chosen` the settings of this process, and answers it."""
    global _current
    _current = chosen
    return chosen


@contextmanager
def using(**changes: Any) -> Iterator[Settings]:
    """The process's settings with `changes`, for the length of a with block."""
    global _current
    before = _current
    try:
        yield use(replace(settings(), **changes))
    finally:
        _current = before
