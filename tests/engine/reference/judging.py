"""The engine's run beside the reference's: every difference, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core import wire
from app.engine.instance import Completed, Failed, Outcome
from tests.engine.coordinator.world import World
from tests.engine.reference.facts import Claim, Error, Key, StageEnd
from tests.engine.reference.language.values import matches

#: Why a stage is skipped that the run simply did not come to.
PASSED_BY = {"break", "continue", "not_reached", "return", "run_failed"}


def differences(
    world: World, outcome: Outcome | None, claims: dict[Key, Claim], ending: StageEnd
) -> list[str]:
    """What the engine did that the reference did not say, and the other way round."""
    rows = {Key(*key): world.rows[id] for key, id in world.keys.items()}
    found = [*_of_outcome(outcome, ending), *_of_order(world)]
    for key in sorted(rows.keys() | claims.keys(), key=str):
        found += (f"{key}: {what}" for what in _of_stage(rows.get(key), claims.get(key)))
    return found


def _of_outcome(outcome: Outcome | None, ending: StageEnd) -> Iterator[str]:
    if ending.status == "completed":
        if not isinstance(outcome, Completed) or not matches(outcome.output, ending.output):
            yield f"the run should complete with {ending.output}, not {outcome}"
    elif not isinstance(outcome, Failed) or not _is_error(outcome.error.to_json(), ending.error):
        yield f"the run should fail with {ending.error}, not {outcome}"


def _is_error(real: dict[str, Any], claimed: Error | None) -> bool:
    if claimed is None or not matches(real, claimed.value()):
        return False
    if real["details"].get("index") != claimed.index:
        return False
    return claimed.cause is None or _is_error(real["details"]["cause"], claimed.cause)


def _of_stage(row: dict[str, Any] | None, claim: Claim | None) -> Iterator[str]:
    if row is None:
        if claim is not None and claim.sure:
            yield f"nothing happened instead of {claim}"
        return
    status, reason = row["status"].value, row["skip_reason"]
    if claim is None or not claim.sure:
        if status == "skipped" and reason in PASSED_BY:
            return
        if claim is None:
            yield f"{status} ({reason}), where nothing should happen"
            return
    if status == "cancelled" and not claim.whole:
        return
    if status != claim.status:
        yield f"{status} ({reason}, {row['error']}), not {claim}"
    elif status == "skipped" and reason not in claim.reasons:
        yield f"skipped because of {reason}, not {claim}"
    elif status == "completed" and not matches(wire.read(row["output_text"]), claim.output):
        yield f"gave {row['output_text']}, not {claim}"
    elif status == "failed" and not _is_error(wire.read(row["error"]), claim.error):
        yield f"failed with {row['error']}, not {claim}"


def _of_order(world: World) -> Iterator[str]:
    """Nothing starts before what it needs is finished."""
    finished: set[Key] = set()
    for record in world.records:
        key = record.instance.key
        if record.event == "stage_started":
            for need in world.plan.stages[key.stage_id].needs:
                if Key(need, *key[1:]) not in finished:
                    yield f"{key} starts before {need} is finished"
        elif record.event in ("stage_completed", "stage_failed", "stage_skipped"):
            finished.add(Key(*key))
