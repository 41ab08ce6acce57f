"""Components and documents for tests of planning and validation."""

from app.components import built_in
from app.engine.component import Component, Field, Kind, Registry
from app.engine.document import read_document
from app.engine.owner import BodyField, Owner
from app.engine.planner import plan_document
from app.engine.validation import validate_document

STAGES = Field(Kind.ARRAY, default=[], items=Field(Kind.STRING), stages=True)
ONE_OR_MORE = Field(
    variants=(Field(Kind.STRING), Field(Kind.ARRAY, items=Field(Kind.STRING))),
)


class Note(Component):
    """Takes what a template gives."""

    type = "note"
    fields = {
        "text": Field(Kind.ANY),
        "count": Field(Kind.INTEGER, default=1, low=1, high=9),
        "names": Field(Kind.OBJECT, default={}, items=Field(Kind.INTEGER)),
        "test": Field(Kind.EXPRESSION, roots=frozenset({"item"})),
        "even": Field(Kind.INTEGER, default=2),
    }

    @classmethod
    def check_config(cls, config):
        if config.get("even", 2) % 2:
            yield "even", "This must be even."


class Gate(Component):
    """Names stages that it does not run."""

    type = "gate"
    fields = {
        "to": STAGES,
        "routes": Field(Kind.OBJECT, default={}, items=STAGES, stages=True),
        "condition": Field(Kind.ANY),
    }


CASE = Field(
    Kind.OBJECT,
    members={
        "value": Field(Kind.ANY, required=True),
        "route": Field(Kind.STRING, required=True, stages=True),
        "weight": Field(Kind.INTEGER, default=1, low=1),
        "else": Field(Kind.OBJECT, members={"routes": STAGES}),
    },
)


class Cases(Component):
    """Names stages in members of objects."""

    type = "cases"
    fields = {"cases": Field(Kind.ARRAY, required=True, items=CASE), "first": CASE}


class Break(Component):
    """Works in loops only."""

    type = "break"
    loop_control = "broken"
    fields = {"condition": Field(Kind.BOOLEAN, required=True)}


class Attempt(Owner):
    """Three bodies, one after the other."""

    type = "attempt"
    fields = {
        "first": Field(Kind.ARRAY, required=True, items=Field(Kind.STRING), stages=True),
        "rescue": STAGES,
        "last": STAGES,
        "pass_data": Field(Kind.ANY),
    }
    body_fields = (
        BodyField("first", repeatable=True),
        BodyField("rescue", error=True),
        BodyField("last", error=True),
    )


class Single(Owner):
    """One body, named by an id or several."""

    type = "single"
    fields = {
        "task": Field(variants=ONE_OR_MORE.variants, required=True, stages=True),
        "spare": Field(variants=ONE_OR_MORE.variants, stages=True),
    }
    body_fields = (BodyField("task"), BodyField("spare"))


class Several(Owner):
    """A body for each element."""

    type = "several"
    fields = {"tasks": Field(Kind.ARRAY, required=True, items=ONE_OR_MORE, stages=True)}
    body_fields = (BodyField("tasks"),)


REGISTRY = Registry({component.type: component for component in built_in()})
for kind in (Note, Gate, Cases, Break, Attempt, Single, Several):
    REGISTRY.add(kind())


def note(name, *needs, text=None, **members):
    """A stage that depends on `needs`."""
    config = {} if text is None else {"text": text}
    return {
        "id": name,
        "component_type": "note",
        "config": config,
        "depends_on": list(needs),
        **members,
    }


def stage(name, component_type, needs=(), /, **config):
    """A stage of any component."""
    return {
        "id": name,
        "component_type": component_type,
        "depends_on": list(needs),
        "config": config,
    }


def sets(name, variable, *needs, value=1):
    """A variable_set."""
    return stage(name, "variable_set", needs, name=variable, value=value)


def loop(name, *members, items="{{ input.items }}", needs=()):
    """A foreach."""
    return stage(name, "foreach", needs, items=items, loop_stages=list(members))


def document(*stages, **members):
    """A document of these stages."""
    return {"name": "Test", "stages": list(stages), **members}


def plan(*stages, **members):
    """The plan of a document of these stages."""
    return plan_document(read_document(document(*stages, **members)), REGISTRY)


def needs(*stages):
    """What each stage needs."""
    return {name: planned.needs for name, planned in plan(*stages).stages.items()}


def problems(raw):
    """Pointer and code of every problem."""
    return [(problem.pointer, problem.code) for problem in validate_document(raw, REGISTRY)]


def messages(*stages):
    """The sentences of every problem of these stages."""
    return [problem.message for problem in validate_document(document(*stages), REGISTRY)]


#: A document without problems that uses most of the language.
GOOD = document(
    stage("fetch", "http_request", url="https://example.com/{{ input.id }}", timeout="20"),
    sets("remember", "seen", value="{{ upstream.fetch.body }}"),
    loop("each", "show", items="{{ upstream.fetch.body.items }}"),
    note("show", text="{{ item.name }} of {{ vars.seen }} at {{ context.index }}"),
    stage("guarded", "attempt", ("each",), first=["a"], rescue=["b"], last=["c"]),
    note("a"),
    note("b", text="{{ error.message }}"),
    note("c", when="{{ error == null }}", retry={"max_attempts": 2, "retry_on": ["TIMEOUT"]}),
    version="1.2.3-rc.1",
    input_schema={"type": "object"},
    output_stage_id="each",
    tags=["x"],
)
