"""A WebSocket client of bare bytes: reads when it is told to, and may hang up anywhere."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

PATH = "/api/v1/ws/runs"
TEXT, CLOSE, PING = 1, 8, 9


class RawSocket:
    """An upgraded connection to 127.0.0.1:`port`; `received_bytes` limits what the kernel takes."""

    def __init__(self, port: int, key: str, received_bytes: int | None = None) -> None:
        self.sock = socket.socket()
        if received_bytes is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes)
        self.sock.settimeout(30)
        self.buffer = bytearray()
        try:
            self.sock.connect(("127.0.0.1", port))
            self._shake(key)
        except BaseException:
            self.sock.close()
            raise

    def _shake(self, key: str) -> None:
        lines = [f"GET {PATH} HTTP/1.1", "Host: localhost", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13", f"X-API-Key: {key}"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
        self.sock.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionRefusedError(head.decode("latin-1").partition("\r\n")[0])
        self.buffer = bytearray(rest)

    def more(self, at_most: int = 65536) -> int:
        """Reads once; how many bytes came. Raises EOFError when the server hung up."""
        data = self.sock.recv(at_most)
        if not data:
            raise EOFError
        self.buffer += data
        return len(data)

    def say(self, text: str) -> None:
        """Sends a text frame, masked as RFC 6455 §5.3 wants it."""
        data, mask = text.encode(), os.urandom(4)
        length = (
            bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe%c%c" % divmod(len(data), 256)
        )
        hidden = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.sock.sendall(b"\x81" + length + mask + hidden)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Kind and payload of each frame that is whole by now."""
        at, buffer = 0, self.buffer
        while len(buffer) - at >= 2:
            start, size = at + 2, buffer[at + 1] & 0x7F
            if size > 125:
                wide = 2 if size == 126 else 8
                size, start = int.from_bytes(buffer[start : start + wide]), start + wide
            if len(buffer) < start + size:
                break
            yield buffer[at] & 0x0F, bytes(buffer[start : start + size])
            at = start + size
        del buffer[:at]

    def next_frames(self) -> list[tuple[int, bytes]]:
        """The frames that are whole, waiting for the first. Raises EOFError."""
        while not (found := list(self.frames())):
            self.more()
        return found

    def close(self) -> None:
        """Hangs up without a word."""
        self.sock.close()
