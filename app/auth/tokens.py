"""Opaque credentials: made once, shown once, kept as SHA-256 (contract 08, API keys)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

API_KEY = "fm_"
_PREFIX_CHARACTERS = 8
_API_KEY_FORM = re.compile(r"fm_[A-Za-z0-9_-]{43}\Z")


class NewToken(NamedTuple):
    """A credential that was just made: its text, what is stored of it, and how lists name it."""

    text: str
    digest: str
    prefix: str


def new_api_key() -> NewToken:
    """A new API key: `fm_` and 43 base64url characters of 32 random bytes."""
    text = API_KEY + secrets.token_urlsafe(32)
    return NewToken(text, digest(text), text[:_PREFIX_CHARACTERS])


def is_api_key(text: str) -> bool:
    """Whether `text` has the form of an API key."""
    return bool(_API_KEY_FORM.match(text))


def digest(text: str) -> str:
    """What is stored of a token: the SHA-256 of its text, in lower hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)
