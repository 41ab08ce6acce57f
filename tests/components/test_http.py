"""http_request: what is sent, what comes back, redirects."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import pytest

from app.components.http import HttpRequest
from app.core.errors import StageError, Stopped
from app.engine.context import StageContext
from app.infra.egress import Guard, GuardedClient
from tests.engine.declared import assert_declared
from tests.loopback import answer, serving

COMPONENT = HttpRequest()


@pytest.fixture
def client():
    """A way out that may reach 127.0.0.1 and nothing else of this machine."""
    client = GuardedClient(Guard(["127.0.0.1"]))
    yield client
    client.idle.close()


@pytest.fixture
def request_of(client):
    """Runs the component with these inputs and the defaults of the others; what it gives is as it
    declares."""

    def run(url: str, stopped=None, **given):
        context = StageContext(
            run_id="run-1",
            stage_id="call",
            attempt=2,
            iteration_path=(3,),
            round=1,
            http=client.for_run("run-1", check=stopped),
            stopped=stopped,
            max_output_bytes=10_000,
        )
        defaults = {name: field.default for name, field in COMPONENT.fields.items()}
        output = COMPONENT.run(context, SimpleNamespace(**{**defaults, "url": url, **given}))
        assert_declared(COMPONENT, output)
        return output

    return run


def says(*answers: bytes):
    """A script that gives these answers in turn, the last one for ever."""
    left = itertools.chain(answers, itertools.repeat(answers[-1]))
    return lambda _: [next(left)]


def moved(status: int, location: str) -> bytes:
    return answer(status=status, headers=[("Location", location)])


def typed(content_type: str, body: bytes) -> bytes:
    return answer(body, headers=[("Content-Type", content_type)])


def test_output_has_the_fields_of_the_contract(request_of):
    with serving(says(typed("application/json", b'{"a":[1,2.5,null]}'))) as server:
        output = request_of(server.url("/x?y#z"))

    assert output.pop("elapsed_ms") >= 0
    assert output == {
        "status_code": 200,
        "headers": {"content-type": "application/json", "content-length": "18"},
        "body": {"a": [1, 2.5, None]},
        "success": True,
        "url": server.url("/x?y"),
    }


@pytest.mark.parametrize(
    ("status", "success"),
    [(200, True), (204, True), (304, True), (400, False), (404, False), (429, False), (503, False)],
)
def test_status_is_data_and_fails_nothing(request_of, status, success):
    with serving(says(answer(status=status))) as server:
        output = request_of(server.url())

    assert (output["status_code"], output["success"]) == (status, success)


def test_repeated_headers_are_joined_under_lower_case_names(request_of):
    said = answer(headers=[("X-One", "a"), ("x-one", "b"), ("Set-Cookie", "c=1")])
    with serving(says(said)) as server:
        headers = request_of(server.url())["headers"]

    assert headers["x-one"] == "a, b"
    assert headers["set-cookie"] == "c=1"


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"b": 1, "a": ["ä"]}, '{"b":1,"a":["ä"]}', "application/json"),
        ([], "[]", "application/json"),
        ("plain ä", "plain ä", "text/plain; charset=utf-8"),
        ("", "", "text/plain; charset=utf-8"),
        (5, "5", "application/json"),
        (False, "false", "application/json"),
    ],
)
def test_body_is_sent_as_json_or_text(request_of, body, sent, content_type):
    with serving(says(answer())) as server:
        request_of(server.url(), method="POST", body=body)

    assert server.requests[0].body.decode() == sent
    assert server.requests[0].headers["content-type"] == content_type


def test_absent_body_sends_none(request_of):
    with serving(says(answer())) as server:
        request_of(server.url(), method="POST")

    assert server.requests[0].headers["content-length"] == "0"
    assert "content-type" not in server.requests[0].headers


def test_content_type_of_the_config_is_kept(request_of):
    with serving(says(answer())) as server:
        request_of(server.url(), method="PUT", body="<a/>", headers={"Content-Type": "text/xml"})

    assert server.requests[0].headers["content-type"] == "text/xml"


def test_body_that_is_no_json_is_refused(request_of):
    with pytest.raises(StageError) as refused:
        request_of("http://127.0.0.1:1/", method="POST", body={"a": float("nan")})

    assert refused.value.type == "VALIDATION"


@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("/", {}, "/"),
        ("/", {"a": "1 2", "b": [1, True, None, "ä"]}, "/?a=1+2&b=1&b=true&b=&b=%C3%A4"),
        ("/?x=1", {"a": 0.5}, "/?x=1&a=0.5"),
        ("/?", {"a": 1}, "/?a=1"),
        ("/?x&", {"a": {"k": []}}, "/?x&a=%7B%22k%22%3A%5B%5D%7D"),
        ("/#f?g", {"a&b": "c=d#e"}, "/?a%26b=c%3Dd%23e"),
        ("/", {"a": []}, "/"),
    ],
)
def test_params_are_appended_to_the_query(request_of, path, params, target):
    with serving(says(answer())) as server:
        request_of(server.url(path), params=params)

    assert server.requests[0].target == target


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changing_method_sends_the_key_of_its_round(request_of, method):
    with serving(says(answer())) as server:
        request_of(server.url(), method=method)

    assert server.requests[0].headers["idempotency-key"] == "run-1/call/3/r1"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_method_sends_no_idempotency_key(request_of, method):
    with serving(says(answer())) as server:
        request_of(server.url(), method=method)

    assert "idempotency-key" not in server.requests[0].headers


def test_idempotency_key_of_the_config_is_kept(request_of):
    with serving(says(answer())) as server:
        request_of(server.url(), method="POST", headers={"IDEMPOTENCY-key": "mine"})

    assert server.requests[0].headers["idempotency-key"] == "mine"


def test_run_header_cannot_be_set_by_the_config(request_of):
    with serving(says(answer())) as server:
        request_of(server.url(), headers={"X-FlowMason-Run": "run-2", "x-flowmason-run": ""})

    assert server.requests[0].headers["x-flowmason-run"] == "run-1"


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json; charset=utf-8", b"[1]", [1]),
        ("Application/Problem+JSON", b'{"a":1}', {"a": 1}),
        ("application/json", b"", ""),
        ("application/json", b"{'a':1}", "{'a':1}"),
        ("application/json", b'{"a":1,"a":2}', '{"a":1,"a":2}'),
        ("application/json", b"NaN", "NaN"),
        ("application/json", b"1e999", "1e999"),
        ("application/json", b"9223372036854775808", "9223372036854775808"),
        ("application/json", b"[" * 65 + b"]" * 65, "[" * 65 + "]" * 65),
        ("text/json", b"[1]", "[1]"),
        ("text/plain", "ä".encode(), "ä"),
        ("text/plain; charset=ISO-8859-1", b"\xe4", "ä"),
        ('text/plain; charset="windows-1251"', b"\xff", "я"),
        ("text/plain; charset=nonsense", "ä".encode(), "ä"),
        ("text/plain; charset=punycode", b"abc-", "abc-"),
        ("text/plain; charset=unicode_escape", rb"\ud800", r"\ud800"),
        ("text/plain", b"\xff\xfe", "//4="),
        ("image/png", b"\x89PNG", "iVBORw=="),
        ("", b"bare", "bare"),
    ],
)
def test_answer_body_is_json_else_text_else_base64(request_of, content_type, body, value):
    with serving(says(typed(content_type, body))) as server:
        assert request_of(server.url())["body"] == value


def test_answer_over_the_output_limit_fails_with_execution(request_of):
    with serving(says(answer(b"x" * 10_001))) as server, pytest.raises(StageError) as failed:
        request_of(server.url())

    assert (failed.value.type, failed.value.retryable) == ("EXECUTION", False)


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
        (302, "GET", "GET"),
    ],
)
def test_redirect_keeps_or_changes_the_method(request_of, status, method, then):
    with serving(says(moved(status, "/b?c#d"), answer())) as server:
        output = request_of(server.url("/a"), method=method, body="x")

    last = server.requests[-1]
    assert (last.method, last.target, output["url"]) == (then, "/b?c", server.url("/b?c"))
    kept = then == method
    assert last.body == (b"x" if kept else b"")
    assert ("content-type" in last.headers) is kept
    assert ("idempotency-key" in last.headers) is (kept and method not in ("GET", "HEAD"))


def test_redirect_within_the_origin_keeps_credentials(request_of):
    with serving(says(moved(302, "b"), answer())) as server:
        request_of(server.url("/a/"), headers={"Authorization": "s", "cookie": "c"})

    last = server.requests[-1]
    assert (last.target, last.headers["authorization"], last.headers["cookie"]) == (
        "/a/b",
        "s",
        "c",
    )


def test_redirect_to_another_origin_drops_credentials_for_good(request_of):
    with serving(says(answer())) as elsewhere:
        back_and_forth = iter([moved(302, "/b")])

        def first(heard):
            return [next(back_and_forth, moved(307, elsewhere.url("/c")))]

        with serving(first) as server:
            request_of(server.url(), headers={"AUTHORIZATION": "s", "Cookie": "c", "X-Key": "k"})

    sent = elsewhere.requests[0].headers
    assert "authorization" not in sent
    assert "cookie" not in sent
    assert sent["x-key"] == "k"
    assert sent["x-flowmason-run"] == "run-1"


def test_redirect_off_gives_the_redirect_itself(request_of):
    with serving(says(moved(302, "/b"))) as server:
        output = request_of(server.url(), follow_redirects=False)

    assert (output["status_code"], output["success"]) == (302, True)
    assert output["headers"]["location"] == "/b"


@pytest.mark.parametrize("said", [answer(status=302), moved(300, "/b"), moved(304, "/b")])
def test_answer_that_points_nowhere_is_the_last(request_of, said):
    with serving(says(said)) as server:
        request_of(server.url())

    assert len(server.requests) == 1


def test_five_redirects_are_followed(request_of):
    with serving(says(*[moved(302, "/")] * 5, answer(b"there"))) as server:
        assert request_of(server.url())["body"] == "there"


def test_sixth_redirect_fails_with_execution(request_of):
    with serving(says(moved(302, "/"))) as server, pytest.raises(StageError) as failed:
        request_of(server.url())

    assert failed.value.type == "EXECUTION"
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("location", "type"),
    [
        ("http://127.0.0.2/", "SECURITY"),
        ("http://169.254.169.254/latest/meta-data/", "SECURITY"),
        ("//10.0.0.1/", "SECURITY"),
        (r"\\10.0.0.1\x", "SECURITY"),
        ("http://0x0a000001/", "SECURITY"),
        ("http://[::1]/", "SECURITY"),
        ("file:///etc/passwd", "SECURITY"),
        ("javascript:alert(1)", "SECURITY"),
        ("http://u:p@example.com/", "VALIDATION"),
        ("http://exa mple/", "EXECUTION"),
    ],
)
def test_redirect_to_a_refused_place_fails(request_of, location, type):
    with serving(says(moved(302, location))) as server, pytest.raises(StageError) as failed:
        request_of(server.url())

    assert failed.value.type == type


def test_redirect_to_a_path_in_utf_8_is_followed(request_of):
    with serving(says(moved(302, "/ä".encode().decode("latin-1")), answer())) as server:
        request_of(server.url())

    assert server.requests[-1].target == "/%C3%A4"


def test_timeout_covers_all_redirects_together(request_of):
    def slowly(_):
        time.sleep(0.15)
        return [moved(302, "/")]

    with serving(slowly) as server, pytest.raises(StageError) as failed:
        request_of(server.url(), timeout=0.4)

    assert (failed.value.type, failed.value.retryable) == ("TIMEOUT", True)
    assert len(server.requests) <= 3


def test_nobody_listening_is_retryable(request_of):
    with serving(says(answer())) as server:
        pass

    with pytest.raises(StageError) as failed:
        request_of(server.url())

    assert (failed.value.type, failed.value.retryable) == ("CONNECTIVITY", True)


def test_abandoned_attempt_sends_nothing(request_of):
    def stopped():
        raise Stopped

    with serving(says(answer())) as server, pytest.raises(Stopped):
        request_of(server.url(), stopped=stopped)

    assert server.connections == 0


def test_stage_timeout_is_the_timeout_and_five_seconds():
    assert COMPONENT.timeout_of(SimpleNamespace(timeout=30)) == 35_000
