"""The web process: `gunicorn -c python:config.gunicorn 'app:create_app()'`.

One gevent process. The application is imported only in the worker, after gevent has patched the
standard library: hence no preload and no import of `app.api` here.
"""

from __future__ import annotations

import gc
import resource
from functools import partial
from typing import Any

from config import settings
from config.logging import as_dict

_WATCH_SECONDS = 0.2
_OPEN_FILES = 4096


def _bind(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


bind = _bind(settings().host, settings().port)
workers = 1
worker_class = "gevent"
worker_connections = 2000  # requests and sockets; the latter stop at app.realtime's MAX_SOCKETS
preload_app = False
timeout = 60
graceful_timeout = 25  # a platform kills 30 s after it asked
keepalive = 5  # an idle connection delays the end by so much
accesslog = None
logconfig_dict = as_dict(settings().log_level)
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# The address and scheme that proxies tell are judged by the application alone.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """Lets the process open as many files as its connections need, where it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _OPEN_FILES:
        most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def post_worker_init(worker: Any) -> None:
    """Lets other greenlets run while PostgreSQL answers, spares the collector the application, and
    prepares the end."""
    import gevent
    from psycopg2 import extensions

    from config.listener import Listener

    worker.server_class = partial(Listener, worker)
    extensions.set_wait_callback(_wait_for_postgres)
    gevent.spawn(_close_sockets_at_end, worker)
    # Whatever stands by now stays: a full collection would look through it for a tenth of a second,
    # in the middle of some request.
    gc.collect()
    gc.freeze()


def _wait_for_postgres(connection: Any) -> None:
    from gevent.socket import wait_read, wait_write
    from psycopg2 import OperationalError, extensions

    while (state := connection.poll()) != extensions.POLL_OK:
        if state == extensions.POLL_READ:
            wait_read(connection.fileno())
        elif state == extensions.POLL_WRITE:
            wait_write(connection.fileno())
        else:
            raise OperationalError("the database driver is in an unknown state")


def _close_sockets_at_end(worker: Any) -> None:
    # An idle WebSocket would hold the process for the whole graceful time.
    import gevent

    while worker.alive:
        gevent.sleep(_WATCH_SECONDS)
    from app.realtime import hub

    hub.close_all()
