"""Settings are read once, completed, and refused with a sentence that names the variable."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

import config
from config import BadSettings

FERNET_KEY = base64.urlsafe_b64encode(bytes(32)).decode()
COMPLETE = {
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SECRET_KEY": "s" * 32,
    "VAULT_KEY": FERNET_KEY,
    "FLOWMASON_PUBLIC_URL": "https://studio.example.com/",
}


def test_empty_environment_gives_the_documented_defaults():
    settings = config.load({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8999)
    assert settings.database_url == "sqlite:///.flowmason/flowmason.db"
    assert settings.redis_url is None
    assert settings.home == Path(".flowmason")
    assert (settings.max_body_bytes, settings.lease_seconds) == (1_048_576, 10)


def test_empty_variable_counts_as_unset():
    assert config.load({"FLOWMASON_PORT": " ", "REDIS_URL": ""}) == config.load({})


def test_home_moves_the_default_database():
    assert config.load({"FLOWMASON_HOME": "/srv/x"}).database_url == "sqlite:////srv/x/flowmason.db"


def test_postgres_scheme_is_the_same_as_postgresql():
    settings = config.load({"DATABASE_URL": "postgres://u:p@db/name"})

    assert settings.database_url == "postgresql://u:p@db/name"


def test_broker_url_defaults_to_redis_url():
    assert config.load({"REDIS_URL": "redis://r:1/2"}).broker_url == "redis://r:1/2"


def test_platform_port_binds_every_address():
    settings = config.load({"PORT": "5000"})

    assert (settings.host, settings.port, settings.platform_port) == ("0.0.0.0", 5000, True)


@pytest.mark.parametrize("given", [{"FLOWMASON_PORT": "9000"}, {}], ids=["variable", "option"])
def test_port_of_our_own_wins_over_the_platforms(given):
    option = None if given else 9000

    settings = config.load({"PORT": "5000", **given}, port=option)

    assert (settings.host, settings.port, settings.platform_port) == ("127.0.0.1", 9000, False)


def test_option_wins_over_the_variable():
    assert config.load({"FLOWMASON_HOST": "10.0.0.1"}, host="::1").host == "::1"


def test_pipeline_values_hold_only_the_named_variables_that_are_set():
    settings = config.load({"FLOWMASON_PIPELINE_ENV": "REGION, MISSING", "REGION": "eu", "X": "y"})

    assert settings.pipeline_env == ("REGION", "MISSING")
    assert settings.pipeline_values == {"REGION": "eu"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLOWMASON_PORT", "0"),
        ("FLOWMASON_PORT", "65536"),
        ("FLOWMASON_PORT", "²"),
        ("PORT", "http"),
        ("FLOWMASON_TRUSTED_PROXIES", "-1"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "localhost:6379"),
        ("BROKER_URL", "amqp://localhost"),
        ("FLOWMASON_ENV", "staging"),
        ("FLOWMASON_AUTH", "none"),
        ("FLOWMASON_PUBLIC_URL", "studio.example.com"),
        ("SECRET_KEY", "short"),
        ("VAULT_KEY", "not-a-fernet-key"),
        ("VAULT_KEY", f"{FERNET_KEY},x"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "*"),
        ("FLOWMASON_MAX_BODY_BYTES", "1 MB"),
        ("FLOWMASON_PIPELINE_ENV", "A B"),
        ("FLOWMASON_EGRESS_ALLOW", "10.0.0.0/33"),
        ("FLOWMASON_EGRESS_ALLOW", "10.0.0"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "9" * 5000),
    ],
)
def test_bad_value_is_refused_by_the_name_of_its_variable(variable, value):
    with pytest.raises(BadSettings, match=rf"^{variable} .*\.$"):
        config.load({variable: value})


def test_complete_settings_pass_the_check():
    settings = config.load(COMPLETE)

    config.check_required(settings)

    assert settings.public_url == "https://studio.example.com"


@pytest.mark.parametrize("variable", COMPLETE)
def test_missing_required_setting_is_named(variable):
    settings = config.load({**COMPLETE, variable: ""})

    with pytest.raises(BadSettings, match=f"{variable} must be set"):
        config.check_required(settings)


def test_all_missing_settings_are_named_at_once():
    with pytest.raises(BadSettings) as refused:
        config.check_required(config.load({}))

    assert all(variable in str(refused.value) for variable in COMPLETE)


def test_local_auth_is_refused_where_nobody_chose_local_mode():
    settings = config.load({**COMPLETE, "FLOWMASON_AUTH": "local"})

    with pytest.raises(BadSettings, match="FLOWMASON_AUTH=local"):
        config.check_required(settings)


def test_child_process_loads_the_same_settings(monkeypatch):
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("FLOWMASON_AUTH", "local")
    parent = config.load({**COMPLETE, "CORS_ORIGINS": "http://a.example,http://b.example:81"})

    child = config.load(config.as_environment(parent))

    assert child == parent


def test_secrets_are_not_in_the_representation():
    assert "s" * 32 not in repr(config.load(COMPLETE))


def test_changed_settings_are_put_back_after_the_block():
    before = config.use(config.load(COMPLETE))

    with config.using(port=1) as changed:
        assert config.settings() is changed
        assert changed == replace(before, port=1)

    assert config.settings() is before
