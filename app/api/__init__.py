"""The HTTP door: parses, calls one service, renders. Decides nothing, touches no table.

One folder per word, one file per resource with its schemas beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

import config
from app.api import cors, health, hooks, metrics, openapi, problems
from app.api.docs import register_docs
from app.api.identity import apikeys, me
from app.api.library import registry
from app.api.pipelines import pipelines
from app.api.runs import (
    control,
    patching,
    replay,
    run,
    runs,
    socket,
    stages,
    stream,
    tests,
    timetravel,
    what_if,
)
from app.infra import broker, bus, database

_BLUEPRINTS = (
    health.blp,
    metrics.blp,
    openapi.blp,
    me.blp,
    apikeys.blp,
    pipelines.blp,
    runs.blp,
    control.blp,
    patching.blp,
    stages.blp,
    run.blp,
    stream.blp,
    tests.blp,
    timetravel.blp,
    replay.blp,
    what_if.blp,
    registry.blp,
)


def create_app(
    enable_cors: bool = True,
    cors_origins: Iterable[str] | None = None,
    mode: str = "required",
) -> Flask:
    """The WSGI application of this process, connected to what the settings name.

    `cors_origins` are allowed beside those of CORS_ORIGINS. Raises config.BadSettings when a
    required setting is missing, or for FLOWMASON_AUTH=local in another mode.
    """
    settings = config.settings()
    config.check_required(settings, local=mode == "local")
    database.connect(settings.database_url)
    bus.connect(settings.redis_url)
    broker.connect(settings.broker_url)
    return build_app(mode, settings, enable_cors, cors_origins or ())


def build_app(
    mode: str,
    settings: config.Settings,
    enable_cors: bool = True,
    cors_origins: Iterable[str] = (),
) -> Flask:
    """The routes with their checks, over whatever the process is connected to."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # a doubled slash is another path: 404, no redirect
    app.config.update(MODE=mode, SETTINGS=settings)
    hooks.register(app)
    problems.register(app)
    if enable_cors:
        origins = {*settings.cors_origins, *cors_origins}
        cors.register(app, origins, any_loopback=settings.environment == "development")
    api = openapi.configure(app)
    for blueprint in _BLUEPRINTS:
        api.register_blueprint(blueprint)
    register_docs(app)
    socket.register(app)
    return app
