"""Random sequences of commands of two clients, worker turns, lost workers and replays: every
accepted command has its effect, none is accepted that is not legal, no stage is executed twice or
where it was to be taken over, and what was replayed stays as it was."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.api.runs.socket import _COMMANDS
from app.components import built_in
from app.core import wire
from app.core.errors import IllegalMove, StageError
from app.engine.component import Component, Effect, Field, Kind
from app.infra.database import release
from app.models import Run, Snapshot, StageRun
from app.services.runs import claim, control, drive
from app.services.runs.replay import start_replay
from app.services.runs.start import start_run
from tests.conftest import wait_until
from tests.engine.reference.profile import THOROUGH
from tests.fuzz.obedience import Model, Moment, Refused, left_over
from tests.realtime.fakes import House, Talk
from tests.services.runs.conftest import row, seen, tape
from tests.services.runs.forks import history
from tests.services.runs.test_control import lose_lease

pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)

EXAMPLES = 850 if THOROUGH else 84  #: of each document; thousands on both databases, or one
MAX_LOSSES = 4  #: one less than the run may have without a stage that finishes


class Probe(Component):
    """Tells when it is under way; fails when it is told to."""

    type = "probe"
    effect = Effect.EFFECTFUL
    fields = {"fails": Field(Kind.BOOLEAN, default=False)}
    under_way = None

    def run(self, context, inputs):
        """One attempt."""
        try:
            Probe.under_way((context.stage_id, tuple(context.iteration_path)))
        finally:
            claim.note_all()
            release()
        if inputs.fails:
            raise StageError("EXECUTION", "bad")
        return {"did": context.stage_id}


def probe(stage_id: str, *needs: str, fails: bool = False, **members: object) -> dict:
    return {
        "id": stage_id,
        "component_type": "probe",
        "config": {"fails": fails},
        "depends_on": list(needs),
        **members,
    }


def owner(stage_id: str, component_type: str, **config: object) -> dict:
    return {"id": stage_id, "component_type": component_type, "config": config}


def fails(stage_id: str) -> list[Moment]:
    return [Moment(stage_id), Moment(stage_id, is_failure=True)]


class Case(NamedTuple):
    """A document and what it does. `fatal`: once it failed, what a replay does not take over."""

    stages: list[dict]
    moments: list[Moment]
    end: str = "completed"
    fatal: frozenset[str] = frozenset()


DOCUMENTS = {
    "chain": Case(
        [probe("a"), probe("b", "a"), probe("c", "b")],
        [Moment("a"), Moment("b"), Moment("c")],
    ),
    "loop": Case(
        [
            owner("a", "foreach", items=[0, 1], loop_stages=["b", "c"]),
            probe("b"),
            probe("c", "b"),
            probe("d", "a"),
        ],
        [
            Moment("a", acts=False),
            *(Moment(stage_id, (n,)) for n in range(2) for stage_id in "bc"),
            Moment("d"),
        ],
    ),
    "caught": Case(
        [
            owner("a", "trycatch", try_stages=["b"], catch_stages=["c"], error_scope="continue"),
            probe("b", fails=True),
            probe("c"),
            probe("d", "a"),
        ],
        [Moment("a", acts=False), *fails("b"), Moment("c"), Moment("d")],
    ),
    "rethrown": Case(
        [
            owner("a", "trycatch", try_stages=["b"], catch_stages=["c"]),
            probe("b", fails=True),
            probe("c"),
            probe("d", "a"),
        ],
        [Moment("a", acts=False), *fails("b"), Moment("c"), Moment("a", is_failure=True)],
        "failed",
        fatal=frozenset("abc"),
    ),
    "continued": Case(
        [probe("a", fails=True, on_error="continue"), probe("b", "a"), probe("c", "b")],
        [*fails("a"), Moment("b"), Moment("c")],
    ),
    "failing": Case(
        [probe("a"), probe("b", "a", fails=True), probe("c", "b")],
        [Moment("a"), *fails("b")],
        "failed",
        fatal=frozenset("b"),
    ),
}
STAGES = some.sampled_from("abcd")
STOPS = some.sampled_from(("", "", "a", "b", "c", "bc")).map(list)
BACK = some.sampled_from((1, 0, 2, 3, 5))  #: snapshots between the last one and the one of a replay
SOON = some.sampled_from((True, True, False))  #: whether a worker comes before any client


@some.composite
def commands(draw):
    """A command and its fields."""
    name = draw(
        some.sampled_from(
            ("pause", "pause", "resume", "resume", "step", "stop", "set_breakpoint")
            + ("set_breakpoint", "clear_breakpoint")
        )
    )
    if name == "clear_breakpoint":
        return name, {"stage_id": draw(some.none() | STAGES)}
    if name != "set_breakpoint":
        return name, {}
    on_error = draw(some.booleans())
    condition = None if on_error else draw(some.sampled_from((None, None, "false", "item == 1")))
    stage_id = draw(some.none() | STAGES) if on_error else draw(STAGES)
    return name, {"stage_id": stage_id, "condition": condition, "on_error": on_error}


class OtherDoor(House):
    """The house of a socket: commands do what they do for real."""

    def control(self, who, command, fields):
        return _COMMANDS[command](who, **fields)


class Obedience(RuleBasedStateMachine):
    """One run, its model, two clients and a worker; once it is replayed, the replay in its place.
    `who`, `pipeline` and `case` are set by the test."""

    who = pipeline = None
    case: Case

    @initialize(
        entry=some.sampled_from((False, False, True)),
        stops=STOPS,
        soon=SOON,
        last=some.none() | some.tuples(BACK, STOPS),
    )
    def begin(self, entry, stops, soon, last):
        self.stage_ids = {stage["id"] for stage in self.case.stages}
        self.talk = Talk(self.who)
        self.talk.session._house = OtherDoor()
        self.left: list[tuple[str, list]] = []
        options = {"breakpoints": stops, "stop_on_entry": entry}
        run_id = start_run(self.who, self.pipeline, {}, **options).run["id"]
        self.turn_to(run_id, self.case.moments, stops)
        self.model.asked = "entry" if entry else None
        self.last = last  #: how what came to its end is replayed once more
        if soon:
            self.work([], [], [])

    def turn_to(self, run_id, moments, stops):
        """What follows is about this run, which was accepted just now."""
        self.run_id, self.done = run_id, []
        self.model = Model(moments, self.case.end)
        self.model.breakpoints = {(stage_id, False): None for stage_id in stops}

    # Clients.

    @rule(command=commands(), other=some.booleans())
    def command(self, command, other):
        """A client commands."""
        self.give(command, other)

    def give(self, command, other):
        name, fields = command
        if fields.get("stage_id") not in {None, *self.stage_ids}:
            return
        try:
            getattr(self.model, name)(**fields)
            expected = "control"
        except Refused:
            expected = "illegal-move"
        told = (self.over_socket if other else self.over_http)(name, fields)
        if expected == "illegal-move":
            assert told == expected, (name, fields, told)
        else:
            self.compare(told)

    def over_http(self, name, fields):
        try:
            return getattr(control, name)(self.who, self.run_id, **fields)
        except IllegalMove:
            return "illegal-move"

    def over_socket(self, name, fields):
        told = self.talk.say(type=name, run_id=self.run_id, **fields)
        return told if told["type"] == "control" else told["code"]

    def compare(self, told):
        model, told = self.model, wire.read(wire.dumps(told))
        stage_id, path = model.standing
        assert (told["status"], told["mode"]) == (model.status, model.mode)
        assert (told["paused_before"], told["paused_iteration"]) == (stage_id, path)
        assert [(b["stage_id"], b["on_error"], b["condition"]) for b in told["breakpoints"]] == [
            (*kind, condition) for kind, condition in model.breakpoints.items()
        ]

    @rule(back=BACK, stops=STOPS, soon=SOON)
    def replay(self, back, stops, soon):
        """A client replays the run from one of its snapshots and turns to that."""
        snapshots = self.snapshots()
        if not snapshots:
            return
        at = max(len(snapshots) - 1 - back, 0)
        if self.model.status == "pending":
            with pytest.raises(IllegalMove):
                start_replay(self.who, self.run_id, snapshots[at][0])
            return
        self.check_history()
        self.left.append((self.run_id, history(self.run_id)))
        fork = start_replay(self.who, self.run_id, snapshots[at][0], breakpoints=stops)
        taken = {key for _, key in snapshots[1 : at + 1] if not self.is_fatal(key)}
        self.turn_to(fork.run["id"], left_over(self.case.moments, taken), stops)
        if soon:
            self.work([], [], [])

    def snapshots(self):
        """Of each snapshot its id, and which stage run it is of."""
        query = (
            Snapshot.select(Snapshot.id, StageRun.stage_id, StageRun.iteration_path)
            .left_outer_join(StageRun, on=(Snapshot.stage_run_id == StageRun.id))
            .where(Snapshot.run == self.run_id)
            .order_by(Snapshot.seq)
        )
        return [
            (id, (stage_id, tuple(map(int, path.split("."))) if path else ()))
            for id, stage_id, path in query.tuples()
        ]

    def is_fatal(self, key):
        return self.model.status == "failed" and key[0] in self.case.fatal

    # Workers.

    @rule(
        early=some.lists(some.tuples(commands(), some.booleans()), max_size=2),
        meanwhile=some.lists(some.lists(some.tuples(commands(), some.booleans()), max_size=2)),
        dies=some.lists(some.booleans(), max_size=2),
    )
    def work(self, early, meanwhile, dies):
        """A worker takes what there is. Clients command before anything starts and while stages
        run, when it may die."""
        lease = claim.claim()
        assert (lease is not None) is (self.model.status == "pending")
        if lease is not None:
            self.model.claimed()
            for command, other in early:
                self.give(command, other)
            lease.note()
            self.drive(lease, list(meanwhile), list(dies))

    def drive(self, lease, meanwhile, dies):
        problems: list[BaseException] = []
        going = self.model.advance()
        awaited = next(going, None)

        def under_way(key):
            nonlocal awaited
            try:
                assert awaited is not None, f"{key} was not to start"
                assert key == (awaited.stage_id, awaited.path)
                self.done.append(key)
                for command, other in meanwhile.pop(0) if meanwhile else ():
                    self.give(command, other)
                if dies and dies.pop(0) and self.model.losses < MAX_LOSSES:
                    lose_lease()
                    self.model.lost()
                awaited = next(going, None)
            except BaseException as problem:
                problems.append(problem)

        Probe.under_way = under_way
        drive.drive(lease)
        if problems:
            raise problems[0]
        assert awaited is None, f"{awaited} did not start"

    @precondition(lambda self: self.model.status == "pending" and self.model.losses < MAX_LOSSES)
    @rule()
    def lose_worker(self):
        """A worker takes the run and is lost before it does anything."""
        assert claim.claim() is not None
        self.model.claimed()
        lose_lease()
        self.model.lost()

    # What is always so.

    def teardown(self):
        """The run is brought to its end, and what it was is compared with what it had to be."""
        if not hasattr(self, "model"):
            return
        try:
            self.come_to_an_end()
            if self.last is not None:
                self.replay(*self.last, soon=True)
                self.come_to_an_end()
            for run_id, was in self.left:
                assert history(run_id) == was
        finally:
            Run.delete().execute()  # what failed must not be met again

    def come_to_an_end(self):
        while not self.model.is_final:
            self.check_status()
            if self.model.status == "paused":
                self.give(("clear_breakpoint", {"stage_id": None}), False)
                self.give(("resume", {}), False)
            else:
                self.work([], [], [])
        self.check_history()

    def check_history(self):
        """What the run has told up to now, and executed."""
        self.check_status()
        told = tape(self.who, self.run_id)
        self.check_tape(told)
        assert [
            (event["stage_id"], tuple(event["iteration_path"]), event["reason"])
            for event in told
            if event["type"] == "execution_paused"
        ] == self.model.pauses
        run = seen(self.who, self.run_id)
        self.check_executions(run["stages"])
        if self.model.status == "completed":
            assert run["output"] == {"did": self.case.stages[-1]["id"]}

    def check_status(self):
        status = Run.select(Run.status).where(Run.id == self.run_id).scalar()
        assert status == self.model.status

    def check_executions(self, stages):
        """Each stage run was executed once, and once more for each worker that was lost by it; none
        that was taken over."""
        started = {
            (stage["stage_id"], tuple(stage["iteration_path"])): stage["attempt"]
            for stage in stages
            if stage["component_type"] == "probe" and stage["attempt"] and not stage["reused"]
        }
        assert {key: self.done.count(key) for key in self.done} == started

    @staticmethod
    def check_tape(told):
        """Only the moves of contract 03's status machine are told."""
        assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
        status = "pending"
        begun = False
        for event in told:
            type = event["type"]
            if type == "run_started":
                assert not begun
                status, begun = "running", True
            elif type == "execution_resumed":
                assert begun
                status = "running"
            elif type == "execution_paused":
                status = "paused"
            elif type.startswith("run_"):
                assert event is told[-1]
                assert type == "run_cancelled" or begun
            else:
                assert status == "running", event


@pytest.fixture
def probe_is_known(monkeypatch):
    """The component, known to validation and workers."""
    monkeypatch.setitem(built_in()._components, "probe", Probe())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_accepted_command_has_its_effect_and_no_other(who, deploy, probe_is_known, name):
    Obedience.who, Obedience.case = who, DOCUMENTS[name]
    Obedience.pipeline = deploy(*DOCUMENTS[name].stages)

    run_state_machine_as_test(
        Obedience,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            derandomize=not THOROUGH,
            stateful_step_count=8,
            # A sequence takes its time, and is short enough to be read as it is.
            phases=(hypothesis.Phase.generate,),
            report_multiple_bugs=False,
        ),
    )


def test_clients_and_worker_at_once_lose_no_command(who, deploy, probe_is_known, start):
    Probe.under_way = lambda key: None
    loop = [owner("a", "foreach", items=list(range(10)), loop_stages=["b", "c"])]
    run_id = start(deploy(*loop, probe("b"), probe("c", "b"), probe("d", "a")))
    accepted: list[str] = []
    over = threading.Event()

    def client(seed):
        chance = random.Random(seed)
        for _ in range(40):
            name = chance.choice(["pause", "resume", "step", "set_breakpoint", "clear_breakpoint"])
            fields = {"stage_id": chance.choice("bc")} if "breakpoint" in name else {}
            with contextlib.suppress(IllegalMove):
                getattr(control, name)(who, run_id, **fields)
                accepted.append(name)
        release()

    def worker():
        while not over.is_set():
            drive.advance_run()
        release()

    working = threading.Thread(target=worker)
    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(2)]
    for thread in (working, *clients):
        thread.start()
    for thread in clients:
        thread.join()

    def leads_to_the_end():
        with contextlib.suppress(IllegalMove):
            for command in (control.clear_breakpoint, control.resume):
                command(who, run_id)
                accepted.append(command.__name__)
        return row(run_id).status == "completed"

    wait_until(leads_to_the_end, 60)
    over.set()
    working.join()

    told = tape(who, run_id)
    Obedience.check_tape(told)
    assert [event["type"] for event in told].count("stage_started") == 22
    assert row(run_id).control_seq == len(accepted)
