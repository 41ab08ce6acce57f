"""The tables. Queries as methods, no rules, no commits; every read starts from an organisation."""

from __future__ import annotations

from app.models.base import Organization, Record
from app.models.identity import ApiKey, AuditEntry, Membership, User
from app.models.pipelines import Pipeline, PipelineVersion
from app.models.runs import IdempotencyKey, Run, RunEvent, StageRun
from app.models.snapshots import Snapshot
from app.models.testing import TestRun

#: Every table, parents before children.
ALL: tuple[type[Record], ...] = (
    Organization,
    User,
    Membership,
    ApiKey,
    AuditEntry,
    Pipeline,
    PipelineVersion,
    Run,
    StageRun,
    RunEvent,
    Snapshot,
    IdempotencyKey,
    TestRun,
)

__all__ = [
    "ALL",
    "ApiKey",
    "AuditEntry",
    "IdempotencyKey",
    "Membership",
    "Organization",
    "Pipeline",
    "PipelineVersion",
    "Record",
    "Run",
    "RunEvent",
    "Snapshot",
    "StageRun",
    "TestRun",
    "User",
]
