"""The members of a document and of its stages (contract 01, Document and Stage)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core import wire
from app.core.errors import ERROR_TYPES
from app.core.wire import JSON
from app.engine.validation.checks import (
    Check,
    anything,
    array,
    boolean,
    mapping,
    metadata,
    no_outputs,
    nullable,
    number,
    one_of,
    pipeline_name,
    stage_id,
    stage_list,
    tag_list,
    text,
    version,
)

Finding = tuple[str, str, str]  #: pointer, code, sentence


class Shape:
    """The members of an object. `lists` are the arrays whose elements are checked one by one."""

    def __init__(
        self,
        members: Mapping[str, Check],
        required: tuple[str, ...] = (),
        lists: Mapping[str, Check] | None = None,
    ) -> None:
        self.members = members
        self.required = required
        self.lists = lists or {}

    def problems(self, value: Mapping[str, JSON], pointer: str = "") -> Iterator[Finding]:
        """Pointer, code and sentence of everything wrong in an object at `pointer`."""
        for name, item in value.items():
            here = pointer + wire.pointer(name)
            if name not in self.members:
                yield here, "unknown-field", f"There is no member {name[:100]!r} here."
            elif sentence := self.members[name](item):
                yield here, "wrong-type", sentence
            elif name in self.lists:
                yield from _elements(self.lists[name], item, here)
        for name in self.required:
            if name not in value:
                yield pointer + wire.pointer(name), "missing-field", f"The {name} is missing."


def _elements(check: Check, value: JSON, pointer: str) -> Iterator[Finding]:
    for i, item in enumerate(value or ()):
        if sentence := check(item):
            yield f"{pointer}/{i}", "wrong-type", sentence


DOCUMENT = Shape(
    {
        "name": pipeline_name,
        "version": nullable(version),
        "description": text(high=10_000),
        "input_schema": mapping,
        "output_schema": mapping,
        "stages": stage_list,
        "output_stage_id": nullable(text()),
        "output_config": no_outputs,
        "max_concurrency": number(1, 100, whole=True),
        "tags": tag_list,
        "category": nullable(text(1, 50)),
        "is_template": boolean,
        "sample_input": anything,
        "metadata": metadata,
    },
    required=("name",),
    lists={"tags": text(1, 50)},
)

STAGE = Shape(
    {
        "id": stage_id,
        "component_type": text(1),
        "component": text(1),
        "type": text(1),
        "name": nullable(text()),
        "config": mapping,
        "input_mapping": mapping,
        "depends_on": array,
        "when": nullable(text()),
        "timeout_ms": nullable(number(100, 600_000, whole=True)),
        "retry": mapping,
        "retry_config": mapping,
        "on_error": one_of("fail", "continue", "propagate"),
        "llm": nullable(mapping),
        "llm_settings": nullable(mapping),
        "position": nullable(mapping),
    },
    required=("id",),
    lists={"depends_on": text()},
)

_RETRY: Mapping[str, Check] = {
    "max_attempts": number(1, 11, whole=True),
    "initial_delay_ms": number(0, 60_000, whole=True),
    "max_delay_ms": number(0, 600_000, whole=True),
    "multiplier": number(1, 10),
    "jitter": boolean,
    "retry_on": array,
}

_LLM: Mapping[str, Check] = {
    "provider": nullable(text()),
    "model": nullable(text()),
    "temperature": nullable(number(0, 2)),
    "max_tokens": nullable(number(1, 128_000, whole=True)),
    "top_p": nullable(number(0, 1)),
    "stop": nullable(array),
}

#: The objects inside a stage.
PARTS: Mapping[str, Shape] = {
    "retry": Shape(_RETRY, lists={"retry_on": one_of(*ERROR_TYPES)}),
    "retry_config": Shape(
        {
            **_RETRY,
            "max_retries": number(0, 10, whole=True),
            "backoff_multiplier": number(1, 10),
        },
        lists={"retry_on": one_of(*ERROR_TYPES)},
    ),
    "llm": Shape(_LLM, lists={"stop": text()}),
    "llm_settings": Shape(
        {**_LLM, "stop_sequences": nullable(array)},
        lists={"stop": text(), "stop_sequences": text()},
    ),
    "position": Shape({"x": number(), "y": number()}, required=("x", "y")),
}
