"""No gap and no duplicate, whatever the bus does."""

from hypothesis import given
from hypothesis import strategies as st

from app.realtime.following import MAX_STREAMS, PAGE
from tests.realtime.fakes import Talk, caller


def test_subscribing_sends_the_answer_then_what_is_stored(talk):
    talk.happen(times=3)

    talk.subscribe(after_seq=1, id="7")

    answer = talk.tape.sent[0]
    assert (answer["type"], answer["id"], answer["status"]) == ("subscribed", "7", "running")
    assert answer["last_seq"] == 3
    assert talk.tape.seqs() == [2, 3]


def test_long_journal_is_read_in_pages(talk):
    talk.happen(times=2 * PAGE + 1)

    talk.subscribe()

    assert talk.house.pages == [PAGE, PAGE, 1]
    assert talk.tape.seqs() == list(range(1, 2 * PAGE + 2))


def test_live_events_are_sent_without_asking_the_journal(talk):
    talk.subscribe()
    asked = len(talk.house.pages)

    for seq in (1, 2):
        talk.happen()
        talk.hub.publish("run-1", seq)
    talk.settle()

    assert talk.tape.seqs() == [1, 2]
    assert len(talk.house.pages) == asked


def test_event_published_during_the_replay_is_sent_once(talk):
    talk.happen(times=1)
    plain = talk.house.since

    def since(*asked):
        page = plain(*asked)
        if talk.house.heads["run-1"] == 1:  # stored and published after the page was read
            talk.happen()
            talk.hub.publish("run-1", 2)
        return page

    talk.house.since = since
    talk.subscribe()

    assert talk.tape.seqs() == [1, 2]


def test_lost_event_is_fetched_when_the_next_one_comes(talk):
    talk.subscribe()

    talk.happen(times=3)
    talk.hub.publish("run-1", 3)
    talk.settle()

    assert talk.tape.seqs() == [1, 2, 3]


def test_lost_last_event_is_fetched_by_the_watch(talk):
    talk.subscribe()
    talk.happen(times=2)

    talk.hub.nudge("run-1", 2)
    talk.settle()

    assert talk.tape.seqs() == [1, 2]


def test_watch_asks_nothing_of_the_journal_for_what_is_already_queued(talk):
    talk.subscribe()
    asked = len(talk.house.pages)
    talk.happen()
    talk.hub.publish("run-1", 1)

    talk.hub.nudge("run-1", 1)
    talk.settle()

    assert talk.tape.seqs() == [1]
    assert len(talk.house.pages) == asked


def test_token_chunks_are_sent_while_live(talk):
    talk.subscribe()

    talk.hub.publish("run-1", None)
    talk.settle()

    assert talk.tape.types()[-1] == "token_chunk"


def test_subscribing_again_starts_after_the_new_seq(talk):
    talk.happen(times=3)
    talk.subscribe()
    talk.tape.sent.clear()

    talk.subscribe(after_seq=1)
    talk.happen()
    talk.hub.publish("run-1", 4)
    talk.settle()

    assert talk.tape.seqs() == [2, 3, 4]
    assert len(talk.hub.joined["run-1"]) == 1


def test_unsubscribing_drops_what_waits(talk):
    talk.subscribe()
    talk.happen()
    talk.hub.publish("run-1", 1)

    answer = talk.say(type="unsubscribe", run_id="run-1")

    assert answer["type"] == "unsubscribed"
    assert talk.tape.seqs() == []
    assert talk.hub.joined["run-1"] == []


def test_unsubscribing_from_what_is_not_followed_is_answered(talk):
    assert talk.say(type="unsubscribe", run_id="run-9")["type"] == "unsubscribed"


def test_unknown_run_is_refused_and_not_joined(talk):
    answer = talk.subscribe("run-9")

    assert (answer["type"], answer["code"], answer["run_id"]) == ("error", "not-found", "run-9")
    assert not talk.hub.joined.get("run-9")


def test_one_subscription_too_many_is_refused(talk):
    for number in range(MAX_STREAMS + 1):
        talk.happen(f"run-{number}")
        talk.clock.at += 1
        answer = talk.subscribe(f"run-{number}")

    assert (answer["type"], answer["code"]) == ("error", "validation-failed")
    assert talk.subscribe("run-0", after_seq=1)["type"] == "subscribed"


def test_database_away_during_a_replay_delays_it(talk):
    talk.happen(times=2)
    plain, failed = talk.house.find, []

    def find(*asked):
        head = plain(*asked)
        talk.house.away = bool(failed)  # away after the second look
        failed.append(True)
        return head

    talk.house.find = find
    talk.subscribe()
    assert talk.tape.types() == ["subscribed"]
    talk.house.away = False
    talk.pass_time(2)
    talk.settle()

    assert talk.tape.seqs() == [1, 2]


def test_end_of_the_session_leaves_every_run(talk):
    talk.subscribe()

    talk.session.gone()
    talk.session.run()

    assert talk.hub.joined["run-1"] == []


def test_busy_run_and_long_journal_take_turns(talk):
    talk.subscribe()
    talk.happen("run-2", 3 * PAGE)
    talk.happen(times=10)
    plain = talk.house.since

    def since(*asked):
        if asked[1] == "run-2" and asked[2] == 0:
            for seq in range(1, 11):
                talk.hub.publish("run-1", seq)
        return plain(*asked)

    talk.house.since = since
    talk.subscribe("run-2")

    order = [told["run_id"] for told in talk.tape.sent if told.get("seq")]
    assert order[:PAGE] == ["run-2"] * PAGE
    assert order[PAGE : PAGE + 10] == ["run-1"] * 10


STEPS = st.one_of(
    st.just(("store", 0)),
    st.just(("store and publish", 0)),
    st.tuples(st.just("publish again"), st.integers(1, 40)),
    st.just(("chunk", 0)),
    st.just(("nudge", 0)),
    st.tuples(st.just("turn"), st.integers(1, 3)),
    st.just(("database away", 0)),
    st.just(("database back", 0)),
)


def _step(talk: Talk, deed: str, number: int) -> None:
    head = talk.house.heads["run-1"]
    match deed:
        case "store":
            talk.happen()
        case "store and publish":
            talk.happen()
            talk.hub.publish("run-1", head + 1)
        case "publish again":  # late, twice, overtaking
            if head:
                talk.hub.publish("run-1", (number - 1) % head + 1)
        case "chunk":
            talk.hub.publish("run-1", None)
        case "nudge":
            talk.hub.nudge("run-1", head)
        case "turn":
            talk.clock.at += 0.5
            for _ in range(number):
                talk.session.turn(0)
        case "database away" | "database back":
            talk.house.away = deed.endswith("away")


@given(
    steps=st.lists(STEPS, max_size=120), before=st.integers(0, 450), after_seq=st.integers(0, 460)
)
def test_any_course_of_the_bus_gives_exactly_the_journal(steps, before, after_seq):
    talk = Talk(caller())
    talk.happen(times=before)
    talk.ask(type="subscribe", run_id="run-1", after_seq=after_seq)
    talk.session.turn(0)

    for deed, number in steps:
        _step(talk, deed, number)
    talk.house.away = False
    talk.pass_time(3)
    talk.hub.nudge("run-1", talk.house.heads["run-1"])
    talk.settle()

    assert talk.tape.seqs() == list(range(after_seq + 1, talk.house.heads["run-1"] + 1))
