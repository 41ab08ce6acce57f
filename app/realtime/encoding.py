"""How a text travels from the server to a client (RFC 6455 §5.2)."""

from __future__ import annotations

import struct

_WHOLE_TEXT = 0x81  # final fragment, opcode 1; servers do not mask


def text_frame(text: str) -> bytes:
    """A whole text frame; without masks and compression it is the same for every client."""
    data = text.encode()
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", _WHOLE_TEXT, size)
    elif size < 65536:
        head = struct.pack("!BBH", _WHOLE_TEXT, 126, size)
    else:
        head = struct.pack("!BBQ", _WHOLE_TEXT, 127, size)
    return head + data
