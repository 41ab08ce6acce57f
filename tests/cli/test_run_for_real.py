"""`fm run` against a whole Studio: web process, workers, database."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest
import urllib3

from tests.cli.documents import note, pipeline

LOOP = {"id": "each", "component_type": "foreach"}
GREET = pipeline(
    "greet",
    {**LOOP, "config": {"items": "{{ input.names }}", "loop_stages": ["line"]}},
    note("line", {"text": "Hello, {{ item }}!"}),
    note("all", '{{ upstream.each.results | map("result.text") }}'),
    output_stage_id="all",
)


@pytest.fixture(scope="module")
def place(lasting):
    """A place with a started Studio that has the pipeline `greet`."""
    assert deploy(lasting, GREET) == 201
    return lasting


def deploy(place, document):
    """Saves a document; gives the status of the answer."""
    return urllib3.request("POST", f"{place.studio.url}/api/v1/pipelines", json=document).status


def test_named_pipeline_is_watched_to_its_result_and_to_its_failure(place):
    good = place.fm("run", "greet", "--watch", "--input", '{"names": ["Ada", "Grace"]}')
    bad = place.fm("run", "greet@1.0.0", "--watch", "--json", "--set", "names=5")

    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["result"] == ["Hello, Ada!", "Hello, Grace!"]
    told = [line.split(maxsplit=1) for line in good.stderr.splitlines()[1:]]
    assert [int(seq) for seq, _ in told] == list(range(1, len(told) + 1))
    assert told[0][1] == "greet 1.0.0 started"
    assert any(words.startswith("line[1] completed in ") for _, words in told)
    assert bad.returncode == 1
    assert json.loads(bad.stdout)["error"]["stage_id"] == "each"


@pytest.fixture
def watcher(place):
    """Starts `fm run` beside the test."""
    started = []

    def start(*words, environ=(), **pipes):
        command = [sys.executable, "-m", "app.cli", "run", *words]
        environ = {**place.environ, **dict(environ)}
        started.append(subprocess.Popen(command, cwd=place.folder, env=environ, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_run_is_followed_across_a_restart(place, watcher):
    retry = {"max_attempts": 4, "initial_delay_ms": 3000, "multiplier": 1, "jitter": False}
    # Nobody answers there.
    config = {"url": "http://127.0.0.1:9/"}
    slow = {"id": "slow", "component_type": "http_request", "config": config, "retry": retry}
    assert deploy(place, pipeline("slow", slow)) == 201
    watching = watcher("slow", "--watch", stderr=subprocess.PIPE, text=True)
    lines = [watching.stderr.readline() for _ in range(3)]

    restarted = place.fm("studio", "restart")
    rest = watching.communicate(timeout=50)[1]

    assert "slow started" in lines[2]
    assert restarted.returncode == 0, restarted.stderr
    assert "Studio does not answer any more" in rest
    assert "slow failed: RETRY_EXHAUSTED" in rest
    assert watching.returncode == 1


def read_all(screen):
    """What a terminal shows until its other end is closed."""
    seen = b""
    with contextlib.suppress(OSError):
        while part := os.read(screen, 4096):
            seen += part
    os.close(screen)
    return seen.decode()


def test_terminal_shows_the_stages_in_place_and_standard_output_has_only_the_result(
    watcher,
):
    screen, terminal = pty.openpty()
    environ = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    words = ("greet", "--set", 'names=["Ada"]', "--json")
    watching = watcher(*words, environ=environ, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)

    seen = read_all(screen)
    result = watching.communicate(timeout=30)[0]

    assert watching.returncode == 0, seen
    assert json.loads(result)["status"] == "completed"
    assert "\x1b[" in seen
    assert "3/3" in seen
