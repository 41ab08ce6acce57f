"""What each component that runs by itself gives, by contract 02. `work` and `give` are scripted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.engine.reference.attempts import Attempt, StageFailed
from tests.engine.reference.facts import StageEnd, Stop, Write, error_of
from tests.engine.reference.language.basics import Broken, at_path, text
from tests.engine.reference.language.values import ANYTHING, UNSURE, Undetermined, known, same

Config = dict[str, Any]


def completed(output: Any, **more: Any) -> StageEnd:
    return StageEnd("completed", output, **more)


def work(attempt: Attempt, config: Config) -> StageEnd:
    """Fails its first attempts, or in its first rounds."""
    fails, rounds = config.get("fails", 0), config.get("fails_below_round", 0)
    if attempt.failures < fails or attempt.opening.round < rounds:
        raise attempt.failed(config.get("error", "CONNECTIVITY"))
    return completed({"value": config.get("value")})


def give(attempt: Attempt, config: Config) -> StageEnd:
    if config.get("error"):
        raise attempt.failed(config["error"])
    return completed({"value": config.get("value")})


def logger(attempt: Attempt, config: Config) -> StageEnd:
    output = {"logged": True, "log_id": ANYTHING, "passthrough": config.get("passthrough")}
    return completed(output)


def json_transform(attempt: Attempt, config: Config) -> StageEnd:
    """Its data passed on, or mapped."""
    data = config["data"]
    if isinstance(data, str) and config.get("parse_json_strings", True):
        try:
            data = json.loads(data)
        except ValueError:
            data = config["data"]
    mapping = config.get("mapping")
    if mapping is None:
        return completed({"result": data, "fields_mapped": 0, "fields_missing": []})
    dotted = {target: re.sub(r"\[(-?\d+)\]", r".\1", path) for target, path in mapping.items()}
    found = {target: _at(data, path) for target, path in dotted.items()}
    missing = [target for target, one in found.items() if not one]
    defaults = config.get("defaults", {})
    result = {name: one[0] if one else defaults.get(name) for name, one in found.items()}
    mapped = len(found) - len(missing)
    return completed({"result": result, "fields_mapped": mapped, "fields_missing": missing})


def _at(data: Any, path: str) -> list[Any]:
    """What stands at a dotted path, or nothing."""
    try:
        return [at_path(data, path)]
    except Broken:
        return []


def variable_set(attempt: Attempt, config: Config) -> StageEnd:
    name = config["name"]
    previous = attempt.variables.get(name)
    if previous is UNSURE:
        raise Undetermined("which value a variable had before")
    was_set = config.get("overwrite", True) or name not in attempt.variables
    value = config["value"] if was_set else previous
    write = Write(name, value, config.get("scope") == "loop")
    output = {"name": name, "value": value, "previous_value": previous, "was_set": was_set}
    return completed(output, writes=[write] if was_set else [])


def filter(attempt: Attempt, config: Config) -> StageEnd:
    data = config["data"]
    if config.get("filter_mode", "pass_fail") == "pass_fail":
        passed = _passes(attempt, config, data, data=data)
        count = 0 if passed else 1
        return completed(_filtered(passed, data if passed else None, count))
    if not isinstance(data, list):
        raise attempt.failed("VALIDATION")
    kept = [
        item
        for index, item in enumerate(data)
        if _passes(attempt, config, item, item=item, index=index)
    ]
    return completed(_filtered(bool(kept), kept, len(data) - len(kept)))


def _filtered(passed: bool, data: Any, count: int) -> Config:
    return {"passed": passed, "data": data, "filtered_count": count, "reason": ANYTHING}


def _passes(attempt: Attempt, config: Config, value: Any, **roots: Any) -> bool:
    missing = config.get("pass_if_missing", False)
    if config.get("condition") is not None:
        try:
            passes = bool(attempt.evaluated(config["condition"], **roots))
        except StageFailed:
            passes = missing
    else:
        wanted = config.get("field_conditions") or {}
        found = [(_at(value, path), one) for path, one in wanted.items()]
        passes = all(same(at[0], one) if at else missing for at, one in found)
    return passes is not config.get("invert", False)


def loop(attempt: Attempt, config: Config) -> StageEnd:
    items, size = config["items"], config.get("batch_size", 1)
    rest = items[config.get("start_index", 0) :]
    every = [rest[at : at + size] for at in range(0, len(rest), size)]
    most = config.get("max_iterations")
    batches = every if most is None else every[:most]
    output = {
        "batches": batches,
        "total_items": len(items),
        "total_batches": len(batches),
        "has_more": len(batches) < len(every),
    }
    if config.get("include_metadata", True):
        start = config.get("start_index", 0)
        output["metadata"] = {"batch_size": size, "start_index": start}
    return completed(output)


def break_loop(attempt: Attempt, config: Config) -> StageEnd:
    broken, result = config["condition"], config.get("result")
    output = {"broken": broken, "result": result, "message": config.get("message")}
    return completed(output, stop=Stop("broken", value=result) if broken else None)


def continue_loop(attempt: Attempt, config: Config) -> StageEnd:
    continued = config["condition"]
    output = {"continued": continued, "message": config.get("message")}
    return completed(output, stop=Stop("continued") if continued else None)


def return_(attempt: Attempt, config: Config) -> StageEnd:
    expression = config.get("condition_expression")
    leaves = attempt.evaluated(expression) if expression else known(config.get("condition", True))
    value, status = config.get("return_value"), config.get("status", "completed")
    output = {
        "should_return": bool(leaves),
        "return_value": value,
        "message": config.get("message"),
        "status": status,
        "remaining_stages": ANYTHING,
    }
    error = error_of("CONTROL_FLOW", attempt.id) if status == "failed" else None
    return completed(output, stop=Stop("returned", error, value) if leaves else None)


def conditional(attempt: Attempt, config: Config) -> StageEnd:
    value, expression = config["condition"], config.get("condition_expression")
    result = attempt.evaluated(expression, value=value) if expression else known(value)
    output = {
        "branch_taken": "true" if result else "false",
        "condition_value": value,
        "condition_result": bool(result),
        "data": config.get("pass_data"),
    }
    return completed(output)


def router(attempt: Attempt, config: Config) -> StageEnd:
    value, expression = config["value"], config.get("value_expression")
    matched = attempt.evaluated(expression, value=value) if expression else value
    wanted = text(matched)
    folds = config.get("case_insensitive", False)
    routes = config["routes"]
    found = [key for key in routes if key == wanted or (folds and key.lower() == wanted.lower())]
    taken = routes[found[0]] if found else config.get("default_route", [])
    everything = {id for ids in [*routes.values(), config.get("default_route", [])] for id in ids}
    output = {
        "route_taken": found[0] if found else "default",
        "original_value": value,
        "matched_value": ANYTHING,
        "stages_to_execute": ANYTHING if len(taken) > 1 else taken,
        "stages_to_skip": ANYTHING if len(everything - {*taken}) > 1 else [*everything - {*taken}],
        "data": config.get("pass_data"),
    }
    return completed(output)


def switch_router(attempt: Attempt, config: Config) -> StageEnd:
    """Only the mode `equals` and, of texts, `starts_with`."""
    data, path = config["data"], config.get("value_path")
    value = at_path(data, path) if path else data
    starts = config.get("comparison_mode", "equals") == "starts_with"
    matched = [
        case
        for case in config["cases"]
        if (value.startswith(case["value"]) if starts else same(value, case["value"]))
    ]
    route = matched[0]["route"] if matched else config.get("default_route")
    case = ANYTHING if matched else None
    return completed({"matched_route": route, "matched_case": case, "value": value, "data": data})


def taken_by(stage: dict[str, Any], output: Any) -> set[str]:
    """The stages that a gate lets run."""
    config, kind = stage["config"], stage["component_type"]
    if kind == "conditional":
        return {*config.get(f"{output['branch_taken']}_branch_stages", ())}
    if kind == "router":
        return {*config["routes"].get(output["route_taken"], config.get("default_route", ()))}
    return {output["matched_route"]}


COMPONENTS: dict[str, Callable[[Attempt, Config], StageEnd]] = {
    "work": work,
    "give": give,
    "logger": logger,
    "json_transform": json_transform,
    "variable_set": variable_set,
    "filter": filter,
    "loop": loop,
    "break_loop": break_loop,
    "continue_loop": continue_loop,
    "return": return_,
    "conditional": conditional,
    "router": router,
    "switch_router": switch_router,
}
