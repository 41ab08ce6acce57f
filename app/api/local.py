"""Local mode: only this machine, addressed as this machine, and no page of another site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from app.core.errors import HostRefused, OriginRefused

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.]+)(:[0-9]{1,5})?\Z", re.IGNORECASE)


def check_local(request: Request, cors_origins: Collection[str]) -> None:
    """Refuses what a proxy passed on, a DNS name bound to this machine, or a foreign page sends.

    Raises HostRefused, OriginRefused.
    """
    if not is_loopback_address(request.remote_addr or "") or was_forwarded(request):
        raise HostRefused
    if not is_loopback_host(request.environ.get("HTTP_HOST", "")):
        raise HostRefused
    origin = request.headers.get("Origin")
    if origin is not None and origin not in cors_origins and not is_loopback_origin(origin):
        raise OriginRefused


def was_forwarded(request: Request) -> bool:
    """Whether a proxy says that it passed the request on."""
    names = [name.lower() for name, _ in request.headers]
    return any(name in ("forwarded", "via") or name.startswith("x-forwarded-") for name in names)


def is_loopback_address(text: str) -> bool:
    """Whether the text is an address of this machine that no other can reach."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a Host value is localhost, 127.0.0.0/8 or [::1], with any port or none."""
    found = _HOST.match(host)
    if found is None:
        return False
    name = found[1].lower()
    return name == "localhost" or is_loopback_address(name.strip("[]"))


def is_loopback_origin(origin: str) -> bool:
    """Whether an Origin value is http or https on a loopback host."""
    scheme, found, host = origin.partition("://")
    return scheme in ("http", "https") and bool(found) and is_loopback_host(host)


def is_own_origin(origin: str, request: Request, public_url: str | None) -> bool:
    """Whether an Origin value is where this server itself is reached."""
    host = request.environ.get("HTTP_HOST", "")
    own = {f"http://{host}", f"https://{host}"} if host else set()
    if public_url:
        parts = urlsplit(public_url)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return origin.lower() in {one.lower() for one in own}
