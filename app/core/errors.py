"""Every refusal of the house, without HTTP. A class docstring is its default sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Errors = Mapping[str, Sequence[str]]  # JSON pointer into the body, or a field name -> sentences


class StudioError(Exception):
    """The request was refused."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.detail)


class MalformedJson(StudioError):
    """The body is not a JSON object."""


class JsonTooDeep(StudioError):
    """The JSON is nested deeper than 64 levels."""


class BadCursor(StudioError):
    """The cursor was not issued by this list."""


class TooLarge(StudioError):
    """The body is larger than this server accepts."""

    def __init__(self, limit_bytes: int, detail: str | None = None) -> None:
        super().__init__(detail or f"The body is larger than {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class UnsupportedMediaType(StudioError):
    """The body must be application/json."""


class Unauthenticated(StudioError):
    """No valid credential was sent."""


class Forbidden(StudioError):
    """The credential lacks a scope."""

    def __init__(self, detail: str | None = None, required_scope: str | None = None) -> None:
        super().__init__(detail or f"This needs the scope {required_scope}.")
        self.required_scope = required_scope


class HostRefused(StudioError):
    """In local mode only requests from this machine, addressed to this machine, are answered."""


class OriginRefused(StudioError):
    """This origin is not allowed."""


class NotFound(StudioError):
    """There is no such thing here."""


class Conflict(StudioError):
    """The present state does not allow it."""


class NameTaken(Conflict):
    """The name is in use."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The name {name!r} is in use.")


class InUse(Conflict):
    """It is in use."""

    def __init__(self, detail: str, used_by: Sequence[Mapping[str, str]]) -> None:
        super().__init__(detail)
        self.used_by = used_by


class IllegalMove(Conflict):
    """The state does not allow it."""


class PreconditionFailed(StudioError):
    """It was changed since the version that If-Match names."""


class ValidationFailed(StudioError):
    """A field is wrong."""

    def __init__(self, errors: Errors, detail: str | None = None) -> None:
        super().__init__(detail)
        self.errors = errors


class InvalidInput(ValidationFailed):
    """The input does not match the pipeline's input_schema."""


class IdempotencyMismatch(StudioError):
    """This Idempotency-Key was used with another body."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a pipeline document: where, which kind, and a sentence."""

    pointer: str
    code: str
    message: str

    def to_json(self) -> dict[str, str]:
        """The wire form."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


def errors_of(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """The sentences of problems by their pointers."""
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.pointer, []).append(problem.message)
    return errors


class InvalidPipeline(ValidationFailed):
    """The pipeline document has problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(errors_of(problems))
        self.problems = tuple(problems)


class Unavailable(StudioError):
    """The database does not answer; try again shortly."""


class NoRoom(Unavailable):
    """This process takes no further connection; try again shortly."""


class LeaseLost(Exception):
    """Another worker holds the run now, or it ended: this one must drop it and write nothing."""


class Stopped(Exception):
    """The run or this process is being stopped: the stage ends at once and writes nothing."""


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a stage or a run failed; `type` is one of contract 02's error types."""

    type: str
    message: str
    stage_id: str | None = None
    retryable: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "type": self.type,
            "message": self.message,
            "stage_id": self.stage_id,
            "retryable": self.retryable,
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunError:
        """Reads the wire form back."""
        return cls(**value)


MAX_CAUSES = 8  #: told of one error; of a longer chain only the first cause of all


def retry_exhausted(
    stage_id: str | None, attempts: int, noun: str, cause: RunError, **more: Any
) -> RunError:
    """What remains when all attempts are used up (contract 03, RunError).

    `cause` is what the last one failed with; `more` are further details.
    """
    causes = [cause.to_json()]
    while inner := causes[-1]["details"].get("cause"):
        causes.append(inner)
    return RunError(
        "RETRY_EXHAUSTED",
        f"All {attempts} {noun} failed; the last one: {causes[-1]['message']}",
        stage_id,
        details={
            "attempts": attempts,
            "cause": causes[0] if len(causes) <= MAX_CAUSES else causes[-1],
            **more,
        },
    )


#: Every type that an error may have (contract 02, Error types).
ERROR_TYPES = (
    "CONNECTIVITY",
    "TIMEOUT",
    "VALIDATION",
    "EXPRESSION",
    "TRANSFORMATION",
    "EXECUTION",
    "ROUTING",
    "SECURITY",
    "RETRY_EXHAUSTED",
    "CONTROL_FLOW",
    "UNKNOWN",
)

RETRYABLE_TYPES = frozenset({"CONNECTIVITY", "TIMEOUT"})


class StageError(Exception):
    """A stage failed in a way that its author can understand.

    `type` is one of ERROR_TYPES. `retryable` defaults by the type.
    `retry_after_ms` is what the other side asked for, when it did.
    """

    def __init__(
        self,
        type: str,
        message: str,
        *,
        retryable: bool | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.retryable = type in RETRYABLE_TYPES if retryable is None else retryable
        self.details = dict(details or {})
        self.retry_after_ms = retry_after_ms

    def at(self, stage_id: str) -> RunError:
        """The error as it is stored, told of the stage where it happened."""
        return RunError(self.type, self.message, stage_id, self.retryable, self.details)


def too_slow() -> StageError:
    """What an attempt that exceeds its limit fails with."""
    return StageError("TIMEOUT", "The stage took longer than it may.")
