"""Every problem of a pipeline document at once (contract 01, Validation problems)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.errors import Problem
from app.core.wire import JSON
from app.engine.component import Component, Registry
from app.engine.planner.dependencies import flow_of
from app.engine.planner.layout import ROOT_BODY, Layout, lay_out
from app.engine.planner.links import Links, links_of
from app.engine.schema import SchemaError, compile_schema
from app.engine.validation.config import config_problems
from app.engine.validation.findings import Findings
from app.engine.validation.shape import DOCUMENT, Finding
from app.engine.validation.written_stage import WrittenStage


def validate_document(raw: Mapping[str, JSON], registry: Registry) -> list[Problem]:
    """All problems of `raw`, in document order; none when it can be saved and run.

    Accepts any JSON. Each part is checked as far as its own form allows, whatever is wrong
    elsewhere.
    """
    return _Validation(registry).of(raw)


class _Validation:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._findings = Findings()

    def of(self, raw: Any) -> list[Problem]:
        if not isinstance(raw, dict):
            return [Problem("", "wrong-type", "A pipeline document is an object.")]
        self._add_all(DOCUMENT.problems(raw))
        self._schema(raw, "input_schema")
        self._schema(raw, "output_schema")
        written = raw.get("stages", [])
        if DOCUMENT.members["stages"](written) is None:
            layout = self._stages([WrittenStage(i, stage) for i, stage in enumerate(written)])
            self._output_stage(raw.get("output_stage_id"), layout)
        return self._findings.in_order_of(raw)

    def _add_all(self, problems: Iterable[Finding]) -> None:
        for problem in problems:
            self._findings.add(*problem)

    def _schema(self, raw: Mapping[str, JSON], name: str) -> None:
        if not isinstance(raw.get(name), dict):
            return
        try:
            compile_schema(raw[name])
        except SchemaError as error:
            place = f"At {error.pointer}: " if error.pointer else ""
            self._findings.add(f"/{name}", "bad-schema", f"{place}{error}")

    def _stages(self, stages: list[WrittenStage]) -> Layout:
        first: dict[str, int] = {}
        links = []
        for stage in stages:
            self._add_all(stage.shape_problems())
            if stage.has_id and first.setdefault(stage.read.id, stage.index) != stage.index:
                message = f"Another stage has the id {stage.read.id!r}."
                self._findings.add(stage.pointer + "/id", "duplicate-stage-id", message)
            links.append(self._component(stage))

        def report(i: int, pointer: str, code: str, message: str) -> None:
            self._findings.add(stages[i].place(pointer), code, message)

        layout = lay_out([stage.read.id for stage in stages], links, report)
        flow_of(layout, links, report)
        for stage, link in zip(stages, links, strict=True):
            self._placed(stage, link, layout)
        return layout

    def _component(self, stage: WrittenStage) -> Links:
        """What the component has to say of its config; returns what the stage refers to."""
        component = self._known(stage)
        links = links_of(stage.read, component)
        found = list(links.wrong)
        if component is not None:
            found += config_problems(component, stage.read.config)
        for pointer, code, message in found:
            self._findings.add(stage.place(pointer), code, message)
        return links

    def _known(self, stage: WrittenStage) -> Component | None:
        if not stage.read.component_type:
            return None
        component = self._registry.find(stage.read.component_type)
        if component is None:
            message = f"There is no component {stage.read.component_type[:100]!r}."
            self._findings.add(stage.place("/component_type"), "unknown-component", message)
        return component

    def _placed(self, stage: WrittenStage, links: Links, layout: Layout) -> None:
        """What may stand only in some bodies."""
        in_loop, has_error = layout.place(stage.index)
        component = self._registry.find(stage.read.component_type)
        if component is not None and component.loop_control and not in_loop:
            message = f"{component.type} works only inside the body of a foreach."
            self._findings.add(stage.place("/component_type"), "not-in-loop", message)
        for pointer, root in links.placed:
            if root == "error" and not has_error:
                message = "error exists only in catch and finally stages."
                self._findings.add(stage.place(pointer), "error-outside-catch", message)
            elif root != "error" and not in_loop:
                message = f"{root} exists only inside the body of a loop."
                self._findings.add(stage.place(pointer), "unknown-root", message)

    def _output_stage(self, name: JSON, layout: Layout) -> None:
        if not isinstance(name, str):
            return
        i = layout.index.get(name)
        if i is None:
            message = f"There is no stage {name[:100]!r}."
        elif layout.body[i] != ROOT_BODY:
            message = f"Stage {name!r} is run by another stage, so it is not an output."
        else:
            return
        self._findings.add("/output_stage_id", "unknown-output-stage", message)
