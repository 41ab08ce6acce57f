"""`fm ci` against a whole Studio: web process, workers, database."""

from __future__ import annotations

import json

import urllib3

from tests.cli.documents import note, pipeline

GREET = pipeline("ci-greet", note("line", "Hello, {{ input.name }}!"))


def test_recorded_run_is_held_against_a_changed_file(lasting):
    url = f"{lasting.studio.url}/api/v1/pipelines"
    assert urllib3.request("POST", url, json=GREET).status == 201
    ran = lasting.fm("run", "ci-greet", "--set", "name=Ada", "--json")
    path = lasting.folder / "ci-greet.pipeline.json"
    words = ("ci", "--runs", "last:50", "--pipeline", path.name)

    path.write_text(json.dumps(GREET))
    same = lasting.fm(*words)
    path.write_text(json.dumps(GREET).replace("Hello", "Bye"))
    differs = lasting.fm(*words)

    run_id = json.loads(ran.stdout)["run_id"]
    assert (same.returncode, differs.returncode) == (0, 1), same.stderr + differs.stderr
    assert same.stdout.startswith(f"ok  {run_id}  ")
    assert differs.stdout.startswith(f"DIFFERS  {run_id}  ")
    assert 'line /output/result: "Hello, Ada!" -> "Bye, Ada!"' in differs.stdout
