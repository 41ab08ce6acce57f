"""The bus over a real server, its losses included."""

import queue
import ssl
import threading
import time

import pytest
import redis

from app.infra import bus
from app.infra.subscription import Subscription
from tests.conftest import own_redis, wait_until

NOWHERE = "unix:///nonexistent/r.sock?db=0"


@pytest.fixture(scope="module")
def redis_url():
    """A server of these tests alone, always: they count and end its connections."""
    with own_redis() as url:
        yield url


@pytest.fixture
def own_bus(redis_url):
    """The bus of this process, bound to the server of these tests."""
    bus.connect(redis_url)
    return bus.client()


@pytest.fixture
def listen():
    """Makes a subscription with the queue of what it hears and the event of `again`."""
    made = []

    def make(hear=None):
        heard: queue.Queue = queue.Queue()
        again = threading.Event()
        made.append(Subscription(hear or (lambda *message: heard.put(message)), again.set))
        return made[-1], heard, again

    yield make
    for subscription in made:
        subscription.close()


def test_published_events_arrive_in_order(own_bus, listen):
    subscription, heard, _ = listen()
    subscription.subscribe(bus.run_channel("run-1"))

    bus.publish_events("run-1", [b'{"seq":1}', b'{"seq":2}'])

    assert heard.get(timeout=5) == ("run:run-1", b'{"seq":1}')
    assert heard.get(timeout=5) == ("run:run-1", b'{"seq":2}')


def test_events_of_one_flush_take_one_round_trip():
    with own_redis() as url:  # nobody else reads from this one
        bus.connect(url)
        server = bus.client()
        asked = server.info("clients")["connected_clients"]
        before = server.info("stats")["total_reads_processed"]

        bus.publish_events("run-1", [b"{}"] * 20)

        reads = server.info("stats")["total_reads_processed"] - before
        clients = server.info("clients")["connected_clients"]
        server.connection_pool.disconnect()

    assert reads <= 2  # the publishes, and the question itself
    assert clients == asked


def test_control_note_arrives(own_bus, listen):
    subscription, heard, _ = listen()
    subscription.subscribe(bus.CONTROL_CHANNEL)

    bus.publish_control("run-1")

    assert heard.get(timeout=5) == ("control", b"run-1")


def test_what_is_published_after_subscribe_returned_is_always_heard(own_bus, listen):
    subscription, heard, _ = listen()

    for number in range(200):
        assert subscription.subscribe(f"run:{number}")
        bus.publish_events(str(number), [b"{}"])

    assert [heard.get(timeout=5)[0] for _ in range(200)] == [f"run:{n}" for n in range(200)]


def test_channel_left_and_joined_again_in_haste_is_heard(own_bus, listen):
    subscription, heard, _ = listen()

    for number in range(100):
        assert subscription.subscribe("run:a")
        bus.publish_events("a", [b"%d" % number])
        assert heard.get(timeout=5)[1] == b"%d" % number
        subscription.unsubscribe("run:a")


def test_channel_that_was_left_is_silent(own_bus, listen):
    subscription, heard, _ = listen()
    subscription.subscribe("run:a")
    subscription.subscribe("run:b")

    subscription.unsubscribe("run:a")
    wait_until(lambda: own_bus.pubsub_numsub("run:a")[0][1] == 0)
    bus.publish_events("a", [b"{}"])
    bus.publish_events("b", [b"{}"])

    assert heard.get(timeout=5)[0] == "run:b"


def test_many_threads_may_change_one_subscription(own_bus, listen):
    subscription, heard, _ = listen()

    def work(number: int) -> None:
        for turn in range(20):
            subscription.subscribe(f"run:{number}-{turn}")
            subscription.unsubscribe(f"run:{number}-{turn}")
        subscription.subscribe(f"run:{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        bus.publish_events(str(number), [b"{}"])

    assert {heard.get(timeout=5)[0] for _ in range(8)} == {f"run:{n}" for n in range(8)}


def test_process_keeps_one_connection_for_all_channels(own_bus, listen):
    before = len(own_bus.client_list(_type="pubsub"))
    subscription, _, _ = listen()

    for number in range(30):
        subscription.subscribe(f"run:{number}")

    assert len(own_bus.client_list(_type="pubsub")) == before + 1


def test_listener_that_fails_does_not_end_the_reading(own_bus, listen):
    heard = queue.Queue()

    def hear(channel, payload):
        heard.put(payload)
        raise ValueError(payload)

    subscription, _, _ = listen(hear)
    subscription.subscribe("run:a")

    bus.publish_events("a", [b"1", b"2"])

    assert [heard.get(timeout=5), heard.get(timeout=5)] == [b"1", b"2"]


def test_killed_connection_is_made_anew_and_told(own_bus, listen):
    subscription, heard, again = listen()
    subscription.subscribe("run:a")
    assert again.wait(5)
    again.clear()

    own_bus.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    assert again.wait(5)
    bus.publish_events("a", [b"{}"])
    assert heard.get(timeout=5) == ("run:a", b"{}")


def test_subscribing_while_redis_is_away_holds_once_it_is_back(listen, tmp_path):
    bus.connect(f"unix://{tmp_path}/r.sock?db=0")
    subscription, heard, again = listen()
    assert not subscription.subscribe("run:a", wait_seconds=0.2)

    with own_redis() as url:
        (tmp_path / "r.sock").symlink_to(url.partition("://")[2].partition("?")[0])
        assert again.wait(10)
        assert subscription.subscribe("run:a")
        bus.publish_events("a", [b"{}"])
        assert heard.get(timeout=5) == ("run:a", b"{}")


def test_publishing_while_redis_is_away_says_nothing(caplog):
    bus.connect(NOWHERE)

    bus.publish_events("run-1", [b"{}"])
    bus.publish_control("run-1")

    assert [record.action for record in caplog.records] == ["publish_failed"]


def test_publishing_goes_on_a_second_after_redis_is_back(redis_url, listen):
    bus.connect(redis_url)
    subscription, heard, _ = listen()
    subscription.subscribe("run:a")
    bus._Bus.silent_until = time.monotonic() + 0.2

    bus.publish_events("a", [b"lost"])
    time.sleep(0.25)
    bus.publish_events("a", [b"heard"])

    assert heard.get(timeout=5) == ("run:a", b"heard")


def test_connections_kept_from_before_a_restart_do_not_lose_a_publish(own_bus, redis_url, listen):
    subscription, heard, again = listen()
    subscription.subscribe("run:a")
    bus.publish_events("a", [b"1"])
    heard.get(timeout=5)

    redis.Redis.from_url(redis_url).execute_command("CLIENT", "KILL", "TYPE", "normal")
    bus.publish_events("a", [b"2"])

    assert heard.get(timeout=5) == ("run:a", b"2")


def test_client_before_connect_is_refused(monkeypatch):
    monkeypatch.setattr(bus._Bus, "client", None)

    with pytest.raises(RuntimeError):
        bus.client()


@pytest.mark.parametrize(
    ("url", "verify"),
    [
        ("rediss://redis.example:6380/0", ssl.CERT_REQUIRED),
        ("rediss://redis.example:6380/0?ssl_cert_reqs=none", ssl.CERT_NONE),
    ],
)
def test_tls_is_verified_unless_the_url_says_otherwise(url, verify):
    bus.connect(url)

    connection = bus.client().connection_pool.make_connection()

    assert isinstance(connection, redis.SSLConnection)
    assert connection.cert_reqs == verify
