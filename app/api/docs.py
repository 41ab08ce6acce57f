"""`GET /docs`: the API in a browser, over openapi.json. Nothing of it comes from elsewhere."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, Response, request

from app.core.errors import NotFound

ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "favicon-16x16.png": "image/png",
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",
    "NOTICE": "text/plain; charset=utf-8",
}
# Swagger UI draws its icons from data: URLs; scripts and styles come from files only.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOLDER = Path(__file__).parent / "static" / "docs"

blp = Blueprint("docs", __name__, url_prefix="/docs")


def register_docs(app: Flask) -> None:
    """Adds the page and its assets to `app`."""
    app.register_blueprint(blp)


@blp.get("")
def page() -> Response:
    """The page; needs no credential, as the document that it shows needs none."""
    return _served("index.html", "text/html; charset=utf-8")


@blp.get("/<asset>")
def asset(asset: str) -> Response:
    """One file of the page. Raises NotFound for any other name."""
    if asset not in ASSETS:
        raise NotFound
    return _served(asset, ASSETS[asset])


def _served(name: str, content_type: str) -> Response:
    response = Response((_FOLDER / name).read_bytes(), content_type=content_type)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    # Kept, but asked for again: a new version of Studio changes the files, not their names.
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
