"""Documents that were right once, and any JSON."""

import copy

from hypothesis import strategies as st

from tests.engine.pieces import GOOD

WORDS = st.sampled_from(
    ["fetch", "each", "show", "guarded", "a", "b", "", "/~", "{{ item }}", "{{ upstream.a }}"]
    + ["s0", "s1", "s2", "{{ upstream.s1 }}", "vars.a", "retry", "parallel", "break_loop", "router"]
    + ["{{ vars }}", "{{", "foreach", "note", "attempt", "several", "gate", "\0", "5", "[1]"]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3000) | st.floats(-1, 3) | WORDS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["id", "type", "config", "input_mapping", "depends_on", "when", "retry", "retry_config"]
    + ["llm", "stages", "name", "loop_stages", "first", "rescue", "tasks", "to", "items", "task"]
    + ["condition", "routes", "cases", "on_error", "timeout", "max_retries", "retry_on", "value"]
)


def containers(value):
    """Every object and array in a value."""
    found, todo = [], [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict | list):
            found.append(item)
            todo += item.values() if isinstance(item, dict) else item
    return found


@st.composite
def mutated(draw, documents=None, most=5):
    """One of these documents, or GOOD, with some of its parts replaced."""
    raw = copy.deepcopy(GOOD if documents is None else draw(documents))
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.sampled_from(containers(raw)))
        if isinstance(place, dict):
            names = NAMES | st.sampled_from(sorted(place)) if place else NAMES
            place[draw(names)] = draw(VALUES)
        else:
            place.insert(draw(st.integers(0, len(place))), draw(VALUES))
    return raw
