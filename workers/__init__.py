"""The workers' door: Dramatiq loads this module, hears bells and calls services.

dramatiq workers -Q runs                      executes runs
dramatiq workers -Q deliveries housekeeping   sends deliveries, keeps house, judges tests
"""

from __future__ import annotations

import sys

import config
import config.logging
from app.infra import broker, bus, database, egress
from workers.hooks import Hooks

try:
    _settings = config.settings()
    config.check_required(_settings, local=True)
except config.BadSettings as refused:
    sys.exit(f"worker: {refused}")

config.logging.configure(_settings)
database.connect(_settings.database_url, max_connections=40)
bus.connect(_settings.redis_url)
egress.connect(_settings.egress_allow)
broker.connect(_settings.broker_url, middleware=[Hooks(_settings)])

from workers import actors  # noqa: E402 - actors register with the broker that stands now

__all__ = ["actors"]
