"""JSON Schema 2020-12 for inputs and outputs. Rule: judging a value takes linear work, or nothing.

`compiler` makes a check of a schema; before it does, `weight` counts how much work the schema can
make of one value, following the `graph` of its subschemas. `coerced` brings a value to the types
of a schema before it is judged. `declared` writes the schemas of what components take and give.
"""

from app.engine.schema.coerced import coerce_to_schema
from app.engine.schema.compiler import SchemaCheck, Violation, compile_schema
from app.engine.schema.declared import input_schema, output_schema
from app.engine.schema.graph import SchemaError

__all__ = [
    "SchemaCheck",
    "SchemaError",
    "Violation",
    "coerce_to_schema",
    "compile_schema",
    "input_schema",
    "output_schema",
]
