"""The audit hook, each time in a process of its own, since it cannot be removed."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from tests.loopback import answer, serving

PRELUDE = """
import logging, socket, sys
from app.core.errors import StageError
from app.infra.egress import Guard, GuardedClient, install_audit_hook

def says(deed):
    try:
        deed()
    except StageError as error:
        print("refused", error.type)
    except OSError as error:
        print("broken", type(error).__name__)
    else:
        print("done")
"""


def in_worker(code: str, *arguments: object) -> list[str]:
    """The lines that a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.fixture
def port():
    with serving(lambda _: [answer(b"hello")]) as server:
        yield server.port


def test_connection_to_a_private_address_is_refused(port):
    lines = in_worker(
        """
        port = int(sys.argv[1])
        install_audit_hook(Guard())
        says(lambda: socket.create_connection(("127.0.0.1", port)))
        says(lambda: socket.socket().connect(("127.0.0.1", port)))
        says(lambda: socket.socket().connect_ex(("127.0.0.1", port)))
        says(lambda: socket.socket(socket.AF_INET6).connect(("::1", port)))
        says(lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)))
        """,
        port,
    )

    assert lines == ["refused SECURITY"] * 5


def test_look_up_that_leads_inside_is_refused(port):
    lines = in_worker(
        """
        install_audit_hook(Guard())
        says(lambda: socket.getaddrinfo("localhost", 80))
        says(lambda: socket.getaddrinfo(b"localhost", "http"))
        says(lambda: socket.gethostbyname("localhost"))
        says(lambda: socket.create_connection(("localhost", 80)))
        says(lambda: socket.getaddrinfo("127.1", 80))
        """
    )

    assert lines == ["refused SECURITY"] * 5


def test_name_given_to_connect_is_refused_as_nothing_can_judge_it(port):
    lines = in_worker(
        """
        install_audit_hook(Guard(["127.0.0.0/8"]))
        says(lambda: socket.socket().connect(("localhost", int(sys.argv[1]))))
        """,
        port,
    )

    assert lines == ["refused SECURITY"]


def test_exempt_endpoint_is_reached_by_name_and_address_and_no_other_port(port):
    lines = in_worker(
        """
        port = int(sys.argv[1])
        install_audit_hook(Guard(), {("localhost", port)})
        says(lambda: socket.create_connection(("localhost", port)))
        says(lambda: socket.create_connection(("127.0.0.1", port)))
        says(lambda: socket.create_connection(("127.0.0.1", port + 1)))
        """,
        port,
    )

    assert lines == ["done", "done", "refused SECURITY"]


def test_exempt_name_that_moved_is_found_again(port):
    lines = in_worker(
        """
        port, real, moved = int(sys.argv[1]), socket.getaddrinfo, "10.255.255.1"
        def resolver(host, port, *a, **k):
            return real(moved if host == "db.test" else host, port, *a, **k)
        socket.getaddrinfo = resolver
        install_audit_hook(Guard(), {("db.test", port)})
        moved = "127.0.0.1"
        import app.infra.egress_hook
        app.infra.egress_hook.REFRESH_SECONDS = 0
        says(lambda: socket.create_connection(("127.0.0.1", port)))
        """,
        port,
    )

    assert lines == ["done"]


def test_unix_socket_is_refused_unless_exempt(tmp_path):
    lines = in_worker(
        """
        paths = [f"{sys.argv[1]}/{name}" for name in "ab"]
        servers = [socket.socket(socket.AF_UNIX) for _ in paths]
        for path, server in zip(paths, servers):
            server.bind(path)
            server.listen()
        install_audit_hook(Guard(), {paths[0]})
        says(lambda: socket.socket(socket.AF_UNIX).connect(paths[0]))
        says(lambda: socket.socket(socket.AF_UNIX).connect(paths[1]))
        says(lambda: socket.socket(socket.AF_UNIX).connect(paths[0].encode()))
        """,
        tmp_path,
    )

    assert lines == ["done", "refused SECURITY", "done"]


def test_redis_client_reaches_its_exempt_server(redis_url):
    lines = in_worker(
        """
        import redis
        from urllib.parse import urlsplit
        parts = urlsplit(sys.argv[1])
        own = parts.path if parts.scheme == "unix" else (parts.hostname, parts.port or 6379)
        install_audit_hook(Guard(), {own})
        says(redis.Redis.from_url(sys.argv[1]).ping)
        says(redis.Redis(port=1).ping)
        """,
        redis_url,
    )

    assert lines == ["done", "refused SECURITY"]


def test_database_driver_written_in_c_reaches_its_server():
    lines = in_worker(
        """
        import psycopg2
        install_audit_hook(Guard(), {("127.0.0.1", 5432)})
        try:
            psycopg2.connect("host=127.0.0.1 port=1 connect_timeout=2")
        except psycopg2.OperationalError as error:
            print("refused by the server" if "Connection refused" in str(error) else error)
        """
    )

    assert lines == ["refused by the server"]


def test_guarded_client_passes_the_hook_to_an_exempt_name(port):
    lines = in_worker(
        """
        guard = Guard(["localhost"])
        install_audit_hook(guard)
        run = GuardedClient(guard).for_run("run-1")
        get = lambda url: run.request(
            "GET", url, headers={}, body=None, timeout_seconds=5, max_bytes=99).body
        print(get(f"http://localhost:{sys.argv[1]}/"))
        says(lambda: get(f"http://127.0.0.1:{sys.argv[1]}/"))
        """,
        port,
    )

    assert lines == ["b'hello'", "refused SECURITY"]


def test_logging_to_the_system_log_is_not_refused():
    lines = in_worker(
        """
        install_audit_hook(Guard())
        says(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect("/dev/log"))
        """
    )

    assert lines in (["done"], ["broken FileNotFoundError"], ["broken ConnectionRefusedError"])


def test_socket_of_another_kind_is_refused():
    lines = in_worker(
        """
        install_audit_hook(Guard())
        says(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).connect((0, 0)))
        """
    )

    assert lines == ["refused SECURITY"]
