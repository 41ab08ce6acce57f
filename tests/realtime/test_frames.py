"""The socket below the session: whole frames, and a close that arrives."""

import socket
import threading

import pytest
from wsproto import Connection, ConnectionType

from app.realtime import frames
from app.realtime.encoding import text_frame
from app.realtime.frames import WholeSocket
from app.realtime.ports import Gone


@pytest.fixture
def pair():
    """Both ends of a connection with small buffers."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    yield ours, theirs
    ours.close()
    theirs.close()


def give_up() -> None:
    raise Gone


def read_all(end: socket.socket) -> bytes:
    got = bytearray()
    while data := end.recv(65536):
        got += data
    return bytes(got)


def test_two_senders_to_a_slow_reader_never_mix_their_frames(pair):
    ours, theirs = pair
    whole = WholeSocket(ours)
    blocks = [bytes([65 + number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=whole.send, args=(block,)) for block in blocks]
    for thread in threads:
        thread.start()
    reader = threading.Thread(target=lambda: got.append(read_all(theirs)))
    got: list[bytes] = []
    reader.start()
    for thread in threads:
        thread.join()
    ours.shutdown(socket.SHUT_WR)
    reader.join()

    chunks = [got[0][start : start + 100_000] for start in range(0, 800_000, 100_000)]
    assert sorted(chunks) == blocks


def test_sender_that_fails_ends_the_connection(pair):
    ours, theirs = pair
    whole = WholeSocket(ours, glance_seconds=0.01)
    whole.while_stalled = give_up

    with pytest.raises(Gone):
        whole.send(b"x" * 10_000_000)

    assert len(read_all(theirs)) < 10_000_000  # ends instead of going on after half a frame


def test_client_that_takes_nothing_for_a_minute_is_given_up(pair, monkeypatch):
    monkeypatch.setattr(frames, "_STALL_SECONDS", 0.05)

    with pytest.raises(TimeoutError):
        WholeSocket(pair[0], glance_seconds=0.01).send(b"x" * 10_000_000)


def test_client_that_takes_a_little_now_and_then_gets_all(pair):
    ours, theirs = pair
    whole = WholeSocket(ours, glance_seconds=0.01)
    got = bytearray()
    whole.while_stalled = lambda: got.extend(theirs.recv(65536))

    whole.send(b"x" * 1_000_000)
    ours.shutdown(socket.SHUT_WR)

    assert len(got) + len(read_all(theirs)) == 1_000_000


def test_reader_waits_for_a_silent_client(pair):
    ours, theirs = pair
    whole = WholeSocket(ours, glance_seconds=0.01)
    late = threading.Timer(0.05, theirs.send, args=(b"at last",))
    late.start()

    assert whole.recv(100) == b"at last"
    late.join()


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frame_is_what_a_client_reads(size):
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(text_frame("ä" + "x" * size))

    told = list(client.events())

    assert "".join(part.data for part in told) == "ä" + "x" * size
    assert told[-1].message_finished


def test_last_words_reach_a_client_that_is_still_talking():
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    theirs.sendall(b"never read" * 1000)
    whole = WholeSocket(ours)
    whole.send(b"last words")

    closing = threading.Thread(target=whole.close)
    closing.start()
    got = read_all(theirs)
    theirs.close()
    closing.join()

    assert got == b"last words"
