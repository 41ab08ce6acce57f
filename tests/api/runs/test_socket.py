"""`/ws/runs` in a real web process: handshake, events over the real bus, closing."""

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from simple_websocket import ConnectionClosed

from app.infra import bus
from app.services.pipelines.documents import create_pipeline
from app.services.runs.start import start_run
from tests.api.conftest import member
from tests.api.runs.web import record, web_process
from tests.conftest import KEYS, bound, cut_listeners, empty_tables, listeners, own_copy, wait_until

PIPELINE = {
    "name": "say",
    "stages": [{"id": "a", "component_type": "logger", "config": {"message": "here"}}],
}


@pytest.fixture(scope="module")
def lasting_url(database_template, tmp_path_factory) -> str:
    """The URL of a database that outlives a test, as the web process on it does."""
    return own_copy(database_template, tmp_path_factory.mktemp("sockets"))


@pytest.fixture
def database_url(lasting_url):
    """That database, emptied."""
    with bound(lasting_url) as url:
        empty_tables()
        yield url


@pytest.fixture(scope="module")
def lasting_web(lasting_url, redis_url, tmp_path_factory):
    """A web process in mode required, for all tests that do not end it."""
    home = tmp_path_factory.mktemp("home")
    places = {"database_url": lasting_url, "redis_url": redis_url, "home": home}
    with web_process(SimpleNamespace(**places)) as web:
        yield web


@pytest.fixture
def web(settings, lasting_web):
    """That web process; its clients end with the test."""
    yield lasting_web
    lasting_web.hang_up()


@pytest.fixture
def own_web(settings):
    """A web process of this test alone."""
    with web_process(settings) as web:
        yield web


@pytest.fixture
def run_id(new_key) -> str:
    """A run that waits for a worker: nothing happens to it but what the test records."""
    return new_run(new_key.owner)


def new_run(who) -> str:
    create_pipeline(who, PIPELINE)
    return start_run(who, "say", {}).run["id"]


@pytest.fixture
def watcher(web, new_key):
    """A connected client that may read runs."""
    return connected(web, new_key)


def connected(web, new_key):
    client = web.connect(X_API_Key=new_key("runs:read"))
    assert client.hear()["type"] == "connected"
    return client


class SlowSocket:
    """Takes 4 KiB at a time, at most some 4 MB a second."""

    def __init__(self, inner) -> None:
        self._inner = inner

    def recv(self, size: int) -> bytes:
        time.sleep(0.001)
        return self._inner.recv(size)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


# Opening


def test_credential_in_the_handshake_connects(web, new_key, org):
    told = web.connect(Authorization=f"Bearer {new_key('runs:read')}").hear()

    assert told["type"] == "connected"
    assert told["organization_id"] == org.id
    assert told["user"] == {"id": new_key.owner.user_id, "name": "Owner"}


def test_bad_credential_is_refused_before_the_upgrade(web):
    status, problem = web.shake(X_API_Key="fm_wrong")

    assert (status, problem["code"]) == (401, "unauthenticated")


def test_foreign_origin_is_refused_before_the_upgrade(web, new_key):
    status, problem = web.shake(X_API_Key=new_key(), Origin="https://evil.example")

    assert (status, problem["code"]) == (403, "origin-refused")


def test_own_origin_is_admitted(web, new_key):
    client = web.connect(X_API_Key=new_key(), Origin=KEYS["FLOWMASON_PUBLIC_URL"])

    assert client.hear()["type"] == "connected"


@pytest.mark.parametrize("missing", ["Sec_WebSocket_Key", "Sec_WebSocket_Version"])
def test_broken_handshake_is_a_problem(web, new_key, missing):
    status, problem = web.shake(X_API_Key=new_key(), **{missing: ""})

    assert (status, problem["code"]) == (400, "malformed-json")


def test_first_message_may_authenticate(web, new_key):
    client = web.connect()

    assert client.ask(type="ping")["code"] == "unauthenticated"
    assert client.ask(type="auth", token=new_key(), id="1")["type"] == "connected"
    assert client.ask(type="ping")["type"] == "pong"


def test_bad_token_in_the_first_message_closes_with_4401(web):
    client = web.connect()

    client.say(type="auth", token="fm_wrong")

    assert client.closed_with() == 4401


def test_credential_in_the_query_string_is_not_read(web, new_key):
    client = web.connect(query=f"?token={new_key()}")

    assert client.ask(type="ping")["code"] == "unauthenticated"


def test_local_mode_needs_no_credential_but_this_machine(settings, org):
    with web_process(settings, mode="local") as web:
        told = web.connect().hear()

        assert told["type"] == "connected"
        assert web.shake(Host="evil.example")[1]["code"] == "host-refused"
        assert web.shake(Origin="https://evil.example")[1]["code"] == "origin-refused"
        assert web.shake(X_FlowMason_Run="run-1")[1]["code"] == "unauthenticated"


# Following


def test_stored_events_come_first_then_live_ones(watcher, run_id, new_key):
    record(new_key.owner, run_id, 3, publish=False)

    answer = watcher.ask(type="subscribe", run_id=run_id, id="s")
    assert (answer["type"], answer["id"], answer["last_seq"]) == ("subscribed", "s", 3)
    assert (answer["status"], answer["run_id"]) == ("pending", run_id)
    assert watcher.seqs(3) == [1, 2, 3]
    record(new_key.owner, run_id, 2)

    assert watcher.seqs(2) == [4, 5]


def test_event_is_the_json_that_lists_give(watcher, run_id, new_key, client):
    record(new_key.owner, run_id, 1)
    watcher.ask(type="subscribe", run_id=run_id)

    listed = client.get(f"/api/v1/runs/{run_id}/events").get_json()

    assert watcher.hear() == listed["items"][0]


def test_another_organisations_run_is_not_found(watcher, other_org):
    foreign = new_run(member(other_org))

    assert watcher.ask(type="subscribe", run_id=foreign)["code"] == "not-found"
    assert watcher.ask(type="ping")["type"] == "pong"


def test_key_without_the_scope_may_not_follow(web, run_id, new_key):
    client = web.connect(X_API_Key=new_key("pipelines:read"))
    client.hear()

    assert client.ask(type="subscribe", run_id=run_id)["code"] == "forbidden"


def test_lost_publish_is_found_by_the_watch(watcher, run_id, new_key):
    watcher.ask(type="subscribe", run_id=run_id)

    record(new_key.owner, run_id, 2, publish=False)

    assert watcher.seqs(2) == [1, 2]


def test_events_during_many_subscriptions_reach_each_once(web, run_id, new_key):
    key, done = new_key("runs:read"), threading.Event()

    def happen():
        while not done.is_set():
            record(new_key.owner, run_id)
            time.sleep(0.002)

    journal = threading.Thread(target=happen)
    journal.start()
    clients = [web.connect(X_API_Key=key) for _ in range(15)]
    for client in clients:
        client.hear()
        client.ask(type="subscribe", run_id=run_id)
    tapes = [client.seqs(150) for client in clients]
    done.set()
    journal.join()

    assert tapes == [list(range(1, 151))] * 15
    # What was cut before may be listed for a moment still.
    wait_until(lambda: len(listeners()) == 1)


def test_lost_redis_connection_loses_no_event(watcher, run_id, new_key):
    watcher.ask(type="subscribe", run_id=run_id)

    for _ in range(5):
        record(new_key.owner, run_id)
        cut_listeners()
        record(new_key.owner, run_id)

    assert watcher.seqs(10) == list(range(1, 11))


def test_slow_reader_gets_large_frames_whole(web, run_id, new_key):
    record(new_key.owner, run_id, 40, publish=False, text="y" * 200_000)
    client = web.connect(X_API_Key=new_key("runs:read"))
    client.hear()
    client.sock = SlowSocket(client.sock)

    client.ask(type="subscribe", run_id=run_id)
    told = [client.hear(30) for _ in range(40)]

    assert [event["seq"] for event in told] == list(range(1, 41))
    assert {len(event["text"]) for event in told} == {200_000}


# Closing


def test_binary_frame_closes_with_1003(watcher):
    watcher.send(b"{}")

    assert watcher.closed_with() == 1003


def test_message_over_64_kib_closes_with_1009(watcher):
    watcher.send("x" * 65537)

    assert watcher.closed_with() == 1009


def test_flood_closes_with_4429(watcher):
    # Goes on until the server closes: a slow client's first 51 may take longer than a second.
    with contextlib.suppress(ConnectionClosed, OSError):
        while True:
            watcher.say(type="ping")

    assert watcher.closed_with() == 4429


def test_shutdown_closes_with_1001_and_does_not_wait(own_web, new_key):
    watcher = connected(own_web, new_key)
    started = time.monotonic()

    assert own_web.stop() == 0

    assert watcher.closed_with() == 1001
    assert time.monotonic() - started < 20  # of the 25 that gunicorn would wait


def test_client_that_went_away_is_forgotten(web, watcher, run_id):
    watcher.ask(type="subscribe", run_id=run_id)
    channel = bus.run_channel(run_id)
    wait_until(lambda: bus.client().pubsub_numsub(channel)[0][1] == 1)

    watcher.sock.shutdown(socket.SHUT_RDWR)

    wait_until(lambda: bus.client().pubsub_numsub(channel)[0][1] == 0)
