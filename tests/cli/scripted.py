"""A Studio that plays one run from a script, as slowly as a test wants, and can go away."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

RUN_ID = "run-01jz0000000000000000000000"
STAGE = {"component_type": "note", "attempt": 1, "round": 0, "iteration_path": []}


def started(*stage_ids):
    """The first event of a run."""
    named = {"pipeline_name": "greet", "pipeline_version": "1.0.0", "stage_ids": list(stage_ids)}
    return {"type": "run_started", **named}


def stage(type, stage_id, **rest):
    """An event of a stage."""
    return {"type": f"stage_{type}", "stage_id": stage_id, **STAGE, **rest}


def completed(stage_id, **rest):
    """The end of a stage."""
    return stage("completed", stage_id, duration_ms=5, **rest)


def paused(stage_id=None, reason="breakpoint", iteration_path=(), **rest):
    """The run stands before a stage."""
    where = {"stage_id": stage_id, "iteration_path": list(iteration_path), "round": 0}
    told = {"completed_stages": [], "pending_stages": [], "error": None, **rest}
    return {"type": "execution_paused", "status": "paused", "reason": reason, **where, **told}


def resumed(reason="resume"):
    """A paused run goes on."""
    return {"type": "execution_resumed", "reason": reason}


def ended(status, **rest):
    """The last event of a run."""
    return {"type": f"run_{status}", "status": status, "duration_ms": 12, **rest}


class ScriptedStudio:
    """Answers for one run of the pipeline `greet`.

    `tell` adds events. `asked` are the requests so far as (method, path, query), `bodies` what was
    sent along. `refuse_with` is a status and a body for every request. Without a `request_id` it is
    something else than a Studio. `runs` and `stages` are what its lists hold, in pages of two;
    `document` are the stages of the pipeline, `owners` who of them runs which. `brings` are the
    events that follow each command to the run, one list for each time it comes, by its name; where
    the run stands then is `stands` (`paused_before` and `paused_iteration`). `refuses` are answers
    to commands instead; `snapshots` is what its history holds.
    """

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.output: object = {"text": "hello"}
        self.error: dict | None = None
        self.asked: list[tuple[str, str, dict]] = []
        self.bodies: list[dict] = []
        self.refuse_with: tuple[int, dict] | None = None
        self.request_id: str | None = "req-1"
        self.runs: list[dict] = []
        self.stages: list[dict] = []
        self.document: list[dict] = []
        self.owners: dict[str, str] = {}
        self.brings: dict[str, list[list[dict]]] = {}
        self.stands: dict = {"paused_before": None, "paused_iteration": []}
        self.refuses: dict[str, tuple[int, dict]] = {}
        self.breakpoints: list[dict] = []
        self.snapshots: list[dict] = []
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, *events: dict) -> None:
        """The next events of the run."""
        for event in events:
            self.events.append({"seq": len(self.events) + 1, "run_id": RUN_ID, **event})

    def start(self) -> None:
        """Answers from now on; after the first time at the same port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, path: str, query: dict) -> tuple[int, object]:
        """Status and body."""
        self.asked.append((method, path, query))
        if self.refuse_with:
            return self.refuse_with
        if path.endswith("/events"):
            later = [event for event in self.events if event["seq"] > int(query["after_seq"][0])]
            return 200, {"items": later[:3], "next": later[2]["seq"] if len(later) > 3 else None}
        if path == "/api/v1/runs" and method == "GET":
            return page(self.runs, query)
        if path.endswith("/stages"):
            wanted = query.get("stage_id")
            return page(
                [each for each in self.stages if wanted in (None, [each["stage_id"]])], query
            )
        if path.endswith("/validate"):
            return 200, {"plan": {"owners": self.owners}}
        if "/pipelines/" in path:
            return 200, {"id": self.run()["pipeline_id"], "stages": self.document}
        last = path.rpartition("/")[2]
        if last in self.refuses:
            return self.refuses[last]
        if path.startswith(f"/api/v1/time-travel/{RUN_ID}/"):
            return self.history(last, query)
        if method == "POST" and path.startswith(f"/api/v1/runs/{RUN_ID}/"):
            return 200, self.control(last)
        if "/runs" in path and RUN_ID not in path and method == "GET":
            return 404, {"code": "not-found", "detail": "There is no such thing here."}
        return (202 if method == "POST" else 200), self.run()

    def control(self, command: str) -> dict:
        """The RunControl after a command."""
        if self.brings.get(command):
            self.tell(*self.brings[command].pop(0))
        standing = {"status": self.run()["status"], **self.stands}
        return {"run_id": RUN_ID, **standing, "breakpoints": self.breakpoints}

    def history(self, what: str, query: dict) -> tuple[int, object]:
        """A list of snapshots, or one: where a step from the one that was sent leads, or by id."""
        if what == "timeline":
            return 200, {"entries": self.snapshots}
        if what == "snapshots":
            wanted = query["stage_id"][0]
            return page([each for each in self.snapshots if each["stage_id"] == wanted], query)
        ids = [each["id"] for each in self.snapshots]
        if what in ids:
            return 200, self.snapshots[ids.index(what)]
        by = {"step-back": -1, "step-forward": 1}[what]
        return 200, self.snapshots[ids.index(self.bodies[-1]["from_snapshot_id"]) + by]

    def run(self) -> dict:
        """The run as it is now."""
        status = self.events[-1].get("status", "running") if self.events else "pending"
        return {
            "id": RUN_ID,
            "run_id": RUN_ID,
            "pipeline_id": "pl-01jz0000000000000000000000",
            "pipeline_name": "greet",
            "pipeline_version": "1.0.0",
            "status": status,
            "input": {"names": ["Ada", "Grace"]},
            "output": self.output if status == "completed" else None,
            "error": self.error,
            "duration_ms": 12,
            "stages": [{"stage_id": each["id"]} for each in self.document],
            "breakpoints": self.breakpoints,
        }


def page(items: list[dict], query: dict) -> tuple[int, object]:
    """A page of a list as contract 00 has them; a cursor is only good for the filters it is of."""
    filters = sorted((k, v) for k, v in query.items() if k not in ("cursor", "limit"))
    cursors = {f"{at}-{filters}": at for at in range(len(items))}
    at = cursors.get(query["cursor"][0]) if "cursor" in query else 0
    if at is None:
        return 400, {"code": "bad-cursor", "detail": "This cursor is not of this list."}
    end = at + min(2, int(query["limit"][0]))
    return 200, {"items": items[at:end], "next": f"{end}-{filters}" if end < len(items) else None}


def handler(studio: ScriptedStudio) -> type[BaseHTTPRequestHandler]:
    """What answers for a scripted Studio; each connection serves one request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = studio.answer(self.command, url.path, parse_qs(url.query))
            data = json.dumps(body).encode()
            self.send_response(status)
            if studio.request_id:
                self.send_header("X-Request-ID", studio.request_id)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            studio.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
