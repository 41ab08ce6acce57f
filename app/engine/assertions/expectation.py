"""The error that a run of a test is to end with."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import RunError
from app.core.wire import JSON


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """What is known of the error; a member that is None is met by any."""

    type: str | None = None
    message_contains: str | None = None
    stage_id: str | None = None

    def refusal(self, error: RunError | None) -> str | None:
        """Why this is not how a run ended, with `error` or without one; None when it is."""
        if error is None:
            return "The run was to fail, and did not."
        if self.type not in (None, error.type):
            return f"The run was to fail with {self.type}, and failed with {error.type}."
        if self.stage_id not in (None, error.stage_id):
            return f"The run was to fail in {self.stage_id}, and failed in {error.stage_id}."
        if self.message_contains is not None and self.message_contains not in error.message:
            return f"The message was to contain {self.message_contains!r}: {error.message}"
        return None

    def to_json(self) -> dict[str, JSON]:
        """The wire form."""
        return {
            "type": self.type,
            "message_contains": self.message_contains,
            "stage_id": self.stage_id,
        }
