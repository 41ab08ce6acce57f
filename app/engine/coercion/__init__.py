"""Values into the kinds that a component's fields declare (contract 01, Type coercion).

Rule: a declaration is compiled once and applied often; what does not fit is never bent.
`coercer` makes a component's inputs, `conversions` compiles one field, `scalars` holds the table
of strings, numbers and booleans.
"""

from app.engine.coercion.coercer import build_inputs, coerce
from app.engine.coercion.scalars import CoercionError

__all__ = ["CoercionError", "build_inputs", "coerce"]
