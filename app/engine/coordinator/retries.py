"""What follows a failed attempt: another after a delay, or the end of the stage (contract 03)."""

from __future__ import annotations

import hashlib

from app.core.errors import RunError, retry_exhausted
from app.engine.document import RetryPolicy
from app.engine.instance import Instance

JITTER = 0.25


def after_failure(
    policy: RetryPolicy, instance: Instance, error: RunError, retry_after_ms: int | None = None
) -> int | RunError:
    """Milliseconds until the next attempt, or the error that the stage ends with.

    `instance.failures` counts the failed attempts, this one included.
    """
    if not _covers(policy, error):
        return error
    if instance.failures < policy.max_attempts:
        return _delay_ms(policy, instance, retry_after_ms or 0)
    if policy.max_attempts == 1:
        return error
    # An owner names itself; what failed inside of it is named by the cause.
    return retry_exhausted(instance.key.stage_id, instance.failures, "attempts", error)


def _covers(policy: RetryPolicy, error: RunError) -> bool:
    return error.type in policy.retry_on if policy.retry_on else error.retryable


def _delay_ms(policy: RetryPolicy, instance: Instance, retry_after_ms: int) -> int:
    limit = policy.max_delay_ms
    delay = min(limit, policy.initial_delay_ms * policy.multiplier ** (instance.failures - 1))
    if policy.jitter:
        delay *= 1 + JITTER * _spread(instance)
    return max(min(limit, round(delay)), min(limit, retry_after_ms))


def _spread(instance: Instance) -> float:
    """-1..1, ever the same for one attempt: a rebuilt run waits as long as it did before."""
    digest = hashlib.blake2b(f"{instance.key}{instance.failures}".encode(), digest_size=4)
    return int.from_bytes(digest.digest()) / 0x7FFFFFFF - 1
