"""A saved pipeline, and changes of it."""

from __future__ import annotations

import pytest

from app.infra import broker
from app.models.pipelines import Pipeline, PipelineVersion
from app.services.pipelines.documents import create_pipeline
from app.services.pipelines.updating import update_pipeline

DOCUMENT = {
    "name": "p",
    "description": "first",
    "tags": ["x"],
    "category": "c",
    "max_concurrency": 3,
    "metadata": {"b": 1, "a": 2},
    "stages": [{"id": "a", "type": "logger", "config": {"message": "hi"}}],
}


@pytest.fixture
def settings(settings):
    """The settings, with the process connected to the broker that they name."""
    broker.connect(settings.broker_url)
    return settings


@pytest.fixture
def made(who) -> dict:
    """A pipeline of version 1.0.0."""
    return create_pipeline(who, DOCUMENT).body


@pytest.fixture
def update(who, made):
    """Changes the pipeline; gives what is answered."""

    def update(**members) -> dict:
        return update_pipeline(who, made["id"], members).body

    return update


def saved() -> list[str]:
    """All versions, the lowest first."""
    return [row.version for row in PipelineVersion.select().order_by(PipelineVersion.sort_key)]


def row() -> Pipeline:
    """The row of the one pipeline."""
    return Pipeline.get()
