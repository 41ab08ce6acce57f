"""What a start means: the settings completed, the mode chosen, the processes and their order."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import config
from app.cli.home import Home
from config import BadSettings, Settings

#: Where the code lies. Children start there, so that a folder `app` of the user is never imported.
CODE = Path(__file__).resolve().parents[2]

_THREADS = 8
_ANY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 compared, not bound


@dataclass(frozen=True, slots=True)
class Plan:
    """One start of Studio. `embedded`: with a Redis-protocol server of its own."""

    settings: Settings
    mode: str
    workers: int
    embedded: bool

    @property
    def url(self) -> str:
        """Where a person on this machine reaches it."""
        return local_url(self.settings.host, self.settings.port)

    def environment(self) -> dict[str, str]:
        """The environment of every child."""
        return {
            **config.as_environment(self.settings),
            # The broker wakes by message, so the poll beneath it may be slow.
            "dramatiq_worker_timeout": "1000",
            "dramatiq_queue_prefetch": str(_THREADS),
        }

    def commands(self) -> dict[str, list[str]]:
        """The command of each child, in the order in which they start."""
        python = [sys.executable, "-m"]
        factory = f"app:create_app(mode={self.mode!r})"
        return {
            "web": [*python, "gunicorn", "-c", "python:config.gunicorn", factory],
            "worker": [*python, *_dramatiq("runs", processes=self.workers)],
            "courier": [*python, *_dramatiq("deliveries", "housekeeping", processes=1)],
            "scheduler": [*python, "scheduler"],
        }


def _dramatiq(*queues: str, processes: int) -> list[str]:
    sizes = ["-p", str(processes), "-t", str(_THREADS), "--worker-shutdown-timeout", "20000"]
    return ["dramatiq", "workers", "-Q", *queues, *sizes, "--skip-logging"]


def local_url(host: str, port: int) -> str:
    """The URL of a bind address; an address that means all of them is reached as 127.0.0.1."""
    host = "127.0.0.1" if host in _ANY_ADDRESS else host.strip("[]")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def choose_mode(settings: Settings) -> str:
    """`local` when nobody but this machine can reach Studio, else `required`.

    Raises BadSettings when FLOWMASON_AUTH asks for `local` and it cannot be granted.
    """
    if settings.auth == "required":
        return "required"
    if settings.binds_loopback and not (settings.platform_port or is_production(settings)):
        return "local"
    if settings.auth == "local":
        raise BadSettings(
            "FLOWMASON_AUTH=local needs a loopback address, no PORT, and FLOWMASON_ENV other"
            " than production."
        )
    return "required"


def is_production(settings: Settings) -> bool:
    """Whether FLOWMASON_ENV says so."""
    return settings.environment == "production"


def plan(settings: Settings, home: Home, workers: int) -> Plan:
    """Completes the settings of `fm studio start`.

    On SQLite outside of production keys are made once into `home`. Raises BadSettings naming
    each missing setting, Refused when a key file is not private.
    """
    mode = choose_mode(settings)
    embedded = settings.redis_url is None and not is_production(settings)
    settings = replace(settings, home=home.folder, database_url=_absolute(settings.database_url))
    if settings.on_sqlite and not is_production(settings):
        settings = _with_keys(settings, home)
    if embedded:
        settings = _with_embedded_url(settings)
    if mode == "local" and not settings.egress_allow:
        settings = replace(settings, egress_allow=config.LOOPBACK_EGRESS)
    config.check_required(settings, local=mode == "local")
    return Plan(settings, mode, workers, embedded)


def _absolute(url: str) -> str:
    if not url.startswith("sqlite:///"):
        return url
    return f"sqlite:///{Path(url.removeprefix('sqlite:///')).resolve()}"


def _with_keys(settings: Settings, home: Home) -> Settings:
    return replace(
        settings,
        secret_key=settings.secret_key or home.secret_key(),
        vault_keys=settings.vault_keys or (home.vault_key(),),
        public_url=settings.public_url or local_url(settings.host, settings.port),
    )


def _with_embedded_url(settings: Settings) -> Settings:
    from app.infra import embedded

    url = embedded.place(settings.home).url
    return replace(settings, redis_url=url, broker_url=settings.broker_url or url)
