"""The documents of this folder and their cases, as written.

`NAME.pipeline.json` is a document, `NAME.cases.json` tells what its runs are like:

    uses        names of further documents that must be saved before
    cases       what follows, for each of several runs

    name        what the case is about
    input       of the run; `$server` in a text is the address of the scripted server
    server      what that answers, see `server`
    status      of the run at its end
    output      of a completed run
    error       members of the error of a failed run; `message_tells` are parts of its message
    stages      place -> members of the stage run there, for those that matter
    events      of the stages, see `notation`
    requests    what the server heard, in order unless `requests_in_any_order`

Everything is compared whole; `$any` stands for a value that no two runs have in common, and for
requests of calls that may be cancelled before they are sent.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ANY = "$any"
SERVER = "$server"


def names() -> list[str]:
    """The names of all documents."""
    return sorted(path.name.removesuffix(".pipeline.json") for path in HERE.glob("*.pipeline.json"))


def document(name: str) -> dict[str, Any]:
    """A document."""
    return json.loads((HERE / f"{name}.pipeline.json").read_text())


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a document, each with what it uses."""
    written = json.loads((HERE / f"{name}.cases.json").read_text())
    return [{"uses": written.get("uses", []), **case} for case in written["cases"]]


def addressed(value: Any, server: str) -> Any:
    """The value with the address of the server in its texts."""
    return json.loads(json.dumps(value).replace(SERVER, server))


def same(expected: Any, found: Any) -> bool:
    """Whether a found value is the expected one: equal JSON of the same types."""
    if expected == ANY:
        return True
    if type(expected) is not type(found):
        return False
    if isinstance(expected, dict):
        return expected.keys() == found.keys() and all(
            same(expected[name], found[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    return expected == found
