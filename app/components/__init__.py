"""Components that reach the outside world, and the list of all that are built in.

A component reaches out only through what its StageContext gives.
"""

from __future__ import annotations

from functools import cache

from app.components.http import HttpRequest
from app.engine.component import Component, Registry
from app.engine.operators.conditional import Conditional
from app.engine.operators.filter import Filter
from app.engine.operators.json_transform import JsonTransform
from app.engine.operators.leave import Return
from app.engine.operators.logger import Logger
from app.engine.operators.loop import Loop
from app.engine.operators.loop_control import BreakLoop, ContinueLoop
from app.engine.operators.router import Router
from app.engine.operators.schema_validate import SchemaValidate
from app.engine.operators.subpipeline import Subpipeline
from app.engine.operators.switch_router import SwitchRouter
from app.engine.operators.variable_set import VariableSet
from app.engine.owners.foreach import Foreach
from app.engine.owners.parallel import Parallel
from app.engine.owners.retry import Retry
from app.engine.owners.timeout import Timeout
from app.engine.owners.trycatch import TryCatch

_OPERATORS: tuple[type[Component], ...] = (
    HttpRequest,
    JsonTransform,
    Filter,
    Logger,
    Loop,
    SchemaValidate,
    VariableSet,
)
_CONTROL: tuple[type[Component], ...] = (
    Conditional,
    Router,
    SwitchRouter,
    Return,
    BreakLoop,
    ContinueLoop,
)
_OWNERS: tuple[type[Component], ...] = (
    Foreach,
    TryCatch,
    Retry,
    Timeout,
    Parallel,
    Subpipeline,
)


@cache
def built_in() -> Registry:
    """Every component of this house; one registry for the whole process."""
    return Registry({kind.type: kind() for kind in (*_OPERATORS, *_CONTROL, *_OWNERS)})
