"""A pipeline document in the engine's form: frozen, canonical names, defaults filled in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.wire import JSON


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed attempt is followed by another, and after how long (contract 01, 03)."""

    max_attempts: int = 1
    initial_delay_ms: int = 1000
    max_delay_ms: int = 30_000
    multiplier: float = 2
    jitter: bool = True
    retry_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as written, aliases resolved."""

    id: str
    component_type: str
    name: str | None = None
    config: Mapping[str, JSON] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    when: str | None = None
    timeout_ms: int | None = None
    retry: RetryPolicy = RetryPolicy()
    on_error: str = "fail"
    llm: Mapping[str, JSON] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A pipeline as written, aliases resolved. Made by `read_document`."""

    name: str
    stages: tuple[Stage, ...] = ()
    input_schema: Mapping[str, JSON] = field(default_factory=dict)
    output_schema: Mapping[str, JSON] = field(default_factory=dict)
    output_stage_id: str | None = None
    max_concurrency: int = 10


#: The members of a document and what an absent one means, in the order shown (contract 01).
DOCUMENT_DEFAULTS: Mapping[str, JSON] = {
    "name": None,
    "version": None,
    "description": "",
    "input_schema": {},
    "output_schema": {},
    "stages": [],
    "output_stage_id": None,
    "output_config": None,
    "max_concurrency": 10,
    "tags": [],
    "category": None,
    "is_template": False,
    "sample_input": None,
    "metadata": {},
}

RETRY_DEFAULTS: Mapping[str, JSON] = {
    "max_attempts": 1,
    "initial_delay_ms": 1000,
    "max_delay_ms": 30_000,
    "multiplier": 2,
    "jitter": True,
    "retry_on": [],
}

LLM_MEMBERS = ("provider", "model", "temperature", "max_tokens", "top_p", "stop")

#: Canonical member -> the aliases that stand for it, the stronger first.
STAGE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "component_type": ("component", "type"),
    "retry": ("retry_config",),
    "llm": ("llm_settings",),
}


def written_as(stage: Mapping[str, JSON], member: str) -> str:
    """The name under which this stage gives `member`: the canonical one, else an alias."""
    names = (member, *STAGE_ALIASES.get(member, ()))
    return next((name for name in names if name in stage), member)


def normalize(raw: Mapping[str, JSON]) -> dict[str, JSON]:
    """The document as it is stored and shown: canonical names, every member there, in the order of
    contract 01. `raw` has no problems."""
    document = {name: raw.get(name, default) for name, default in DOCUMENT_DEFAULTS.items()}
    document["stages"] = [_normal_stage(stage) for stage in document["stages"]]
    return copy.deepcopy(document)


def _normal_stage(raw: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        "id": raw["id"],
        "component_type": raw[written_as(raw, "component_type")],
        "name": raw.get("name"),
        "config": merged_config(raw),
        "depends_on": raw.get("depends_on", []),
        "when": raw.get("when"),
        "timeout_ms": raw.get("timeout_ms"),
        "retry": _normal_retry(raw),
        "on_error": "fail" if raw.get("on_error") == "propagate" else raw.get("on_error", "fail"),
        "llm": _normal_llm(raw.get(written_as(raw, "llm"))),
        "position": raw.get("position"),
    }


def merged_config(raw: Mapping[str, JSON]) -> dict[str, JSON]:
    """The component's inputs as written: `input_mapping` with `config` laid over it."""
    return {**raw.get("input_mapping", {}), **raw.get("config", {})}


def _normal_retry(stage: Mapping[str, JSON]) -> dict[str, JSON]:
    given = dict(stage.get(written_as(stage, "retry"), {}))
    if "max_retries" in given:
        given.setdefault("max_attempts", given["max_retries"] + 1)
    if "backoff_multiplier" in given:
        given.setdefault("multiplier", given["backoff_multiplier"])
    return {name: given.get(name, default) for name, default in RETRY_DEFAULTS.items()}


def _normal_llm(given: Mapping[str, JSON] | None) -> dict[str, JSON] | None:
    if given is None:
        return None
    given = {"stop": given.get("stop_sequences"), **given}
    return {name: given.get(name) for name in LLM_MEMBERS}


def read_document(raw: Mapping[str, JSON]) -> Document:
    """The engine's form of a document that has no problems, stored or as its author wrote it."""
    normal = normalize(raw)
    return Document(
        name=normal["name"],
        stages=tuple(map(_read_stage, normal["stages"])),
        input_schema=normal["input_schema"],
        output_schema=normal["output_schema"],
        output_stage_id=normal["output_stage_id"],
        max_concurrency=int(normal["max_concurrency"]),
    )


def _read_stage(normal: Mapping[str, JSON]) -> Stage:
    retry = normal["retry"]
    return Stage(
        id=normal["id"],
        component_type=normal["component_type"],
        name=normal["name"],
        config=normal["config"],
        depends_on=tuple(normal["depends_on"]),
        when=normal["when"],
        timeout_ms=normal["timeout_ms"],
        retry=RetryPolicy(**{**retry, "retry_on": tuple(retry["retry_on"])}),
        on_error=normal["on_error"],
        llm=normal["llm"],
    )
