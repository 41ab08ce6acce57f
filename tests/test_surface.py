"""The routes are exactly those of `surface.txt`, each with the scope written there."""

from __future__ import annotations

from tests.api.conftest import app  # noqa: F401 a fixture
from tests.surface import found, written

UNDECLARED = ("/docs", "/docs/<asset>", "/api/v1/ws/runs")


def test_routes_are_those_written_down(app):  # noqa: F811
    assert sorted((method, path) for method, path, _ in found(app)) == sorted(
        (route.method, route.path) for route in written()
    )


def test_each_view_declares_the_scope_written_down(app):  # noqa: F811
    declared = {(method, path): scope for method, path, scope in found(app)}

    for route in written():
        if route.path not in UNDECLARED:
            assert declared[route.method, route.path] == route.scope, route


def test_no_other_view_goes_undeclared(app):  # noqa: F811
    assert {path for _, path, scope in found(app) if scope is None} == set(UNDECLARED)
