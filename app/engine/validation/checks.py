"""What one member of a document may hold.

A check answers with a sentence, or with None when all is well.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from app.core import wire
from app.core.ids import is_id
from app.core.wire import JSON

MAX_STAGES = 2000
MAX_NAME = 100  #: characters of a pipeline's name
MAX_TAGS = 20

Check = Callable[[JSON], str | None]

_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?\Z",
    re.ASCII,
)
_STAGE_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_MAX_VERSION = 100
_MAX_METADATA_BYTES = 16 * 1024


def anything(value: JSON) -> str | None:
    """Accepts every value."""
    return None


def text(low: int = 0, high: int | None = None) -> Check:
    """A string of `low` to `high` characters without NUL, which the databases cannot hold."""

    def check(value: JSON) -> str | None:
        if not isinstance(value, str):
            return "This must be a string."
        if len(value) < low:
            return f"This must have at least {low} character{'s' if low > 1 else ''}."
        if high is not None and len(value) > high:
            return f"This must have at most {high} characters."
        return "This must not contain the character U+0000." if "\0" in value else None

    return check


def number(low: float | None = None, high: float | None = None, whole: bool = False) -> Check:
    """A number within bounds; booleans and strings are none."""
    kinds, noun = (int, "an integer") if whole else (int | float, "a number")

    def check(value: JSON) -> str | None:
        if not isinstance(value, kinds) or isinstance(value, bool):
            return f"This must be {noun}."
        if (low is not None and value < low) or (high is not None and value > high):
            return f"This must be {noun} from {low} to {high}."
        return None

    return check


def boolean(value: JSON) -> str | None:
    """true or false."""
    return None if isinstance(value, bool) else "This must be true or false."


def mapping(value: JSON) -> str | None:
    """An object, whatever it holds."""
    return None if isinstance(value, dict) else "This must be an object."


def array(value: JSON) -> str | None:
    """An array, whatever it holds."""
    return None if isinstance(value, list) else "This must be an array."


def one_of(*choices: str) -> Check:
    """One of these strings."""
    sentence = f"This must be one of {', '.join(choices)}."
    return lambda value: None if isinstance(value, str) and value in choices else sentence


def nullable(check: Check) -> Check:
    """null, or what `check` accepts."""
    return lambda value: None if value is None else check(value)


def pipeline_name(value: JSON) -> str | None:
    """A name that no reference can mistake for anything else."""
    if not isinstance(value, str):
        return "This must be a string."
    if not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        return f"A name has 1 to {MAX_NAME} printable characters."
    if value != value.strip():
        return "A name neither begins nor ends with a space."
    if "@" in value or "/" in value:
        return "A name contains no @ and no /."
    return "A name must not look like an id." if is_id(value) else None


def version(value: JSON) -> str | None:
    """A semantic version without build part (SemVer 2.0.0 section 9)."""
    if isinstance(value, str) and len(value) <= _MAX_VERSION and _VERSION.match(value):
        return None
    return "This must be a version like 1.2.3 or 1.2.3-rc.1."


def stage_id(value: JSON) -> str | None:
    """The id of a stage."""
    if isinstance(value, str) and _STAGE_ID.match(value):
        return None
    return (
        "A stage id begins with a letter or _ and has up to 64 letters, digits, underscores and "
        "hyphens."
    )


def stage_list(value: JSON) -> str | None:
    """The array of stages; each is checked by itself."""
    if isinstance(value, list) and len(value) > MAX_STAGES:
        return f"A pipeline has at most {MAX_STAGES} stages."
    return array(value)


def metadata(value: JSON) -> str | None:
    """A free object of bounded size."""
    if not isinstance(value, dict):
        return "This must be an object."
    try:
        size = len(wire.dumps_bytes(value))
    except wire.NotJson:
        return "This cannot be written as JSON."
    return None if size <= _MAX_METADATA_BYTES else "This must be at most 16 KiB of JSON."


def tag_list(value: JSON) -> str | None:
    """The array of tags; each is checked by itself."""
    if isinstance(value, list) and len(value) > MAX_TAGS:
        return f"A pipeline has at most {MAX_TAGS} tags."
    return array(value)


def no_outputs(value: JSON) -> str | None:
    """Nothing yet."""
    return None if value is None else "This version of the product has no outputs yet."
