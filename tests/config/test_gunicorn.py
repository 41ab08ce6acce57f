"""The web process is configured from the settings."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).parents[2]


@pytest.fixture
def web(monkeypatch):
    """Loads the configuration for these settings."""

    def load(**environ):
        monkeypatch.setattr(config, "_current", config.load(environ))
        sys.modules.pop("config.gunicorn", None)
        return importlib.import_module("config.gunicorn")

    yield load
    sys.modules.pop("config.gunicorn", None)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "127.0.0.1:8999"),
        ({"PORT": "5000"}, "0.0.0.0:5000"),
        ({"FLOWMASON_HOST": "::1", "FLOWMASON_PORT": "1"}, "[::1]:1"),
    ],
)
def test_bind_address_is_that_of_the_settings(web, environ, address):
    assert web(**environ).bind == address


def test_proxy_headers_are_left_to_the_application(web):
    found = web()

    assert found.forwarded_allow_ips == ""
    assert found.secure_scheme_headers == {}


def test_configuration_loads_no_application():
    program = "import config.gunicorn, sys; sys.exit('app.api' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
