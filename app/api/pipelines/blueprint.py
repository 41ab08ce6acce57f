"""What every route of pipelines stands below."""

from __future__ import annotations

from app.api.bodies import Blueprint

PATH = "/api/v1/pipelines"
blp = Blueprint("pipelines", __name__, url_prefix=PATH, description="What can be run.")
