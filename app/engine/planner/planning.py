"""Makes the plan of a document: its bodies, all dependencies, the order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from app.engine.component import Component, Kind, Registry
from app.engine.document import Document, Stage
from app.engine.expressions import compile_expression
from app.engine.owner import BodyField
from app.engine.planner import bitsets
from app.engine.planner.dependencies import Flow, flow_of
from app.engine.planner.layout import ROOT_BODY, BodyKey, Layout, lay_out
from app.engine.planner.links import Links, compile_config, links_of
from app.engine.planner.plan import ROOT, Body, Plan, PlannedStage, Reads


def plan_document(document: Document, registry: Registry) -> Plan:
    """The plan of a document that has no problems: validation comes first."""
    components = [_component(registry, stage) for stage in document.stages]
    links = [links_of(*pair) for pair in zip(document.stages, components, strict=True)]
    layout = lay_out([stage.id for stage in document.stages], links, _ignore)
    flow = flow_of(layout, links, _ignore)
    users = bitsets.reverse(flow.needs)
    stages = {
        stage.id: _planned(stage, components[i], i, layout, flow, users[i], links[i])
        for i, stage in enumerate(document.stages)
    }
    return Plan(
        document,
        stages,
        _bodies(layout),
        order=_names(layout, _order(layout, flow.needs, users)),
        terminal=tuple(s.stage.id for s in stages.values() if s.body == ROOT and not s.users),
    )


def _ignore(stage: int, pointer: str, code: str, message: str) -> None:
    """Validation has reported what there was."""


def _component(registry: Registry, stage: Stage) -> Component:
    component = registry.find(stage.component_type)
    if component is None:
        raise KeyError(stage.component_type)
    return component


def _planned(
    stage: Stage,
    component: Component,
    index: int,
    layout: Layout,
    flow: Flow,
    users: int,
    links: Links,
) -> PlannedStage:
    return PlannedStage(
        stage,
        component,
        index,
        body=_key(layout, layout.body[index]),
        config=compile_config(stage.config, component),
        when=compile_expression(stage.when) if stage.when is not None else None,
        needs=_names(layout, bitsets.members(flow.needs[index])),
        spreading=frozenset(_names(layout, bitsets.members(flow.spreading[index]))),
        gates=frozenset(_names(layout, bitsets.members(flow.gates[index]))),
        users=_names(layout, bitsets.members(users)),
        setters=_names(layout, bitsets.members(flow.reach[index] & flow.holders)),
        evaluates=any(field.kind is Kind.EXPRESSION for field in component.fields.values()),
        reads=_reads(links, flow.named[index]),
        sets=links.sets,
    )


def _reads(links: Links, named: int) -> Reads:
    return Reads(
        named,
        input=None if links.all_inputs else frozenset(links.inputs),
        variables=None if links.all_variables else frozenset(links.variables),
        error=any(placed.name == "error" for placed in links.placed),
    )


def _names(layout: Layout, indexes: Sequence[int]) -> tuple[str, ...]:
    return tuple(layout.ids[i] for i in indexes)


def _key(layout: Layout, body: BodyKey) -> tuple[str | None, str]:
    owner, name = body
    return (None if owner is None else layout.ids[owner], name)


def _bodies(layout: Layout) -> dict[tuple[str | None, str], Body]:
    members: dict[BodyKey, list[int]] = {ROOT_BODY: [], **{key: [] for key in layout.rules}}
    for i, body in enumerate(layout.body):
        members[body].append(i)
    return {_key(layout, key): _body(layout, key, inside) for key, inside in members.items()}


def _body(layout: Layout, key: BodyKey, inside: Sequence[int]) -> Body:
    owner, name = _key(layout, key)
    rule = layout.rules.get(key, BodyField(name))
    return Body(
        owner,
        name,
        stages=_names(layout, inside),
        listed=_names(layout, layout.listed.get(key, inside)),
        repeatable=rule.repeatable,
        loop=rule.loop,
        error=rule.error,
        tells_rest=rule.tells_rest,
    )


def _order(layout: Layout, needs: Sequence[int], users: Sequence[int]) -> list[int]:
    """All stages, needs first, owners before what they run and that before what needs the owner;
    ties by place in the document."""
    waits = [mask.bit_count() for mask in needs]
    inside: dict[int | None, list[int]] = {}
    for i in range(len(needs)):
        inside.setdefault(layout.owner(i), []).append(i)
    unfinished = [len(inside.get(i, ())) for i in range(len(needs))]
    order: list[int] = []
    ready = [i for i in inside.get(None, ()) if not waits[i]]
    while ready:
        here: int | None = heapq.heappop(ready)
        assert here is not None
        order.append(here)
        for member in inside.get(here, ()):
            if not waits[member]:
                heapq.heappush(ready, member)
        while here is not None and not unfinished[here]:
            for user in bitsets.members(users[here]):
                waits[user] -= 1
                if not waits[user]:
                    heapq.heappush(ready, user)
            here = layout.owner(here)
            if here is not None:
                unfinished[here] -= 1
    return order
