"""Studio over HTTP, for the commands that speak to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from app.cli.home import Home, Refused
from app.core import wire
from config import Settings

_LARGEST_PAGE = 200
_TIMEOUT = urllib3.Timeout(connect=3, read=30)
#: What stands in front of Studio, or Studio itself, says so while it cannot serve.
_AWAY = (502, 503, 504)


def find_url(explicit: str | None, settings: Settings) -> str:
    """Where Studio is: what was said, else what was started from this folder, else the port."""
    if explicit:
        return (explicit if "://" in explicit else f"http://{explicit}").rstrip("/")
    running = Home(settings.home).running()
    return running.url if running else f"http://127.0.0.1:{settings.port}"


def pipeline_path(reference: str) -> str:
    """The path of the pipeline that `name`, `id` or either with `@version` means."""
    return "/api/v1/pipelines/" + _segment(reference)


def run_path(run_id: str) -> str:
    """The path of the run of this id."""
    return "/api/v1/runs/" + _segment(run_id)


def _segment(name: str) -> str:
    text = quote(name, safe="@")
    # A client would take a name of dots for a place in the path.
    return text if text.strip(".") else text.replace(".", "%2E")


class Unreachable(Refused):
    """No Studio answers; it may be there again in a moment."""


class Answered(Refused):
    """Studio refused; `code` and `errors` (sentences by JSON pointer) are those of the problem
    document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status_code = status
        self.code = problem.get("code")
        self.detail = problem.get("detail") or f"Studio answered {status}."
        self.errors: dict[str, list[str]] = problem.get("errors") or {}
        sentences = [self.detail]
        for pointer, why in self.errors.items():
            sentences.append(f"{pointer or 'body'}: {' '.join(why)}")
        if status == 401:
            sentences.append("Say who you are with --api-key or FLOWMASON_API_KEY.")
        super().__init__("\n  ".join(sentences))


class Client:
    """Calls of the API at `url`, with an API key when there is one. All calls raise Refused."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        if not (api_key or "").isascii() or not (api_key or "").isprintable():
            raise Refused("The API key holds characters that no API key has.")
        self.url = url
        self._key = api_key
        headers = {"Accept": "application/json", **({"X-API-Key": api_key} if api_key else {})}
        self._http = urllib3.PoolManager(headers=headers, timeout=_TIMEOUT, retries=False)

    def get(self, path: str) -> Any:
        """The answer of a GET."""
        return self._call("GET", path)

    def find(self, path: str) -> Any:
        """The answer of a GET; None when there is no such thing."""
        try:
            return self.get(path)
        except Answered as answer:
            if answer.status_code != 404:
                raise
            return None

    def pages(
        self, path: str, query: Mapping[str, Any], size: int = _LARGEST_PAGE
    ) -> Iterator[Any]:
        """The items of a list, page by page as they are asked for, `size` at once at most."""
        asked = {name: value for name, value in query.items() if value is not None}
        asked["limit"] = min(size, _LARGEST_PAGE)
        while True:
            page = self.get(f"{path}?{urlencode(asked, doseq=True)}")
            yield from page["items"]
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]

    def post(self, path: str, body: Any) -> Any:
        """The answer of a POST."""
        return self._call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        """The answer of a PUT."""
        return self._call("PUT", path, body)

    def curl(self, path: str, *words: str) -> str:
        """The line that does the same by hand, `words` are what it takes beyond a GET."""
        key = ['-H "X-API-Key: $FLOWMASON_API_KEY"'] if self._key else []
        return " ".join(["curl", self.url + path, *key, *words])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        sent = {} if body is None else {"json": body}
        try:
            answer = self._http.request(method, self.url + path, **sent)
        except (urllib3.exceptions.HTTPError, UnicodeError):
            raise Unreachable(
                f"No Studio answers at {self.url}: start one with `fm studio start`, or say"
                " where it is with --url."
            ) from None
        return self._understood(answer)

    def _understood(self, answer: urllib3.BaseHTTPResponse) -> Any:
        if answer.status in _AWAY:
            raise Unreachable(f"Studio at {self.url} is there and cannot serve just now.")
        found = _read(answer.data)
        # Each answer of Studio has a request id; what has none is told apart by it.
        if "X-Request-ID" not in answer.headers or found is _NOT_JSON:
            raise Refused(f"What answers at {self.url} is no Studio.")
        if answer.status >= 400:
            raise Answered(answer.status, found if isinstance(found, dict) else {})
        return found


_NOT_JSON = object()


def _read(data: bytes) -> Any:
    try:
        return wire.read(data) if data else None
    except ValueError:
        return _NOT_JSON
