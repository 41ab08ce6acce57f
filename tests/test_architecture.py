"""The house keeps its own rules: what linters cannot see."""

from __future__ import annotations

import ast
import configparser
import re
from dataclasses import fields
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "config", "migrations", "scheduler", "workers")
PRODUCT = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
SETTINGS_OF_THE_PLATFORM = {"PORT"}


def name(path):
    """A path as a person writes it."""
    return path.relative_to(ROOT).as_posix()


def trees(under=""):
    """The parsed files of the product below a folder."""
    return [(name(p), ast.parse(p.read_text())) for p in PRODUCT if name(p).startswith(under)]


def found(pattern, but="-"):
    """Places where code of the product matches, as `file:line`, but for the files below `but`."""
    return [
        f"{name(path)}:{number}"
        for path in PRODUCT
        if not name(path).startswith(but)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]


def setup():
    """The parsed setup.cfg."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def test_listed_packages_are_those_of_the_tree():
    listed = setup()["options"]["packages"].split()
    tree = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
    }
    tree = {package.removeprefix("app.") if "flowmason" in package else package for package in tree}

    assert listed == sorted(tree)


def test_every_package_has_a_docstring():
    without = [
        name(path)
        for path in {path.parent for path in PRODUCT}
        if not (path / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((path / "__init__.py").read_text()))
    ]

    assert without == []


def test_every_module_has_a_docstring():
    assert [path for path, tree in trees() if not ast.get_docstring(tree)] == []


def test_status_of_a_row_is_never_assigned():
    assigned = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if not path.startswith("app/engine/")  # its instances are no rows
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "status"
        and isinstance(node.ctx, ast.Store)
    ]

    assert assigned == []


def test_environment_is_read_in_config_alone():
    assert found(r"\bos\.(environ|getenv)\b", but="config/") == []


def test_clock_is_read_in_one_place():
    assert found(r"datetime\.(now|utcnow)\(", but="app/core/clock.py") == []


def test_actors_are_one_statement():
    longer = []
    for path, tree in trees("workers/actors.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                longer += [f"{path}: {node.name}"] if len(body) != 1 else []

    assert longer == []


def test_no_room_has_a_name_that_says_nothing():
    words = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

    assert [name(path) for path in PRODUCT if words & {path.stem, path.parent.name}] == []


def test_nothing_is_left_for_later():
    assert found(r"\b(TODO|FIXME|XXX)\b") == []


def settings_of_the_readme():
    """Variable -> its default, as the table of settings tells them."""
    table = (ROOT / "README.md").read_text().partition("### Settings\n")[2].partition("\n#")[0]
    cells = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    return {variable.strip(" `"): default.strip() for variable, default in cells}


def told(default):
    """The words with which the README tells a default; what follows a semicolon explains it."""
    if default is None or default == ():
        return ("unset", "empty")
    return (str(default),) if isinstance(default, int) else (f"`{default}`",)


@pytest.mark.parametrize(
    "item", [item for item in fields(config.Settings) if item.metadata], ids=lambda item: item.name
)
def test_setting_is_described_in_the_readme_with_its_default(item):
    described = settings_of_the_readme()[item.metadata["variable"]]

    assert described.partition(";")[0] in told(getattr(config.load({}), item.name))


def test_readme_describes_no_setting_that_does_not_exist():
    known = {item.metadata.get("variable") for item in fields(config.Settings)}

    assert set(settings_of_the_readme()) - known == SETTINGS_OF_THE_PLATFORM


def test_commands_of_the_readme_are_those_of_the_procfile():
    readme = (ROOT / "README.md").read_text()
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = [re.sub(r"^[a-z]+: ([a-z_]+=\S+ )?", "", line) for line in lines]
    # The image runs `web` by itself.
    shown = [command for command in commands if not command.startswith("gunicorn")]

    assert [command for command in shown if command not in readme] == []


def test_lock_file_pins_every_requirement():
    required = {
        re.split(r"[<>=\[;]", line)[0].lower()
        for line in setup()["options"]["install_requires"].split("\n")
        if line
    }
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}

    assert required <= pinned


def test_test_command_of_the_readme_is_that_of_the_ci():
    ci = (ROOT / ".ci" / "run").read_text()

    assert "pip install -e '.[test]' && pytest" in (ROOT / "README.md").read_text()
    assert re.search(r"pip install .*-e '\.\[test\]'", ci)
    assert re.search(r"^PYTEST_ADDOPTS=.* pytest$", ci, re.MULTILINE)
