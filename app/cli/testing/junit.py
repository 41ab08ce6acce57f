"""The results of tests as JUnit XML, in the form that GitHub, GitLab and Jenkins read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import click

from app.cli.home import Refused
from app.cli.runs.telling import told_error

Result = dict[str, Any]
#: The lines that say why a test did not pass.
Why = Callable[[Result], Iterable[str]]

# XML 1.0, 2.2: all else cannot stand in a document, whatever it is written as.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Result, path: Path, command: str, why: Why) -> None:
    """Writes the report of a command. Raises Refused when that cannot be."""
    tree = ElementTree(_suites(results, command, why))
    indent(tree)
    try:
        tree.write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        place = click.format_filename(path)
        raise Refused(f"{place}: cannot be written: {error.strerror}") from None


def _suites(results: Result, command: str, why: Why) -> Element:
    sums = _sums(results)
    suites = Element("testsuites", {"name": command, **sums})
    began = results["started_at"].partition(".")[0]
    named = {"name": _text(results["name"]), "timestamp": began}
    suite = SubElement(suites, "testsuite", {**named, **sums})
    for test in results["tests"]:
        _case(suite, results, test, list(why(test)))
    return suites


def _sums(results: Result) -> dict[str, str]:
    summary = results["summary"]
    return {
        "tests": str(summary["total"]),
        "failures": str(summary["failed"]),
        "errors": str(summary["errored"]),
        "skipped": str(summary["skipped"]),
        "time": _seconds(results["duration_ms"]),
    }


def _case(suite: Element, results: Result, test: Result, why: list[str]) -> None:
    case = SubElement(
        suite,
        "testcase",
        {
            "name": _text(test["name"]),
            "classname": _text(results["name"]),
            "time": _seconds(test["duration_ms"]),
        },
    )
    match test["status"]:
        case "skipped":
            SubElement(case, "skipped")
        case "failed":
            kind = test["error"]["type"] if test["error"] else "assertion"
            _reason(case, "failure", kind, why)
        case "errored":
            kind = test["error"]["type"] if test["error"] else "error"
            _reason(case, "error", kind, why or [told_error(test["error"])])
    if test["run_id"]:
        SubElement(case, "system-out").text = f"Run {test['run_id']}"


def _reason(case: Element, name: str, kind: str, why: list[str]) -> None:
    said = {"message": _text(why[0] if why else kind), "type": _text(kind)}
    SubElement(case, name, said).text = _text("\n".join(why))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
