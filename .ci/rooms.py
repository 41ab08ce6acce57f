"""A report: branch coverage of each room, from the data of the last `pytest --cov`. Never fails."""

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException


def room(path: str) -> str:
    """The room of a file: `app/engine/x.py` is of `app.engine`."""
    parts = Path(path).parts
    return ".".join(parts[:2]) if parts[0] == "app" and len(parts) > 2 else parts[0]


def main() -> None:
    """Prints the report."""
    coverage = Coverage()
    try:
        coverage.load()
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            coverage.json_report(outfile=file.name, show_contexts=False)
            files = json.loads(Path(file.name).read_text())["files"]
    except CoverageException as error:
        sys.stdout.write(f"no coverage: {error}\n")
        return
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path, found in files.items():
        summary = found["summary"]
        sums[room(path)][0] += summary["covered_lines"] + summary["covered_branches"]
        sums[room(path)][1] += summary["num_statements"] + summary["num_branches"]
    for name, (covered, total) in sorted(sums.items()):
        sys.stdout.write(f"{name:18} {100 * covered / max(total, 1):5.1f} %\n")


if __name__ == "__main__":
    main()
