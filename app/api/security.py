"""Who calls and whether they may: credentials, scopes, the caller of the present request."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Request, current_app, g, request

from app.api.bodies import Blueprint, refuse_query
from app.api.local import check_local, is_loopback_address, is_own_origin, was_forwarded
from app.core.errors import Forbidden, NotFound, OriginRefused, Unauthenticated
from app.core.principal import Principal
from app.services.identity import audit
from app.services.identity.credentials import find_caller
from app.services.identity.organizations import local_administrator

NONE, ANY = "none", "any"
_SECURITY = [{"bearerAuth": []}, {"apiKey": []}]
_VERBS = {"GET": "read", "HEAD": "read", "POST": "created", "DELETE": "deleted"}
_DEEDS = {"publish": "published", "unpublish": "unpublished"}  # of the last part of a path

View = Callable[..., Any]


def requires(scope: str) -> Callable[[View], View]:
    """Marks a view with the scope it needs: a scope's name, ANY credential, or NONE.

    Stands above the decorators that read the request, so that 401 and 403 come before 415 and
    422. Also refuses query parameters where the view takes none, and tells the API document.
    """

    def mark(view: View) -> View:
        takes_query = _takes_query(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if scope != NONE:
                g.principal = admit(scope)
            if any("\0" in text for text in kwargs.values()):
                raise NotFound  # no id or name holds one, and PostgreSQL could not be asked for it
            if not takes_query:
                refuse_query()
            return view(*args, **kwargs)

        told = Blueprint.doc(
            security=[] if scope == NONE else _SECURITY, **{"x-required-scope": scope}
        )(guarded)
        told.required_scope = scope
        return told

    return mark


def _takes_query(view: View) -> bool:
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(parameter["in"] == "query" for parameter in parameters)


def admit(scope: str) -> Principal:
    """The caller of the present request. Raises Unauthenticated, Forbidden."""
    who = identify(request)
    if who is None:
        raise Unauthenticated
    g.principal = who  # a refusal, too, is written down with its name
    if scope != ANY and not who.may(scope):
        raise Forbidden(required_scope=scope)
    return who


def principal() -> Principal:
    """The caller of the present request. Only within a view that `requires` a credential."""
    who: Principal = g.principal
    return who


def identify(incoming: Request) -> Principal | None:
    """The caller of a request; None when it brings no credential and is not local.

    Raises Unauthenticated for a credential that is not good: it never makes anonymous.
    """
    token = _credential(incoming)
    if token is not None:
        return identify_token(token, incoming)
    if current_app.config["MODE"] != "local" or "X-FlowMason-Run" in incoming.headers:
        return None
    return _told(_local_administrator(), incoming)


def _local_administrator() -> Principal:
    # Nothing revokes it, so it is looked up once for this application.
    known: Principal | None = current_app.extensions.get("local_administrator")
    if known is None:
        known = current_app.extensions["local_administrator"] = local_administrator()
    return known


def identify_token(token: str, incoming: Request) -> Principal:
    """The caller that `token` stands for. Raises Unauthenticated."""
    who = find_caller(token)
    if who is None:
        raise Unauthenticated("The credential is unknown, expired or revoked.")
    return _told(who, incoming)


def _credential(incoming: Request) -> str | None:
    authorization = incoming.headers.get("Authorization")
    if authorization is None:
        return incoming.headers.get("X-API-Key")
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _told(who: Principal, incoming: Request) -> Principal:
    return replace(
        who,
        request_id=g.request_id,
        ip_address=client_address(incoming),
        user_agent=incoming.headers.get("User-Agent"),
    )


def client_address(incoming: Request) -> str | None:
    """The peer's address, or the one that as many trusted proxies as are set have vouched for."""
    return _vouched_address(incoming) or incoming.remote_addr


def _vouched_address(incoming: Request) -> str | None:
    proxies = current_app.config["SETTINGS"].trusted_proxies
    passed = incoming.headers.get("X-Forwarded-For", "").split(",")
    if proxies == 0 or len(passed) < proxies:
        return None
    try:
        return str(ipaddress.ip_address(_without_port(passed[-proxies].strip())))
    except ValueError:
        return None


def _without_port(address: str) -> str:
    # Some proxies add it: 10.0.0.1:4711, [2001:db8::1]:4711.
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def calls_from_this_machine(incoming: Request) -> bool:
    """Whether the client itself, not only a proxy before us, is on this machine."""
    vouched = _vouched_address(incoming)
    if vouched is None and was_forwarded(incoming):
        return False
    return is_loopback_address(vouched or incoming.remote_addr or "")


def check_host_and_origin() -> None:
    """Before anything else, in local mode. Raises HostRefused, OriginRefused."""
    if current_app.config["MODE"] == "local":
        check_local(request, current_app.config["SETTINGS"].cors_origins)


def check_socket_origin(incoming: Request) -> None:
    """A browser lets any page open a WebSocket, so in required mode the origin must be ours or
    one of CORS_ORIGINS. Raises OriginRefused."""
    origin, settings = incoming.headers.get("Origin"), current_app.config["SETTINGS"]
    if origin is None or current_app.config["MODE"] == "local":
        return
    if origin in settings.cors_origins or is_own_origin(origin, incoming, settings.public_url):
        return
    raise OriginRefused


def note_refusal(error: Forbidden) -> None:
    """Writes a 403 of the present request into the audit log of the caller's organisation."""
    who: Principal | None = g.get("principal")
    if who is None:
        return
    kind = (request.blueprint or "request").removesuffix("s").replace("-", "_")
    # A POST that only reads makes nothing: its scope tells.
    reads = (error.required_scope or "").endswith(":read")
    deed = _DEEDS.get(request.path.rpartition("/")[2]) or _VERBS.get(request.method, "updated")
    verb = "read" if reads else deed
    audit.refused(
        who,
        f"{kind}.{verb}",
        "forbidden",
        path=request.path[:500],
        required_scope=error.required_scope,
    )
