"""Reading what a request brings: its body within the size limit, its query, in strict types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request, current_app, g, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.core import wire
from app.core.errors import TooLarge, UnsupportedMediaType, ValidationFailed
from app.core.wire import JSON


def read_object() -> dict[str, JSON]:
    """The JSON object of the present request's body; {} when there is no body.

    Raises UnsupportedMediaType, TooLarge, MalformedJson, JsonTooDeep.
    """
    if request.content_length and not _says_json(request):
        raise UnsupportedMediaType
    text = _read()
    if not text:
        return {}
    if not _says_json(request):
        raise UnsupportedMediaType
    return wire.loads_object(text)


def body() -> dict[str, JSON]:
    """The body of the present request as it was sent, without defaults. Only in a view whose
    arguments come from it."""
    given: dict[str, JSON] = g.body
    return given


def _read() -> bytes:
    limit: int = current_app.config["SETTINGS"].max_body_bytes
    # A chunked body is cut at Werkzeug's limit without a word: one byte more tells that it is cut.
    request.max_content_length = limit + 1
    try:
        text = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge(limit) from None
    if len(text) > limit:
        raise TooLarge(limit)
    return text


def _says_json(incoming: Request) -> bool:
    charset = incoming.mimetype_params.get("charset", "utf-8").lower()
    return incoming.mimetype == "application/json" and charset in ("utf-8", "utf8")


def read_query() -> dict[str, str | list[str]]:
    """The query of the present request; a name that was given twice has a list."""
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in request.args.lists()}


def refuse_query() -> None:
    """For a path without query parameters. Raises ValidationFailed when there are some."""
    if request.args:
        raise ValidationFailed({name: ["Unknown query parameter."] for name in request.args})


class StrictParser(FlaskParser):
    """Webargs over `read_object`, whose refusals name a JSON pointer or a query parameter."""

    DEFAULT_UNKNOWN_BY_LOCATION = {}  # noqa: RUF012 the schema itself says: RAISE

    def load_json(self, req: Request, schema: Any) -> dict[str, JSON]:
        g.body = read_object()
        return body()

    def load_querystring(self, req: Request, schema: Any) -> dict[str, Any]:
        return read_query()

    def handle_error(self, error: ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        ((location, messages),) = error.messages_dict.items()
        if location == "query":
            raise ValidationFailed({name: list(_told(found)) for name, found in messages.items()})
        raise ValidationFailed(dict(_pointers(messages, ())))


def _pointers(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    if isinstance(messages, dict):
        for name, found in messages.items():
            yield from _pointers(found, path if name == "_schema" else (*path, str(name)))
    else:
        yield wire.pointer(*path), list(messages)


def _told(found: Any) -> Iterator[str]:
    return (sentence for _, told in _pointers(found, ()) for sentence in told)


class Blueprint(SmorestBlueprint):
    """A resource's routes, reading strictly."""

    ARGUMENTS_PARSER = StrictParser()
