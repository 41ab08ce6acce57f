"""How one environment variable becomes one value. Each function names the variable it refuses."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?\Z")
_NUMBERS = re.compile(r"[0-9.]+\Z")
_FERNET_KEY_BYTES = 32
_SECRET_KEY_BYTES = 32


class BadSettings(Exception):
    """A setting is wrong or missing; the text is a sentence that names it."""


def refuse(name: str, why: str) -> BadSettings:
    """The refusal of variable `name`; `why` goes on from the name, as in "must be a number"."""
    return BadSettings(f"{name} {why}.")


def text(name: str, given: str) -> str:
    """The text as it stands."""
    return given


def whole(least: int, most: int) -> Callable[[str, str], int]:
    """A reader of whole numbers from `least` to `most`."""

    def read(name: str, given: str) -> int:
        if not (given.isascii() and given.isdigit() and least <= int(given[:20]) <= most):
            raise refuse(name, f"must be a whole number from {least} to {most}")
        return int(given)

    return read


def one_of(*words: str) -> Callable[[str, str], str]:
    """A reader of one word out of `words`, in any case."""

    def read(name: str, given: str) -> str:
        if given.lower() not in words:
            raise refuse(name, f"must be one of {', '.join(words)}")
        return given.lower()

    return read


def parts(given: str) -> tuple[str, ...]:
    """The members of a comma list, without blanks and empty ones."""
    return tuple(part for part in (raw.strip() for raw in given.split(",")) if part)


def names(name: str, given: str) -> tuple[str, ...]:
    """A comma list of names of environment variables."""
    for part in parts(given):
        if not _NAME.match(part):
            raise refuse(name, f"holds {part!r}, which cannot be the name of a variable")
    return parts(given)


def _url(name: str, given: str, schemes: Collection[str], example: str) -> str:
    try:
        url = urlsplit(given)
        valid = url.scheme in schemes and (url.port or True)
    except ValueError:
        valid = False
    if not valid:
        raise refuse(name, f"must be a URL such as {example}")
    return given


def database_url(name: str, given: str) -> str:
    """A SQLite or PostgreSQL URL; `postgres://` is written as `postgresql://`."""
    given = re.sub(r"\Apostgres://", "postgresql://", given)
    _url(name, given, ("sqlite", "postgresql"), "sqlite:///file.db or postgresql://host/name")
    if urlsplit(given).path in ("", "/"):
        raise refuse(name, "names no database: its path is empty")
    return given


def redis_url(name: str, given: str) -> str:
    """A URL of a server that speaks the Redis protocol."""
    return _url(name, given, ("redis", "rediss", "unix"), "redis://127.0.0.1:6379/0")


def public_url(name: str, given: str) -> str:
    """The http or https URL under which others reach Studio, without a slash at its end."""
    url = _url(name, given, ("http", "https"), "https://studio.example.com").rstrip("/")
    if not urlsplit(url).hostname or urlsplit(url).query or urlsplit(url).fragment:
        raise refuse(name, "must be a URL such as https://studio.example.com")
    return url


def origin(name: str, given: str) -> str:
    """One web origin: scheme, host and port, nothing else, in lower case."""
    url = public_url(name, given)
    if urlsplit(url).path:
        raise refuse(name, f"holds {given!r}, but an origin has no path")
    return url.lower()


def origins(name: str, given: str) -> tuple[str, ...]:
    """A comma list of web origins."""
    return tuple(origin(name, part) for part in parts(given))


def egress(name: str, given: str) -> tuple[str, ...]:
    """A comma list of CIDR blocks and host names."""
    for part in parts(given):
        if not (_is_block(part) or (_HOST_NAME.match(part) and not _NUMBERS.match(part))):
            raise refuse(name, f"holds {part!r}, which is neither a CIDR block nor a host name")
    return parts(given)


def _is_block(given: str) -> bool:
    try:
        ipaddress.ip_network(given)
    except ValueError:
        return False
    return True


def secret_key(name: str, given: str) -> str:
    """A signing key of at least 32 bytes."""
    if len(given.encode()) < _SECRET_KEY_BYTES:
        raise refuse(name, f"must hold at least {_SECRET_KEY_BYTES} bytes")
    return given


def vault_keys(name: str, given: str) -> tuple[str, ...]:
    """A comma list of Fernet keys: URL-safe base 64 of 32 bytes each."""
    for position, key in enumerate(parts(given), start=1):
        if not _is_fernet_key(key):
            raise refuse(name, f"must be a comma list of Fernet keys; number {position} is none")
    return parts(given)


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == _FERNET_KEY_BYTES
    except (binascii.Error, ValueError):
        return False
