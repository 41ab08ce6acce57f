"""How `fm` finds Studio, and how it tells what Studio refused."""

from __future__ import annotations

import os

import pytest

import config
from app.cli.client import Answered, Client, find_url
from app.cli.home import Home, Refused, Running
from app.cli.process import born


@pytest.fixture
def settings(tmp_path):
    """Settings with a home of their own."""
    return config.load({"FLOWMASON_HOME": str(tmp_path), "FLOWMASON_PORT": "9100"})


def started_here(settings):
    """Records this process as a Studio of the folder."""
    pid = os.getpid()
    Home(settings.home).write(
        Running(pid, born(pid), "http://127.0.0.1:9200", "127.0.0.1", 9200, 2)
    )


def test_named_url_wins(settings):
    started_here(settings)

    assert find_url("https://studio.example.com/", settings) == "https://studio.example.com"


def test_named_host_and_port_are_a_url(settings):
    assert find_url("localhost:8999", settings) == "http://localhost:8999"


def test_studio_of_this_folder_is_found(settings):
    started_here(settings)

    assert find_url(None, settings) == "http://127.0.0.1:9200"


def test_port_is_the_last_resort(settings):
    assert find_url(None, settings) == "http://127.0.0.1:9100"


def test_refusal_tells_each_field():
    problem = {
        "detail": "The pipeline document has problems.",
        "code": "invalid-pipeline",
        "errors": {"/stages/0/id": ["Missing.", "Really."]},
    }

    refused = Answered(422, problem)

    assert refused.code == "invalid-pipeline"
    assert str(refused) == "The pipeline document has problems.\n  /stages/0/id: Missing. Really."


def test_nobody_there_is_a_sentence(free_port):
    with pytest.raises(Refused, match=f"No Studio answers at http://127.0.0.1:{free_port}"):
        Client(f"http://127.0.0.1:{free_port}").get("/health")
