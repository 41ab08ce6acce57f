"""What a start means: which mode, which settings are made up, which processes."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from app.cli.home import Home
from app.cli.plan import choose_mode, local_url, plan
from config import BadSettings

ROOT = Path(__file__).parents[2]
KEYS = {
    "SECRET_KEY": "s" * 32,
    "VAULT_KEY": "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMTI=",
    "FLOWMASON_PUBLIC_URL": "https://studio.example.com",
}


@pytest.fixture
def planned(tmp_path):
    """The plan of a start with these variables."""
    home = Home(tmp_path / "home")
    home.prepare()

    def make(**environ):
        return plan(config.load({"FLOWMASON_HOME": str(home.folder), **environ}), home, 2)

    return make


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_address_is_local(host):
    assert choose_mode(config.load({"FLOWMASON_HOST": host})) == "local"


@pytest.mark.parametrize(
    "environ",
    [
        {"FLOWMASON_HOST": "0.0.0.0"},
        {"FLOWMASON_HOST": "192.168.1.1"},
        {"FLOWMASON_HOST": "localhost.example.com"},
        {"FLOWMASON_ENV": "production"},
        {"FLOWMASON_AUTH": "required"},
        {"PORT": "5000", "FLOWMASON_HOST": "127.0.0.1"},
    ],
)
def test_anything_else_is_required(environ):
    assert choose_mode(config.load(environ)) == "required"


@pytest.mark.parametrize(
    "environ",
    [{"FLOWMASON_HOST": "0.0.0.0"}, {"FLOWMASON_ENV": "production"}, {"PORT": "5000"}],
)
def test_local_mode_that_cannot_be_granted_is_refused(environ):
    with pytest.raises(BadSettings, match="FLOWMASON_AUTH=local"):
        choose_mode(config.load({**environ, "FLOWMASON_AUTH": "local"}))


def test_newcomer_gets_keys_a_url_and_an_embedded_server(planned):
    found = planned()

    assert found.embedded
    assert found.settings.redis_url.startswith("unix://")
    assert found.settings.public_url == "http://127.0.0.1:8999"
    assert found.settings.secret_key == planned().settings.secret_key


def test_local_mode_may_reach_this_machine(planned):
    assert planned().settings.egress_allow == ("127.0.0.0/8", "::1")


def test_required_mode_may_not_reach_this_machine(planned):
    assert planned(FLOWMASON_AUTH="required").settings.egress_allow == ()


def test_named_exemptions_replace_those_of_local_mode(planned):
    assert planned(FLOWMASON_EGRESS_ALLOW="10.0.0.0/8").settings.egress_allow == ("10.0.0.0/8",)


def test_named_redis_is_used_and_none_is_embedded(planned):
    found = planned(REDIS_URL="redis://127.0.0.1:6379/3")

    assert not found.embedded
    assert found.environment()["REDIS_URL"] == "redis://127.0.0.1:6379/3"


@pytest.mark.parametrize("variable", KEYS)
def test_start_on_postgresql_needs_each_key(planned, variable):
    given = {name: text for name, text in KEYS.items() if name != variable}

    with pytest.raises(BadSettings, match=f"{variable} must be set"):
        planned(DATABASE_URL="postgresql://db/x", **given)


def test_production_needs_a_redis_of_its_own(planned):
    with pytest.raises(BadSettings, match="REDIS_URL must be set"):
        planned(FLOWMASON_ENV="production", **KEYS)


def test_children_load_the_settings_of_the_plan(planned):
    found = planned()

    assert config.load(found.environment()) == found.settings


def test_children_get_absolute_paths(planned, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    found = planned(DATABASE_URL="sqlite:///here.db").environment()

    assert found["DATABASE_URL"] == f"sqlite:///{tmp_path}/here.db"
    assert Path(found["FLOWMASON_HOME"]).is_absolute()


def test_web_process_is_told_its_mode(planned):
    assert planned().commands()["web"][-1] == "app:create_app(mode='local')"
    required = planned(FLOWMASON_AUTH="required")
    assert required.commands()["web"][-1] == "app:create_app(mode='required')"


def test_supervised_commands_are_those_of_the_procfile(planned):
    lines = (ROOT / "Procfile").read_text().splitlines()
    procfile = {name: command for name, _, command in (line.partition(": ") for line in lines)}

    ours = planned().commands()

    for name in ("worker", "courier", "scheduler"):
        words = [word for word in procfile[name].split() if "=" not in word and word != "python"]
        assert ours[name][-len(words) :] == words
    assert set(ours) == set(procfile) - {"release"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("studio.test", "http://studio.test:80"),
    ],
)
def test_url_of_a_bind_address_can_be_opened(host, url):
    assert local_url(host, 80) == url
