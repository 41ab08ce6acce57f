"""http_request: one request to the outside world, redirects followed one vetted hop at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlencode

import ada_url

from app.components.http_body import read_answer_body, write_body
from app.core import wire
from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Effect, Field, Kind
from app.engine.context import StageContext

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
REDIRECTS = frozenset((301, 302, 303, 307, 308))
MAX_REDIRECTS = 5


class HttpRequest(Component):
    """Sends a request and gives status, headers and body; an error status does not fail it."""

    type = "http_request"
    effect = Effect.EFFECTFUL
    fields: ClassVar[Mapping[str, Field]] = {
        "url": Field(Kind.STRING, required=True, description="Absolute http or https URL"),
        "method": Field(Kind.STRING, default="GET", choices=METHODS),
        "headers": Field(Kind.OBJECT, default={}, items=Field(Kind.STRING)),
        "body": Field(Kind.ANY, description="Objects and arrays are sent as JSON"),
        "params": Field(Kind.OBJECT, default={}, description="Added to the query"),
        "timeout": Field(Kind.INTEGER, default=30, low=1, high=300, description="Seconds"),
        "follow_redirects": Field(Kind.BOOLEAN, default=True),
        "verify_ssl": Field(Kind.BOOLEAN, default=True),
    }
    outputs: ClassVar[Mapping[str, Field]] = {
        "status_code": Field(Kind.INTEGER, required=True),
        "headers": Field(
            Kind.OBJECT, required=True, items=Field(Kind.STRING), description="Names in lower case"
        ),
        "body": Field(Kind.ANY, required=True, description="JSON, else text, else base64 text"),
        "elapsed_ms": Field(Kind.INTEGER, required=True, low=0),
        "success": Field(Kind.BOOLEAN, required=True, description="The status is 200 to 399"),
        "url": Field(Kind.STRING, required=True, description="The one that answered"),
    }
    about: ClassVar[About] = About(
        name="HTTP request",
        description="Sends a request to a web address and gives its answer.",
        category=Category.INTEGRATION,
        icon="globe",
        color="#2563eb",
        tags=("http", "rest", "api", "web"),
        examples=(
            Example(
                config={"url": "https://example.com/orders/{{ input.id }}"},
                output={
                    "status_code": 200,
                    "headers": {"content-type": "application/json"},
                    "body": {"id": 7, "total": 12.5},
                    "elapsed_ms": 41,
                    "success": True,
                    "url": "https://example.com/orders/7",
                },
            ),
        ),
    )

    def timeout_of(self, inputs: SimpleNamespace) -> int:
        """Its `timeout` and 5 s, so that its own error comes first."""
        return int(inputs.timeout) * 1000 + 5000

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """Raises StageError: SECURITY, CONNECTIVITY, TIMEOUT, VALIDATION, EXECUTION."""
        began = time.monotonic()
        request = _Request(context, inputs)
        answer = request.send(began + inputs.timeout)
        while inputs.follow_redirects and request.follow(answer):
            answer = request.send(began + inputs.timeout)
        return {
            "status_code": answer.status,
            "headers": _joined(answer.headers),
            "body": read_answer_body(answer.header("content-type") or "", answer.body),
            "elapsed_ms": round((time.monotonic() - began) * 1000),
            "success": 200 <= answer.status < 400,
            "url": answer.url,
        }


class _Request:
    """The request as it stands at the present hop."""

    def __init__(self, context: StageContext, inputs: SimpleNamespace) -> None:
        self._context = context
        self._inputs = inputs
        self._hops = 0
        self.method = inputs.method
        self.url = with_params(inputs.url, inputs.params)
        self.headers = {name.lower(): value for name, value in inputs.headers.items()}
        self.body, content_type = write_body(inputs.body)
        if content_type:
            self.headers.setdefault("content-type", content_type)
        if self.method not in SAFE:
            self.headers.setdefault("idempotency-key", context.idempotency_key)

    def send(self, ends_at: float) -> Any:
        """One hop, in what is left of the time."""
        self._context.check()
        left = ends_at - time.monotonic()
        if left <= 0:
            raise StageError("TIMEOUT", f"The redirects took over {self._inputs.timeout} seconds.")
        assert self._context.http is not None
        return self._context.http.request(
            self.method,
            self.url,
            headers=self.headers,
            body=self.body,
            timeout_seconds=left,
            verify_ssl=self._inputs.verify_ssl,
            max_bytes=self._context.max_output_bytes,
        )

    def follow(self, answer: Any) -> bool:
        """Turns to where the answer points; False when it is no redirect. Raises StageError."""
        location = _first(answer.headers, "location")
        if answer.status not in REDIRECTS or not location:
            return False
        self._hops += 1
        if self._hops > MAX_REDIRECTS:
            raise StageError("EXECUTION", f"There were more than {MAX_REDIRECTS} redirects.")
        self._turn_to(joined_url(answer.url, location))
        if self._becomes_get(answer.status):
            self._drop_body()
        return True

    def _turn_to(self, url: str) -> None:
        if _origin(url) != _origin(self.url):
            self._drop("authorization", "cookie")
        self.url = url

    def _becomes_get(self, status: int) -> bool:
        """RFC 9110 section 15.4: 303 asks for another resource; 301 and 302 do it by habit."""
        if status == 303:
            return self.method not in ("GET", "HEAD")
        return status in (301, 302) and self.method == "POST"

    def _drop_body(self) -> None:
        self.method, self.body = "GET", None
        self._drop("content-type", "content-encoding", "content-language", "idempotency-key")

    def _drop(self, *names: str) -> None:
        for name in names:
            self.headers.pop(name, None)


def with_params(url: str, params: Mapping[str, JSON]) -> str:
    """The URL with parameters appended to its query; arrays repeat the name."""
    added = urlencode(list(_pairs(params)))
    if not added:
        return url
    head, mark, fragment = url.partition("#")
    joint = "?" if "?" not in head else "" if head.endswith(("?", "&")) else "&"
    return f"{head}{joint}{added}{mark}{fragment}"


def _pairs(params: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, _text(item)


def _text(value: JSON) -> str:
    """As a template embedded in text would give it (contract 01)."""
    if isinstance(value, str):
        return value
    return "" if value is None else wire.dumps(value)


def joined_url(base: str, location: str) -> str:
    """Where a Location header points (RFC 9110 section 10.2.2). Raises StageError EXECUTION."""
    try:
        # Headers arrive as Latin-1, while paths beyond ASCII are sent as UTF-8.
        reference = location.encode("latin-1").decode("utf-8", "replace")
        return ada_url.join_url(base, reference)
    except ValueError:
        raise StageError("EXECUTION", "The answer redirects to something that is no URL.") from None


def _origin(url: str) -> str:
    try:
        return str(ada_url.URL(url).origin)
    except ValueError:
        return ""


def _first(headers: tuple[tuple[str, str], ...], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _joined(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
