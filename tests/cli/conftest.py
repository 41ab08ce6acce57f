"""`fm` as a person runs it, in a folder of its own: with real processes, or Studio in a thread."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import urllib3
from click.testing import CliRunner
from werkzeug.serving import make_server

from app.cli.commands import fm as fm_commands
from app.cli.home import Home
from app.cli.process import wait_gone
from app.infra import broker
from app.infra.database import release
from app.services.runs import drive
from app.services.runs.testing.advancing import advance_test_run
from tests.api.conftest import served
from tests.cli.scripted import RUN_ID, ScriptedStudio

ROOT = Path(__file__).parents[2]
OURS = ("FLOWMASON_", "DATABASE_URL", "REDIS_URL", "BROKER_URL", "PORT", "SECRET_", "VAULT_")


def unused_port():
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environ(port):
    """An environment in which no setting of ours is set but the port."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    return environ | {"PYTHONPATH": str(ROOT), "FLOWMASON_PORT": str(port)}


@pytest.fixture
def free_port():
    """A port that nobody has."""
    return unused_port()


@pytest.fixture
def clean(free_port):
    """An environment in which no setting of ours is set but the port."""
    return clean_environ(free_port)


class Place:
    """A folder in which a person works, with an environment."""

    def __init__(self, folder, environ):
        self.folder, self.environ = folder, environ
        self.home = Home(folder / ".flowmason")

    def fm(self, *words, input=None, **environ):
        """Runs `fm` there; `input` is what somebody types."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            cwd=self.folder,
            env={**self.environ, **environ},
            input=input,
            capture_output=True,
            text=True,
            timeout=50,
        )

    @property
    def studio(self):
        """The Studio that runs there."""
        return self.home.running()


@pytest.fixture
def fm(tmp_path, clean):
    """Runs `fm` in an empty folder; what was started is stopped at the end."""
    place = Place(tmp_path, clean)
    yield place.fm
    end_at_once(place.home)


@pytest.fixture(scope="session")
def lasting(tmp_path_factory):
    """A place with a started Studio, for all tests that leave it as it is."""
    place = Place(tmp_path_factory.mktemp("lasting"), clean_environ(unused_port()))
    try:
        done = place.fm("studio", "start", "--workers", "1")
        assert done.returncode == 0, done.stderr
        yield place
    finally:
        end_at_once(place.home)


def end_at_once(home):
    """Ends what runs in this folder: the second request is not a polite one."""
    if running := home.running():
        os.kill(running.pid, signal.SIGTERM)
        os.kill(running.pid, signal.SIGINT)
        assert wait_gone(running.pid, running.birth, 20)


@pytest.fixture
def here(tmp_path, monkeypatch, free_port):
    """An empty folder that is the current one, where no setting of ours is set."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWMASON_PORT", str(free_port))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(here):
    """Runs a command of `fm` in this process; whatever happens, there is no traceback."""

    def run(*words, input=None):
        done = CliRunner().invoke(fm_commands, [str(word) for word in words], input=input)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done

    return run


@pytest.fixture
def write(here):
    """Writes a file: a document as JSON, or bytes and text as they are."""

    def write(name, content):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict | list):
            content = json.dumps(content, indent=2)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


class Api:
    """A served API in local mode, and what a person would ask it by hand."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        return urllib3.request("GET", f"{self.url}/api/v1{path}").json()

    def post(self, path, body):
        return urllib3.request("POST", f"{self.url}/api/v1{path}", json=body).json()

    def versions(self):
        """Name and newest version of every pipeline."""
        return {each["name"]: each["version"] for each in self.get("/pipelines")["items"]}


@pytest.fixture
def api(settings, here, monkeypatch):
    """Studio's API on a real database, which `fm` finds; no worker runs."""
    broker.connect(settings.broker_url)
    app = served("local", settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    monkeypatch.setenv("FLOWMASON_URL", f"http://127.0.0.1:{server.port}")
    yield Api(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def worker(api):
    """Does what workers do, until the test is over."""
    enough = threading.Event()

    def work():
        while not enough.wait(0.01):
            advance_test_run()
            drive.advance_run()
        release()

    thread = threading.Thread(target=work)
    thread.start()
    yield api
    enough.set()
    thread.join()


@pytest.fixture
def debug(cli):
    """Debugs the run with these commands."""
    return lambda *lines, what=RUN_ID: cli("debug", what, input="".join(f"{x}\n" for x in lines))


@pytest.fixture
def scripted(here, monkeypatch):
    """A Studio that plays a script, which `fm` finds."""
    studio = ScriptedStudio()
    studio.start()
    monkeypatch.setenv("FLOWMASON_URL", studio.url)
    yield studio
    studio.stop()
