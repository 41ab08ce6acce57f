"""Reads the body of an answer in bounded pieces, unpacking as it goes."""

from __future__ import annotations

import http.client
import zlib

from app.core.errors import StageError

CHUNK_BYTES = 65_536
_WRAPPINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def read_body(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The whole body, without gzip or deflate; other codings stay as they are.

    Raises StageError EXECUTION when it is larger than `limit` bytes, packed or unpacked, and when
    it does not unpack; HTTPException when it is cut off.
    """
    coding = (response.headers.get("Content-Encoding") or "").strip().lower()
    unpack = _Unpacking(_WRAPPINGS[coding]) if coding in _WRAPPINGS else None
    body = bytearray()
    received = 0
    while chunk := response.read1(CHUNK_BYTES):
        received += len(chunk)
        body += unpack.feed(chunk, limit - len(body) + 1) if unpack else chunk
        if max(received, len(body)) > limit:
            raise StageError("EXECUTION", f"The answer is larger than {limit} bytes.")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    if unpack and received and not unpack.is_over:
        raise StageError("EXECUTION", "The answer does not unpack: it is cut off.")
    return bytes(body)


class _Unpacking:
    """A zlib stream that never makes more than it is asked for."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._fresh = True

    @property
    def is_over(self) -> bool:
        """Whether the packed data came to its end."""
        return self._stream.eof

    def feed(self, chunk: bytes, room: int) -> bytes:
        """At most `room` bytes; a caller who gets that many has had enough."""
        made = b""
        try:
            while chunk and len(made) < room:
                made += self._step(chunk, room - len(made))
                chunk = self._stream.unused_data
        except zlib.error:
            raise StageError("EXECUTION", "The answer does not unpack.") from None
        return made

    def _step(self, chunk: bytes, room: int) -> bytes:
        if self._stream.eof:  # gzip may hold several members, RFC 1952 section 2.2
            self._stream = zlib.decompressobj(self._wbits)
        try:
            return self._stream.decompress(chunk, room)
        except zlib.error:
            if self._wbits != zlib.MAX_WBITS or not self._fresh:
                raise
            # Some servers send "deflate" without the zlib wrapping that RFC 9110 asks for.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._stream.decompress(chunk, room)
        finally:
            self._fresh = False
