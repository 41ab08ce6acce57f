"""What a client is answered, and when the house hangs up."""

import json

import pytest

from app.core.errors import Unauthenticated, Unavailable
from app.realtime.ports import Gone
from tests.realtime.fakes import Talk, caller


def test_admitted_client_is_told_who_it_is(talk):
    talk.session.close(1001)

    talk.session.run()

    told = talk.tape.sent[0]
    assert told["type"] == "connected"
    assert told["user"] == {"id": "usr-a", "name": "A"}
    assert told["organization_id"] == "org-a"
    assert told["connection_id"]
    assert "id" not in told
    assert talk.tape.closed[0] == 1001


def test_ping_is_answered_with_its_id(talk):
    answer = talk.say(type="ping", id="x")

    assert (answer["type"], answer["id"]) == ("pong", "x")
    assert answer["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed-json"),
        ("[]", "malformed-json"),
        ('{"type":"ping","type":"ping"}', "malformed-json"),
        ("[" * 70 + "]" * 70, "json-too-deep"),
        ("{}", "validation-failed"),
        ('{"type":7}', "validation-failed"),
        ('{"type":"Ping"}', "validation-failed"),
        ('{"type":"ping","more":1}', "validation-failed"),
        ('{"type":"ping","id":7}', "validation-failed"),
        ('{"type":"ping","id":"%s"}' % ("x" * 65), "validation-failed"),
        ('{"type":"subscribe"}', "validation-failed"),
        ('{"type":"subscribe","run_id":7}', "validation-failed"),
        ('{"type":"subscribe","run_id":"run-1","after_seq":-1}', "validation-failed"),
        ('{"type":"subscribe","run_id":"run-1","after_seq":true}', "validation-failed"),
        ('{"type":"subscribe","run_id":"run-1","after_seq":"1"}', "validation-failed"),
    ],
)
def test_bad_message_is_refused_and_the_talk_goes_on(talk, text, code):
    talk.session.hear(text)
    talk.settle()

    assert talk.tape.last()["type"] == "error"
    assert talk.tape.last()["code"] == code
    assert talk.say(type="ping")["type"] == "pong"


def test_refusal_repeats_the_id_and_the_run(talk):
    answer = talk.say(type="subscribe", run_id="run-9", id="q")

    assert (answer["id"], answer["run_id"]) == ("q", "run-9")


def test_control_message_without_its_scope_is_forbidden(talk):
    assert talk.say(type="pause", run_id="run-1")["code"] == "forbidden"


def test_subscribing_without_its_scope_is_forbidden():
    talk = Talk(caller("pipelines:read"))

    answer = talk.subscribe()

    assert answer["code"] == "forbidden"
    assert "runs:read" in answer["detail"]


def test_database_away_is_told_and_the_talk_goes_on(talk):
    talk.house.away = True

    assert talk.subscribe()["code"] == "unavailable"


def test_binary_frame_closes_with_1003(talk):
    talk.session.hear(b"{}")
    talk.settle()

    assert talk.tape.closed[0] == 1003


def test_message_over_64_kib_in_bytes_closes_with_1009(talk):
    talk.session.hear("ä" * 32769)
    talk.settle()

    assert talk.tape.closed[0] == 1009


def test_more_than_50_messages_in_a_second_close_with_4429(talk):
    for _ in range(50):
        talk.say(type="ping")
    assert talk.tape.closed is None

    talk.session.hear('{"type":"ping"}')
    talk.settle()

    assert talk.tape.closed[0] == 4429


def test_flood_is_not_kept_once_the_client_is_to_be_closed(talk):
    for _ in range(5000):
        talk.session.hear('{"type":"ping"}')

    talk.settle()

    assert talk.tape.closed[0] == 4429
    assert len(talk.tape.sent) == 50


def test_50_messages_each_second_are_answered(talk):
    for number in range(150):
        talk.clock.at = 1000 + number / 50
        talk.say(type="ping")

    assert talk.tape.closed is None
    assert len(talk.tape.sent) == 150


# Credentials


def test_message_before_auth_is_unauthenticated():
    talk = Talk(None)

    for kind in ("ping", "subscribe", "pause", "what"):
        assert talk.say(type=kind)["code"] == "unauthenticated"
    assert talk.tape.closed is None


def test_auth_with_a_good_token_connects():
    talk = Talk(None)

    answer = talk.say(type="auth", token="good", id="1")

    assert (answer["type"], answer["id"]) == ("connected", "1")
    assert talk.subscribe()["type"] == "subscribed"


def test_auth_with_a_bad_token_closes_with_4401():
    talk = Talk(None)

    talk.session.hear(json.dumps({"type": "auth", "token": "bad"}))
    talk.settle()

    assert talk.tape.closed[0] == 4401
    assert talk.tape.sent == []


def test_no_auth_within_10_seconds_closes_with_4401():
    talk = Talk(None)

    talk.pass_time(9)
    assert talk.tape.closed is None
    talk.pass_time(1)

    assert talk.tape.closed[0] == 4401


def test_auth_in_time_stops_the_deadline():
    talk = Talk(None)
    talk.say(type="auth", token="good")

    talk.pass_time(15)

    assert talk.tape.closed is None


def test_token_revoked_later_closes_with_4401_within_60_seconds():
    talk = Talk(None)
    talk.say(type="auth", token="good")

    talk.pass_time(45)
    assert talk.tape.closed is None
    talk.house.good.clear()
    talk.pass_time(60)

    assert talk.tape.closed[0] == 4401


def test_handshake_credential_revoked_later_closes_with_4401_within_60_seconds():
    def renew():
        raise Unauthenticated

    talk = Talk(caller(), renew)
    talk.pass_time(60)

    assert talk.tape.closed[0] == 4401


def test_database_away_at_the_recheck_is_asked_again():
    answers = [Unavailable(), Unavailable(), Unauthenticated()]

    def renew():
        raise answers.pop(0)

    talk = Talk(caller(), renew)
    talk.pass_time(60)

    assert talk.tape.closed[0] == 4401
    assert answers == []


def test_local_administrator_is_never_rechecked(talk):
    talk.pass_time(300)

    assert talk.tape.closed is None


def test_auth_as_another_organisation_ends_what_was_followed(talk):
    talk.subscribe()
    talk.house.good["other"] = caller(org="org-b")

    talk.say(type="auth", token="other")

    assert talk.hub.joined["run-1"] == []


def test_auth_anew_in_the_same_organisation_keeps_what_is_followed(talk):
    talk.subscribe()

    talk.say(type="auth", token="good")
    talk.happen()
    talk.hub.publish("run-1", 1)
    talk.settle()

    assert talk.tape.seqs() == [1]


# Silence


def test_ping_frame_is_sent_every_20_seconds(talk):
    talk.pass_time(61)

    assert talk.tape.pings == 3


def test_60_seconds_without_a_frame_close_with_1001(talk):
    talk.pass_time(59)
    assert talk.tape.closed is None
    talk.tape.silent = 60.0
    talk.pass_time(1)

    assert talk.tape.closed[0] == 1001


def test_client_silent_since_a_frame_in_between_is_closed_60_seconds_after_that(talk):
    talk.pass_time(59)
    talk.tape.silent = 45.0
    talk.pass_time(1)

    talk.tape.silent = 59.0
    talk.pass_time(14)
    assert talk.tape.closed is None
    talk.tape.silent = 60.0
    talk.pass_time(1)

    assert talk.tape.closed[0] == 1001


def test_stalled_client_is_waited_for(talk):
    talk.tape.glance()


def test_stalled_client_is_given_up_when_the_house_closes(talk):
    talk.session.close(1001)

    with pytest.raises(Gone):
        talk.tape.glance()


def test_stalled_client_whose_credential_was_revoked_is_given_up_within_60_seconds():
    answers = [Unavailable(), Unauthenticated()]

    def renew():
        raise answers.pop(0)

    talk = Talk(caller(), renew)
    talk.tape.glance()
    talk.clock.at += 55
    talk.tape.glance()

    with pytest.raises(Gone):
        talk.tape.glance()


def test_client_that_went_away_ends_the_session(talk):
    talk.tape.gone = True

    talk.session.run()

    assert talk.tape.closed is None


# Slow clients


def test_slow_client_loses_the_subscription_that_fills_its_queue(talk):
    talk.happen("run-2")
    talk.subscribe()
    talk.subscribe("run-2", after_seq=1)
    talk.happen(times=1000)
    talk.happen("run-2")

    for seq in range(1, 1001):
        talk.hub.publish("run-1", seq)
    talk.hub.publish("run-2", 2)
    talk.settle()

    lagged = [told for told in talk.tape.sent if told["type"] == "lagged"]
    assert [(told["run_id"], told["last_seq"]) for told in lagged] == [("run-1", 0)]
    assert talk.tape.seqs("run-2") == [2]
    assert talk.hub.joined["run-1"] == []


def test_lagged_client_continues_where_it_was(talk):
    talk.subscribe()
    talk.happen(times=1001)
    talk.hub.publish("run-1", 1)
    talk.settle()
    for seq in range(2, 1003):
        talk.hub.publish("run-1", seq)
    talk.settle()
    lagged = talk.tape.last()
    assert (lagged["type"], lagged["last_seq"]) == ("lagged", 1)

    talk.subscribe(after_seq=lagged["last_seq"])

    assert talk.tape.seqs() == list(range(1, 1002))


def test_token_chunks_are_dropped_first_and_without_a_word(talk):
    talk.subscribe()
    talk.happen(times=10)

    for _ in range(1000):
        talk.hub.publish("run-1", None)
    for seq in range(1, 11):
        talk.hub.publish("run-1", seq)
    talk.settle()

    assert talk.tape.seqs() == list(range(1, 11))
    assert "lagged" not in talk.tape.types()
    assert "token_chunk" not in talk.tape.types()


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        *((command, {}) for command in ("pause", "resume", "step", "stop")),
        ("set_breakpoint", {"stage_id": "a", "condition": "item > 1", "on_error": False}),
        ("set_breakpoint", {"stage_ids": ["a", "b"], "stage_id": None, "condition": None}),
        ("clear_breakpoint", {"stage_id": "a"}),
        ("clear_breakpoint", {}),
    ],
)
def test_command_is_given_with_its_fields_and_answered_with_where_the_run_stands(command, fields):
    talk = Talk(caller("runs:write"))

    answer = talk.say(type=command, run_id="run-1", id="s", **fields)

    assert (answer["type"], answer["id"], answer["mode"]) == ("control", "s", "stopped")
    assert answer["timestamp"]
    assert talk.house.commands == [(command, {"run_id": "run-1", **fields})]


@pytest.mark.parametrize(
    ("command", "fields", "wrong"),
    [
        ("pause", {"stage_id": "a"}, "stage_id is not a field of pause."),
        ("set_breakpoint", {"stage_id": 1}, "stage_id must be the id of a stage, or null."),
        ("set_breakpoint", {"stage_ids": "a"}, "stage_ids must be a list of stage ids."),
        ("set_breakpoint", {"stage_ids": [None]}, "stage_ids must be a list of stage ids."),
        ("set_breakpoint", {"condition": True}, "condition must be a text, or null."),
        ("set_breakpoint", {"condition": "\0"}, "condition must be a text, or null."),
        ("set_breakpoint", {"on_error": 1}, "on_error must be true or false."),
        ("clear_breakpoint", {"stage_ids": ["a"]}, "stage_ids is not a field of clear_breakpoint."),
    ],
)
def test_command_with_a_wrong_field_is_refused(command, fields, wrong):
    talk = Talk(caller("runs:write"))

    answer = talk.say(type=command, run_id="run-1", **fields)

    assert (answer["code"], answer["detail"]) == ("validation-failed", wrong)
    assert talk.house.commands == []


def test_stop_of_a_final_run_is_an_illegal_move():
    talk = Talk(caller("runs:write"))
    talk.house.status = "completed"

    answer = talk.say(type="stop", run_id="run-1", id="s")

    assert (answer["type"], answer["code"]) == ("error", "illegal-move")
    assert answer["detail"] == "A completed run cannot become cancelled."
