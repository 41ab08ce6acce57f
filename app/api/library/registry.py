"""/registry: the components that stages may name."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from app.api.answers import answer
from app.api.bodies import Blueprint
from app.api.fields import Text
from app.api.paging import PageQuery, filters_of, listing, page_of
from app.api.security import principal, requires
from app.engine.about import Category, ComponentKind
from app.engine.component import Effect
from app.services.library import registry

blp = Blueprint(
    "registry",
    __name__,
    url_prefix="/api/v1/registry",
    description="What pipelines can be built of.",
)

_CATEGORIES = "Of the built-in components: " + "; ".join(
    f"`{category}` {category.meaning}" for category in Category
)
_INPUT_SCHEMA = (
    "JSON Schema 2020-12 of the values as the component takes them; one of format "
    "`flowmason-expression` is a bare expression. A config may hold a template for any field that "
    "is not marked `x-flowmason-constant`, and values that type coercion turns into these."
)


class ComponentOut(Schema):
    """A kind of stage."""

    component_type = fields.String(required=True)
    component_kind = fields.String(required=True, metadata={"enum": list(ComponentKind)})
    name = fields.String(required=True)
    category = fields.String(required=True, metadata={"description": _CATEGORIES})
    description = fields.String(required=True)
    version = fields.String(required=True)
    package_name = fields.String(required=True, metadata={"description": "`core` when built in"})
    class_ = fields.String(required=True, data_key="class", metadata={"enum": list(Effect)})
    requires_llm = fields.Boolean(required=True)
    supports_streaming = fields.Boolean(required=True)
    timeout_seconds = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Of one attempt, with a config of defaults; null: no limit"},
    )
    icon = fields.String(required=True, metadata={"description": "A name of lucide.dev"})
    color = fields.String(required=True, metadata={"example": "#2563eb"})
    tags = fields.List(fields.String(), required=True)
    input_schema = fields.Dict(required=True, metadata={"description": _INPUT_SCHEMA})
    output_schema = fields.Dict(
        required=True, metadata={"description": "JSON Schema 2020-12 of a completed stage's output"}
    )


class ExampleOut(Schema):
    """A config and the output that it gives."""

    config = fields.Dict(required=True)
    output = fields.Dict(required=True)


class ComponentDetailOut(ComponentOut):
    """A kind of stage with examples."""

    author = fields.String(required=True, allow_none=True)
    examples = fields.List(fields.Nested(ExampleOut), required=True)


class ComponentListOut(listing("ComponentList", ComponentOut)):
    """A page of components, and the categories of all."""

    categories = fields.List(fields.String(), required=True)


class ComponentQuery(PageQuery):
    """Which components to list."""

    category = Text(load_default=None)
    kind = Text(load_default=None, validate=OneOf(list(ComponentKind)))
    package = Text(load_default=None)
    q = Text(load_default="", metadata={"description": "Part of type, name, description or a tag"})


@blp.route("/components")
class Components(MethodView):
    """The components that the organisation can use."""

    @requires("registry:read")
    @blp.arguments(ComponentQuery(), location="query")
    @blp.response(200, ComponentListOut)
    def get(self, query: dict[str, Any]) -> Response:
        """List components by component_type, ascending."""
        return answer(registry.list_components(principal(), page_of(query), **filters_of(query)))


@blp.route("/components/<string:component_type>")
class Component(MethodView):
    """One component."""

    @requires("registry:read")
    @blp.response(200, ComponentDetailOut)
    def get(self, component_type: str) -> Response:
        """Read a component with its schemas and examples."""
        return answer(registry.get_component(principal(), component_type))
