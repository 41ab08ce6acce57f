"""The guard: names resolved once, every address judged."""

from __future__ import annotations

import socket

import pytest

from app.core.errors import StageError
from app.infra import egress_guard
from app.infra.egress_guard import Guard


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that knows only the names put into it."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host, port, *_, **__):
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def refusal(guard: Guard, host: str, port: int = 80) -> StageError:
    with pytest.raises(StageError) as refused:
        guard.vet(host, port)
    return refused.value


def test_public_addresses_of_a_name_are_given_in_order_and_once(resolver):
    resolver["example.com"] = ["9.9.9.9", "2620:fe::fe", "9.9.9.9"]

    assert Guard().vet("Example.com.", 80) == ["9.9.9.9", "2620:fe::fe"]


def test_one_refused_address_refuses_the_name(resolver):
    resolver["example.com"] = ["9.9.9.9", "10.0.0.5"]

    error = refusal(Guard(), "example.com")

    assert error.type == "SECURITY"
    assert not error.retryable
    assert "example.com" in error.message
    assert "10.0.0.0/8" in error.message


def test_unknown_name_is_a_retryable_connectivity_error(resolver):
    error = refusal(Guard(), "nowhere.test")

    assert (error.type, error.retryable) == ("CONNECTIVITY", True)


@pytest.mark.parametrize("host", ["", "a" * 64 + ".test", "a\0b", "a..b"])
def test_what_cannot_be_a_name_is_refused_with_validation(host):
    assert refusal(Guard(["127.0.0.0/8", "::1"]), host).type == "VALIDATION"


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "017700000001"])
def test_number_host_is_refused_without_a_look_up(host):
    assert "number" in refusal(Guard(["127.0.0.0/8"]), host).message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "[::1]", "::ffff:10.0.0.1", "169.254.169.254"]
)
def test_refused_literal_is_refused(host):
    assert refusal(Guard(), host).type == "SECURITY"


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_exempt_block_permits_its_addresses_however_written(address):
    assert Guard(["127.0.0.0/8"]).vet(address, 80) == [address]


def test_exempt_block_permits_a_name_that_leads_there(resolver):
    resolver["inside.test"] = ["10.1.2.3"]

    assert Guard(["10.1.0.0/16", "::1"]).vet("inside.test", 80) == ["10.1.2.3"]


def test_exempt_name_permits_its_private_addresses_only_to_itself(resolver):
    resolver["inside.test"] = resolver["other.test"] = ["10.1.2.3"]
    guard = Guard([" Inside.test "])

    assert guard.vet("inside.test", 80) == ["10.1.2.3"]
    assert refusal(guard, "other.test").type == "SECURITY"
    assert refusal(guard, "10.1.2.3").type == "SECURITY"


def test_exempt_name_does_not_exempt_its_subdomains(resolver):
    resolver["a.inside.test"] = ["10.1.2.3"]

    assert refusal(Guard(["inside.test"]), "a.inside.test").type == "SECURITY"


def test_drivers_may_connect_to_what_an_exempt_name_gave_on_that_port_only(resolver):
    resolver["inside.test"] = ["10.1.2.3"]
    guard = Guard(["inside.test"])
    guard.vet("inside.test", 5432)

    assert guard.permits("10.1.2.3", 5432)
    assert not guard.permits("10.1.2.3", 6379)


def test_memory_of_exempt_names_is_bounded(resolver, monkeypatch):
    monkeypatch.setattr(egress_guard, "MAX_REMEMBERED", 2)
    resolver["inside.test"] = ["10.1.2.3"]
    guard = Guard(["inside.test"])

    for port in (1, 2, 3):
        guard.vet("inside.test", port)

    assert [guard.permits("10.1.2.3", port) for port in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "a b", "http://x", "*.example.com", "127.1"])
def test_entry_that_is_neither_block_nor_name_is_refused(entry):
    with pytest.raises(ValueError, match="neither"):
        Guard([entry])
