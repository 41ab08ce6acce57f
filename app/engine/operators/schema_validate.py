"""schema_validate: data judged by a JSON Schema, its verdict as output (contract 02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext
from app.engine.expressions import measure
from app.engine.schema import SchemaCheck, SchemaError, coerce_to_schema, compile_schema
from app.engine.schema.compiler import TOO_LARGE

MAX_SCHEMA_BYTES = 1_048_576


class SchemaValidate(Component):
    """Says what is wrong in data; that data is wrong is no failure of the stage."""

    type = "schema_validate"
    inline = True
    fields = {
        "data": Field(Kind.ANY, required=True),
        "json_schema": Field(Kind.OBJECT, required=True, description="JSON Schema 2020-12"),
        "strict": Field(Kind.BOOLEAN, default=True, description="format counts too"),
        "coerce_types": Field(
            Kind.BOOLEAN, default=False, description="Values are brought to their types before"
        ),
        "collect_all_errors": Field(
            Kind.BOOLEAN, default=True, description="false: the first error alone is listed"
        ),
    }
    outputs = {
        "valid": Field(Kind.BOOLEAN, required=True),
        "data": Field(Kind.ANY, required=True, description="As judged: coerced, if it was"),
        "errors": Field(
            Kind.ARRAY,
            required=True,
            items=Field(
                Kind.OBJECT,
                members={
                    "path": Field(Kind.STRING, required=True, description="JSON pointer"),
                    "message": Field(Kind.STRING, required=True),
                    "keyword": Field(Kind.STRING, required=True),
                },
            ),
        ),
        "error_count": Field(Kind.INTEGER, required=True, low=0),
    }
    about = About(
        name="Validate by schema",
        description="Checks data against a JSON Schema and tells what is wrong.",
        category=Category.DATA,
        icon="shield-check",
        color="#6366f1",
        tags=("json schema", "check"),
        examples=(
            Example(
                config={
                    "data": {"age": "36"},
                    "json_schema": {"properties": {"age": {"type": "integer"}}},
                    "coerce_types": True,
                },
                output={"valid": True, "data": {"age": 36}, "errors": [], "error_count": 0},
            ),
            Example(
                config={"data": {}, "json_schema": {"required": ["name"]}},
                output={
                    "valid": False,
                    "data": {},
                    "errors": [
                        {
                            "path": "/name",
                            "message": "This member is required.",
                            "keyword": "required",
                        }
                    ],
                    "error_count": 1,
                },
            ),
        ),
    )

    def runs_inline(self, inputs: SimpleNamespace) -> bool:
        """Judging is bounded by the check; coercion only by its time, so it leaves for the pool."""
        return not inputs.coerce_types

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The verdict. Raises StageError VALIDATION for a schema that cannot be used, or data too
        large for it."""
        try:
            check = _compiled(inputs.json_schema, inputs.strict)
            data = _coerced(context, inputs) if inputs.coerce_types else inputs.data
        except SchemaError as refused:
            raise _invalid("json_schema", _sentence(refused)) from None
        errors = _errors(check, data)
        shown = errors if inputs.collect_all_errors else errors[:1]
        return {"valid": not errors, "data": data, "errors": shown, "error_count": len(shown)}

    @classmethod
    def check_config(cls, config: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
        """A constant `json_schema` that cannot be used."""
        schema = config.get("json_schema")
        if isinstance(schema, dict):
            try:
                _compiled(schema, strict=config.get("strict") is not False)
            except SchemaError as refused:
                yield "json_schema", _sentence(refused)


def _compiled(schema: JSON, strict: bool) -> SchemaCheck:
    if measure(schema, MAX_SCHEMA_BYTES) > MAX_SCHEMA_BYTES:
        raise SchemaError(f"The schema is larger than {MAX_SCHEMA_BYTES} bytes.")
    return compile_schema(schema, asserts_format=strict)


def _sentence(refused: SchemaError) -> str:
    place = f"At {refused.pointer}: " if refused.pointer else ""
    return f"{place}{refused.message}"


def _invalid(field: str, message: str) -> StageError:
    return StageError("VALIDATION", f"The field {field}: {message}", details={"field": f"/{field}"})


class _Patience:
    """Does not count the work of an attempt, but lets it be stopped."""

    def __init__(self, context: StageContext) -> None:
        self._context = context

    def spend(self, steps: int) -> None:
        self._context.check()


def _coerced(context: StageContext, inputs: SimpleNamespace) -> JSON:
    return coerce_to_schema(inputs.json_schema, inputs.data, _Patience(context))


def _errors(check: SchemaCheck, data: JSON) -> list[JSON]:
    found = check.errors(data)
    if any(error.keyword == TOO_LARGE for error in found):
        raise _invalid("data", found[0].message)
    return [{"path": e.pointer, "message": e.message, "keyword": e.keyword} for e in found]
