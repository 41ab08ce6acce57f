"""The end of the web process: what has connected is answered, though the listener is closed."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import gevent.socket
import pytest
from gevent.pool import Pool

from config.listener import Listener


@pytest.fixture
def bound(tmp_path, monkeypatch):
    """A listening socket whose clients are in its queue as soon as they have connected."""
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    listening = gevent.socket.socket(socket.AF_UNIX)
    listening.bind("web")
    listening.listen()
    yield listening
    listening.close()


@pytest.fixture
def connected():
    """Clients that have connected, in that order."""
    clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    yield clients
    for client in clients:
        client.close()


def say_where(listener, client, address):
    client.sendall(listener.getsockname().encode())


def test_closing_answers_what_nobody_took_yet(bound, connected):
    pool = Pool(10)
    listener = Listener(SimpleNamespace(handle=say_where), bound, spawn=pool)
    for client in connected:
        client.connect("web")

    listener.close()
    pool.join()

    assert [client.recv(9) for client in connected] == [b"web"] * 3
    assert listener.closed


def test_closing_takes_no_more_than_the_pool_has_room_for(bound, connected):
    pool = Pool(2)
    taken = []
    listener = Listener(SimpleNamespace(handle=lambda *call: taken.append(call)), bound, spawn=pool)
    for client in connected:
        client.connect("web")

    listener.close()
    pool.join()

    assert len(taken) == 2


def test_closing_twice_is_closing_once(bound):
    listener = Listener(SimpleNamespace(handle=say_where), bound, spawn=Pool(1))

    listener.close()
    listener.stop()

    assert listener.closed
