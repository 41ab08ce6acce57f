"""Which addresses a pipeline may not reach, and what a URL really names (contract 06)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import ada_url

from app.core.errors import StageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32"),
        *("2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
# Both carry an IPv4 address in their last 32 bits and are judged by it.
CARRIERS = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))

DEFAULT_PORTS = {"http": 80, "https": 443}

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//([^/?#\\]*))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def read_address(text: str) -> Address | None:
    """The address that a literal stands for, unwrapped when it carries an IPv4 one; else None.

    Brackets and a zone are accepted, since the resolver gives the latter.
    """
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and any(address in net for net in CARRIERS):
        return ipaddress.IPv4Address(address.packed[12:])
    return address


def refused_block(address: Address) -> Network | None:
    """The refused block in which the address lies, or None."""
    return next((block for block in REFUSED if address in block), None)


def is_number_host(host: str) -> bool:
    """Whether resolvers would read this name as an address in disguise: `127.1`, `0x7f000001`.

    The rule is WHATWG's "ends in a number"; a plain dotted quad is no disguise.
    """
    if read_address(host) is not None:
        return False
    return _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


@dataclass(frozen=True, slots=True)
class Target:
    """An http or https URL, taken apart. `host` has no brackets; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says: the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454)."""
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        """The normalised URL without its fragment."""
        return self.origin + self.path


def read_target(url: str) -> Target:
    """Takes a URL apart after judging its raw text: the parser would quietly mend what misleads.

    Raises StageError: SECURITY for another scheme, a backslash before the query and a number host;
    VALIDATION for userinfo, control characters and anything that is no absolute URL.
    """
    raw = url.strip(" ")
    authority = _judge_raw(raw)
    try:
        parsed = ada_url.URL(raw)
    except ValueError:  # UnicodeEncodeError too
        raise StageError("VALIDATION", "The URL is not valid.") from None
    host = parsed.hostname.strip("[]").removesuffix(".")
    if not host:
        raise StageError("VALIDATION", "The URL names no host.")
    _judge_mended(authority, host)
    scheme = parsed.protocol.removesuffix(":")
    port = int(parsed.port) if parsed.port else DEFAULT_PORTS[scheme]
    return Target(scheme, host, port, parsed.pathname + parsed.search)


def _judge_raw(raw: str) -> str:
    """The authority as it was written."""
    if _CONTROL.search(raw):
        raise StageError("VALIDATION", "The URL holds control characters.")
    match = _ABSOLUTE.match(raw)
    if match and match[1].lower() not in DEFAULT_PORTS:
        raise StageError("SECURITY", f"The scheme {match[1][:32]} is refused: only http and https.")
    if "\\" in re.split(r"[?#]", raw, maxsplit=1)[0]:
        raise StageError("SECURITY", "The URL holds a backslash, which programs read differently.")
    if not match or not match[3]:
        raise StageError(
            "VALIDATION", "The URL is not absolute: it must begin with http(s)://HOST."
        )
    if "@" in match[3]:
        raise StageError("VALIDATION", "The URL holds a user name or password; send a header.")
    return match[3]


def _judge_mended(authority: str, host: str) -> None:
    """Refuses an IPv4 address that the parser made of something else, `0x7f.1` or `%31%32...`."""
    if ":" in host or read_address(host) is None:
        return
    if authority.partition(":")[0].removesuffix(".") != host:
        raise number_refusal(authority.partition(":")[0])


def number_refusal(host: str) -> StageError:
    """The error for a number that stands for an address."""
    return StageError("SECURITY", f"The host {host[:80]!r} is a number; write the address out.")
