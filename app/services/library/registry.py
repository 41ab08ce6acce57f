"""The registry: which components there are, and what each takes and gives (contract 09)."""

from __future__ import annotations

from types import SimpleNamespace

from app.components import built_in
from app.core.errors import NotFound
from app.core.principal import Principal
from app.core.wire import JSON
from app.engine.component import Component
from app.engine.schema import input_schema, output_schema
from app.services.pages import Page, ascending


def list_components(
    who: Principal,
    page: Page,
    *,
    category: str | None = None,
    kind: str | None = None,
    package: str | None = None,
    q: str = "",
) -> dict[str, JSON]:
    """One page of the components that the caller's organisation can use, by component_type.

    `q` is looked for in type, name, description and tags, in any case. `categories` are those of
    all components, whatever the filters. Raises BadCursor.
    """
    known = list(built_in())
    wanted = {"category": category, "kind": kind, "package_name": package}
    asked = {name: text for name, text in wanted.items() if text is not None}
    found = [each for each in known if _fits(each, asked) and _speaks_of(each, q.lower())]
    answer = ascending(found, lambda component: component.type, page, _entry)
    return {**answer, "categories": sorted({each.about.category for each in known})}


def _fits(component: Component, asked: dict[str, str]) -> bool:
    return all(getattr(component.about, name) == text for name, text in asked.items())


def _speaks_of(component: Component, text: str) -> bool:
    about = component.about
    return any(
        text in said.lower()
        for said in (component.type, about.name, about.description, *about.tags)
    )


def get_component(who: Principal, component_type: str) -> dict[str, JSON]:
    """One component with its author and examples. Raises NotFound."""
    component = built_in().find(component_type)
    if component is None:
        raise NotFound
    about = component.about
    examples = [{"config": each.config, "output": each.output} for each in about.examples]
    return {**_entry(component), "author": about.author, "examples": examples}


def _entry(component: Component) -> dict[str, JSON]:
    about = component.about
    return {
        "component_type": component.type,
        "component_kind": about.kind,
        "name": about.name,
        "category": about.category,
        "description": about.description,
        "version": about.version,
        "package_name": about.package_name,
        "class": component.effect,
        "requires_llm": about.requires_llm,
        "supports_streaming": about.supports_streaming,
        "timeout_seconds": _timeout_seconds(component),
        "icon": about.icon,
        "color": about.color,
        "tags": list(about.tags),
        "input_schema": input_schema(component.fields),
        "output_schema": output_schema(component.outputs),
    }


def _timeout_seconds(component: Component) -> int | None:
    """What an attempt may take when the config gives nothing but defaults; None for no limit."""
    defaults = {name: field.default for name, field in component.fields.items()}
    milliseconds = component.timeout_of(SimpleNamespace(**defaults))
    return None if milliseconds is None else milliseconds // 1000
