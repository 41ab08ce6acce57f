"""The socket below the session: whole frames, and a close that arrives."""

import socket
import threading

import pytest

from app.realtime.frames import WholeSocket


@pytest.fixture
def pair():
    """Both ends of a connection with small buffers."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    yield ours, theirs
    ours.close()
    theirs.close()


def read_all(end: socket.socket) -> bytes:
    got = bytearray()
    while data := end.recv(65536):
        got += data
    return bytes(got)


def test_two_senders_to_a_slow_reader_never_mix_their_frames(pair):
    ours, theirs = pair
    whole = WholeSocket(ours)
    frames = [bytes([65 + number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=whole.send, args=(frame,)) for frame in frames]
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
    assert sorted(chunks) == frames


def test_sender_that_fails_ends_the_connection(pair):
    ours, theirs = pair
    whole = WholeSocket(ours)
    ours.settimeout(0.05)

    with pytest.raises(OSError):
        whole.send(b"x" * 10_000_000)

    assert len(read_all(theirs)) < 10_000_000  # ends instead of going on after half a frame


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
