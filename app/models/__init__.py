"""The tables. Queries as methods, no rules, no commits; every read starts from an organisation."""

from __future__ import annotations

from app.models.base import Organization, Record
from app.models.identity import ApiKey, AuditEntry, Membership, User
from app.models.pipelines import Pipeline, PipelineVersion
from app.models.runs import IdempotencyKey, Run, RunEvent, StageRun

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
    IdempotencyKey,
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
    "StageRun",
    "User",
]
