"""`fm debug` against a whole Studio, and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys

import pytest
import urllib3

from tests.cli.documents import note, pipeline
from tests.cli.scripted import RUN_ID, paused, resumed, started
from tests.cli.transcripts import after

LOOP = {"id": "price", "component_type": "foreach"}
ORDERS = pipeline(
    "debugged-orders",
    {**LOOP, "config": {"items": "{{ input.orders }}", "loop_stages": ["line"]}},
    note("line", {"amount": "{{ item.pieces * item.each }}"}),
    note("bill", '{{ sum(upstream.price.results | map("result.amount")) }}'),
    output_stage_id="bill",
)
GIVEN = '{"orders": [{"pieces": 1, "each": 5}, {"pieces": 30, "each": 2}]}'


@pytest.fixture(scope="module")
def place(lasting):
    """A place with a started Studio that has the pipeline of orders."""
    url = f"{lasting.studio.url}/api/v1/pipelines"
    assert urllib3.request("POST", url, json=ORDERS).status == 201
    return lasting


def debug(place, *words, lines=()):
    """Debugs with a script of these commands."""
    return place.fm("debug", *words, input="\n".join(lines))


def test_pipeline_is_moved_to_its_end_stage_by_stage_and_looked_at(place):
    script = ["break line if item.pieces > 10", "continue", "step"]
    begun = debug(place, "debugged-orders", "--input", GIVEN, lines=script)
    run_id = re.search("run-[0-9a-z]{26}", begun.stdout)[0]

    ended = debug(place, run_id, lines=["back", "print vars", "continue", "print output.result"])

    assert (begun.returncode, ended.returncode) == (0, 0), begun.stderr + ended.stderr
    assert after(begun, "continue")[-1] == "The run is paused before line[1]: breakpoint"
    assert after(begun, "step")[-1] == "The run is paused before bill: step"
    assert "The run is left paused before bill." in begun.stderr
    assert after(ended, "back")[0].startswith("snapshot 2: line[1] completed in ")
    assert after(ended, "print vars") == ["{}"]
    assert after(ended, "continue")[-1] == "The run is completed"
    assert after(ended, "print output.result") == ["65"]


def test_failure_is_halted_before_it_takes_effect(place):
    bad = '{"orders": [{"pieces": 1, "each": {}}]}'

    script = ["break error", "continue", "clear", "c"]
    done = debug(place, "debugged-orders", "--input", bad, lines=script)

    assert done.returncode == 1, done.stderr
    assert after(done, "continue")[-1].startswith("The run is paused at the error of line[0]: ")
    assert after(done, "c")[-1].startswith("The run failed at line: EXPRESSION: ")


def test_interrupt_of_a_wait_gives_the_prompt_back_and_leaves_the_run_alone(scripted, clean):
    scripted.tell(started("a"), paused("a"))
    scripted.brings = {"resume": [[resumed()]]}
    screen, terminal = pty.openpty()
    person = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "debug", RUN_ID],
        env={**clean, "TERM": "dumb", "FLOWMASON_URL": scripted.url},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        # Whoever started the tests in the background has them ignore it, and what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(terminal)

    read_until(screen, "(paused before a) ")
    os.write(screen, b"continue\n")
    read_until(screen, "resumed: resume")
    person.send_signal(signal.SIGINT)
    read_until(screen, "(running) ")
    os.write(screen, b"quit\n")
    seen = read_until(screen, "left running")

    assert person.wait(timeout=30) == 0, seen
    os.close(screen)
    commands = [path for method, path, _ in scripted.asked if method == "POST"]
    assert [each.rpartition("/")[2] for each in commands] == ["validate", "resume"]


def read_until(screen, words):
    """What a terminal shows up to these words."""
    seen = ""
    while words not in seen:
        seen += os.read(screen, 65536).decode()
    return seen
