"""The way out: pinned, bounded in time and size, marked as the run's."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import random
import re
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from app.core.errors import StageError, Stopped
from app.infra import egress, egress_wire
from app.infra.egress import Guard, GuardedClient
from tests.loopback import CERTIFICATE, answer, serving

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def client():
    """A way out that may reach this machine."""
    client = GuardedClient(Guard(["127.0.0.0/8", "::1"]))
    yield client
    client.idle.close()


def get(client: GuardedClient, url: str, *, method: str = "GET", check=None, **changes):
    given = {"headers": {}, "body": None, "timeout_seconds": 5, "max_bytes": 100_000, **changes}
    return client.for_run("run-1", TRACE, check).request(method, url, **given)


def failure(client: GuardedClient, url: str, **changes) -> StageError:
    with pytest.raises(StageError) as failed:
        get(client, url, **changes)
    return failed.value


def echo(heard):
    return [answer(heard.body, headers=[("X-Target", heard.target)])]


def test_exchange_gives_status_headers_body_and_normal_url(client):
    with serving(lambda _: [answer(b"hi", 404, [("X-A", "1"), ("x-a", "2")])]) as server:
        got = get(client, server.url("/a/../b?c#d"))

    assert (got.status, got.body, got.header("X-a")) == (404, b"hi", "1, 2")
    assert got.url == server.url("/b?c")
    assert server.requests[0].target == "/b?c"


def test_request_names_its_run_and_trace_and_host(client):
    with serving(echo) as server:
        get(client, server.url(), headers={"x-flowmason-RUN": "run-2", "traceparent": "forged"})

    sent = server.requests[0].headers
    assert sent["x-flowmason-run"] == "run-1"
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", sent["traceparent"])
    assert sent["host"] == f"127.0.0.1:{server.port}"
    assert sent["user-agent"] == "FlowMason"


def test_request_without_a_trace_sends_no_traceparent_of_its_own(client):
    with serving(echo) as server:
        client.for_run("run-1").request(
            "GET", server.url(), headers={}, body=None, timeout_seconds=5, max_bytes=9
        )

    assert "traceparent" not in server.requests[0].headers


def test_body_is_sent_with_its_length(client):
    with serving(echo) as server:
        got = get(client, server.url(), method="POST", body=b"x" * 70_000)

    assert got.body == b"x" * 70_000
    assert server.requests[0].headers["content-length"] == "70000"


def test_redirect_is_not_followed(client):
    with serving(lambda _: [answer(status=302, headers=[("Location", "/b")])]) as server:
        got = get(client, server.url())

    assert got.status == 302
    assert len(server.requests) == 1


def test_connection_is_kept_for_the_next_request(client):
    with serving(echo) as server:
        for _ in range(3):
            get(client, server.url())

    assert server.connections == 1


def test_connection_with_unasked_bytes_is_not_used_again(client):
    said = threading.Event()

    def script(_):
        yield answer(b"a")
        time.sleep(0.05)
        yield answer(b"forged")
        said.set()

    with serving(script) as server:
        first = get(client, server.url()).body
        said.wait(5)
        second = get(client, server.url()).body

    assert (first, second) == (b"a", b"a")
    assert server.connections == 2


def test_connection_that_was_idle_too_long_is_not_used_again(client, monkeypatch):
    with serving(echo) as server:
        get(client, server.url())
        monkeypatch.setattr(egress_wire, "IDLE_SECONDS", 0)
        get(client, server.url())

    assert server.connections == 2


def test_connection_logged_in_as_a_whole_is_not_shared(client):
    with serving(echo) as server:
        get(client, server.url(), headers={"Authorization": "NTLM abc"})
        get(client, server.url())

    assert server.connections == 2


def test_kept_connections_are_bounded(client, monkeypatch):
    monkeypatch.setattr(egress_wire, "MAX_IDLE", 2)

    def slowly(heard):
        time.sleep(0.2)
        return echo(heard)

    with serving(slowly) as server, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: get(client, server.url()), range(4)))

        assert len(client.idle) == 2


def test_threads_do_not_mix_their_answers(client):
    with serving(echo) as server, ThreadPoolExecutor(8) as pool:
        bodies = [str(number).encode() for number in range(80)]

        got = pool.map(lambda body: get(client, server.url(), method="POST", body=body), bodies)

        assert [answer.body for answer in got] == bodies


def test_private_address_is_refused_before_anything_connects(client):
    with serving(echo) as server:
        error = failure(GuardedClient(Guard()), server.url())

    assert error.type == "SECURITY"
    assert server.connections == 0


def test_name_is_resolved_once_so_that_a_second_answer_cannot_differ(client, monkeypatch):
    real, answers = socket.getaddrinfo, iter(["127.0.0.1", "10.0.0.1"])

    def rebinding(host, *rest, **options):
        return real(next(answers) if host == "rebind.test" else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with serving(echo) as server:
        first = get(client, server.url(host="rebind.test"))
        second = failure(client, server.url(host="rebind.test"))

    assert first.status == 200
    assert server.requests[0].headers["host"] == f"rebind.test:{server.port}"
    assert second.type == "SECURITY"  # a kept connection does not outlive the refusal of its name


def test_next_address_is_tried_when_the_first_does_not_listen(client, monkeypatch):
    real = socket.getaddrinfo

    def two(host, port, *rest, **options):
        return [
            found
            for address in ("127.0.0.2", "127.0.0.1")
            for found in real(address, port, *rest, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with serving(echo) as server:
        assert get(client, server.url(host="two.test")).status == 200


def test_nobody_listening_is_a_retryable_connectivity_error(client):
    with serving(echo) as server:
        pass

    error = failure(client, server.url())

    assert (error.type, error.retryable) == ("CONNECTIVITY", True)
    assert f"127.0.0.1:{server.port}" in error.message


def test_proxy_of_the_environment_is_not_used(client, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(echo) as server:
        assert get(client, server.url()).status == 200


def hang_up(*pieces: bytes):
    def script(_):
        yield from pieces
        raise EOFError

    return script


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
        [b"HTTP/1.1 two hundred\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"],
    ],
    ids=["hung-up", "cut", "cut-chunk", "bad-chunk", "not-http", "bad-status", "long", "many"],
)
def test_broken_answer_is_a_connectivity_error(client, pieces):
    with serving(hang_up(*pieces)) as server:
        assert failure(client, server.url()).type == "CONNECTIVITY"


@pytest.mark.parametrize(
    "piece",
    [
        b"HTTP/1.1 200 OK\r\nX-Nonsense\r\n: empty\r\n\x00\x01: z\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Encoding: nonsense\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e9\r\n\r\na",
        b"HTTP/1.0 200\r\n\r\na",
    ],
)
def test_odd_headers_do_not_break_the_answer(client, piece):
    with serving(hang_up(piece)) as server:
        assert get(client, server.url()).status == 200


def test_chunked_answer_is_put_together(client):
    chunks = b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-Trailer: y\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(lambda _: [head, chunks]) as server:
        got = [get(client, server.url()).body for _ in range(2)]

    assert got == [b"abcde", b"abcde"]
    assert server.connections == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_answer_without_a_body_is_empty_and_keeps_the_connection(client, method):
    bare = b"HTTP/1.1 204 None\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n"
    with serving(lambda heard: [head if heard.method == "HEAD" else bare]) as server:
        got = [get(client, server.url(), method=method).body for _ in range(2)]

    assert got == [b"", b""]
    assert server.connections == 1


def dripping(first: bytes, drop: bytes):
    def script(_):
        yield first
        while True:
            time.sleep(0.05)
            yield drop

    return script


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", b";"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"z"),
    ],
    ids=["status", "headers", "header", "length", "chunks", "chunk-size", "close"],
)
def test_slow_drip_ends_at_the_deadline(client, first, drop):
    began = time.monotonic()

    with serving(dripping(first, drop)) as server:
        error = failure(client, server.url(), timeout_seconds=0.4)

    assert (error.type, error.retryable) == ("TIMEOUT", True)
    assert time.monotonic() - began < 20


def test_server_that_does_not_read_ends_at_the_deadline(client):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"

        error = failure(client, url, method="POST", body=b"x" * 50_000_000, timeout_seconds=0.3)

    assert error.type == "TIMEOUT"


def test_silent_tls_handshake_ends_at_the_deadline(client):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"

        assert failure(client, url, timeout_seconds=0.3).type == "TIMEOUT"


@contextlib.contextmanager
def silence(scheme: str):
    """The URL of one who takes connections and never says or reads anything."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"


@contextlib.contextmanager
def crowd():
    """The URL of one whose queue of connections is full, so that a further one is not answered."""
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(busy.getsockname())
        yield f"http://127.0.0.1:{busy.getsockname()[1]}/"


@contextlib.contextmanager
def drip(tls: bool):
    """The URL of one whose answer never ends."""
    with serving(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"z"), tls=tls) as server:
        yield server.url(scheme="https" if tls else "http")


@contextlib.contextmanager
def deaf():
    """The URL of one who shakes hands and never reads."""
    with serving(echo, tls=True, reads=threading.Event()) as server:
        yield server.url(scheme="https")


UPLOAD = {"method": "POST", "body": b"x" * 20_000_000}


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        (crowd, {}),
        (partial(silence, "https"), {}),
        (partial(silence, "http"), {}),
        (partial(silence, "http"), UPLOAD),
        (deaf, UPLOAD),
        (partial(drip, tls=False), {}),
        (partial(drip, tls=True), {}),
    ],
    ids=["connect", "handshake", "answer", "upload", "tls-upload", "drip", "tls-drip"],
)
def test_abandoned_request_ends_whatever_it_waits_for(client, monkeypatch, place, sent):
    monkeypatch.setattr(egress_wire, "CHECK_SECONDS", 0.02)
    asked = itertools.count()

    def check():
        if next(asked) == 20:  # more often than any exchange asks that does not wait
            raise Stopped

    with place() as url, pytest.raises(Stopped):
        get(client, url, check=check, timeout_seconds=30, verify_ssl=False, **sent)


@pytest.mark.parametrize("tls", [False, True])
def test_upload_that_had_to_wait_arrives_whole(client, monkeypatch, tls):
    monkeypatch.setattr(egress_wire, "CHECK_SECONDS", 0.02)
    reads, asked = threading.Event(), itertools.count()
    body = random.Random(1).randbytes(10_000_000)

    def check():
        if next(asked) == 20:
            reads.set()

    with serving(lambda _: [answer(b"thanks")], tls=tls, reads=reads) as server:
        url = server.url(scheme="https" if tls else "http")
        get(
            client, url, method="POST", body=body, check=check, verify_ssl=False, timeout_seconds=30
        )

    assert server.requests[0].body == body


@pytest.mark.parametrize("length", [b"Content-Length: 9999999999\r\n", b""])
def test_huge_answer_is_refused_without_reading_it_all(client, length):
    def endless(_):
        yield b"HTTP/1.1 200 OK\r\n" + length + b"\r\n"
        while True:
            yield b"x" * 65_536

    with serving(endless) as server:
        error = failure(client, server.url())

    assert error.type == "EXECUTION"
    assert "100000 bytes" in error.message
    assert len(client.idle) == 0


def test_answer_of_just_the_limit_is_accepted(client):
    with serving(lambda _: [answer(b"x" * 1000)]) as server:
        assert len(get(client, server.url(), max_bytes=1000).body) == 1000
        assert failure(client, server.url(), max_bytes=999).type == "EXECUTION"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
def test_packed_answer_is_unpacked(client, coding, pack):
    data = b"some text " * 50
    with serving(lambda _: [answer(pack(data), headers=[("Content-Encoding", coding)])]) as server:
        assert get(client, server.url()).body == data


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_bomb_is_refused_at_the_limit(client, pack):
    coding = "gzip" if pack is gzip.compress else "deflate"
    bomb = pack(b"\0" * 50_000_000)
    with serving(lambda _: [answer(bomb, headers=[("Content-Encoding", coding)])]) as server:
        assert failure(client, server.url(), max_bytes=60_000).type == "EXECUTION"


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x" * 999, mtime=0)[:-9]])
def test_answer_that_does_not_unpack_is_refused(client, body):
    with serving(lambda _: [answer(body, headers=[("Content-Encoding", "gzip")])]) as server:
        assert failure(client, server.url()).type == "EXECUTION"


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nb"},
        {"X": "a\0"},
        {"X": "Привет"},
        {"X\r\nY": "a"},
        {"X Y": "a"},
        {"": "a"},
        {"Ключ": "a"},
        {"Host": "other.test"},
        {"content-length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "keep-alive"},
        {"Upgrade": "websocket"},
    ],
)
def test_hostile_header_is_refused_before_anything_connects(client, headers):
    with serving(echo) as server:
        assert failure(client, server.url(), headers=headers).type == "VALIDATION"

    assert server.connections == 0


def test_header_value_may_hold_latin_1_and_tabs(client):
    with serving(echo) as server:
        get(client, server.url(), headers={"X": " naïve\tword "})

    assert server.requests[0].headers["x"] == "naïve\tword"


@pytest.fixture
def studio_test(monkeypatch):
    """`studio.test` and `other.test` lead to this machine; the tests' certificate is trusted."""
    real = socket.getaddrinfo
    names = ("studio.test", "other.test")
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **k: real("127.0.0.1" if host in names else host, *a, **k),
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    egress_wire.tls_context.cache_clear()
    yield
    egress_wire.tls_context.cache_clear()


def test_certificate_is_checked_against_the_name_though_the_address_is_pinned(client, studio_test):
    with serving(echo, tls=True) as server:
        for _ in range(2):
            assert get(client, server.url(host="studio.test", scheme="https")).status == 200

    assert server.connections == 1


def test_certificate_of_another_name_is_refused(client, studio_test):
    with serving(echo, tls=True) as server:
        error = failure(client, server.url(host="other.test", scheme="https"))

    assert error.type == "CONNECTIVITY"
    assert "certificate" in error.message
    assert server.requests == []


def test_unknown_issuer_is_refused_unless_verification_is_off(client):
    with serving(echo, tls=True) as server:
        url = server.url(scheme="https")

        assert "certificate" in failure(client, url).message
        assert get(client, url, verify_ssl=False).status == 200
        # The connection made without verification serves no request that asks for it.
        assert "certificate" in failure(client, url).message


def test_tls_with_a_plain_server_is_a_connectivity_error(client):
    def refuse():
        connection, _ = plain.accept()
        with connection:
            connection.recv(1)  # a greeting of TLS may hold no line end to wait for
            connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=refuse, daemon=True).start()
        error = failure(client, f"https://127.0.0.1:{plain.getsockname()[1]}/")

    assert error.type == "CONNECTIVITY"


def test_slow_drip_over_tls_ends_at_the_deadline(client):
    with serving(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"z"), tls=True) as server:
        error = failure(client, server.url(scheme="https"), verify_ssl=False, timeout_seconds=0.6)

    assert error.type == "TIMEOUT"


def test_process_exempts_nothing_before_it_is_told_to(monkeypatch):
    monkeypatch.setattr(egress._Process, "client", GuardedClient(Guard()))

    assert not egress.client().guard.permits("127.0.0.1", 80)
    assert egress.connect(["127.0.0.0/8"]) is egress.client()
    assert egress.client().guard.permits("127.0.0.1", 80)
