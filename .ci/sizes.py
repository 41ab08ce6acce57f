"""A report: how long files and functions are. Never fails."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_FILE, LONGEST_FUNCTION = 250, 50


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, docstring left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, (node.end_lineno - body[0].lineno + 1) if body else 0


def main() -> None:
    """Prints the report."""
    tracked = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True)  # noqa: S607
    paths = [Path(name) for name in tracked.stdout.split() if Path(name).exists()]
    for room, chosen in (
        ("product", [path for path in paths if path.parts[0] != "tests"]),
        ("tests", [path for path in paths if path.parts[0] == "tests"]),
    ):
        report(room, {path: path.read_text().count("\n") for path in chosen})


def report(room: str, files: dict[Path, int]) -> None:
    """The medians of one part, and what is longer than it should be."""
    lengths = [(path, name, lines) for path in files for name, lines in functions(path)]
    write = sys.stdout.write
    write(
        f"{room}: {len(files)} files, {sum(files.values())} lines, median"
        f" {statistics.median(files.values() or [0]):.0f}; {len(lengths)} functions, median"
        f" {statistics.median([lines for *_, lines in lengths] or [0]):.0f}\n"
    )
    for path, lines in files.items():
        if lines > LONGEST_FILE:
            write(f"  {path}: {lines} lines\n")
    for path, name, lines in lengths:
        if lines > LONGEST_FUNCTION:
            write(f"  {path}: {name}: {lines} lines\n")


if __name__ == "__main__":
    main()
