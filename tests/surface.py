"""Reading `surface.txt`, and what an application really has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flask import Flask

_ADDED_BY_FLASK = {"HEAD", "OPTIONS"}


class Route(NamedTuple):
    """One line of the surface."""

    method: str
    path: str
    scope: str


def written() -> list[Route]:
    """The routes of `surface.txt`."""
    lines = (Path(__file__).parent / "surface.txt").read_text().splitlines()
    return [Route(*line.split(" ")) for line in lines if line and not line.startswith("#")]


def found(app: Flask) -> Iterator[tuple[str, str, str | None]]:
    """Method and path of every route of `app`, and the scope its view declares, if it does."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in rule.methods - _ADDED_BY_FLASK:
            handler = getattr(getattr(view, "view_class", None), method.lower(), None)
            yield method, rule.rule, getattr(handler, "required_scope", None)
