"""What holds for every request: ids, headers, paths, methods, bodies, queries."""

from __future__ import annotations

import io
import json
import logging

import pytest

from app.core.ids import is_id
from tests.api.conftest import problem

KEYS = "/api/v1/auth/api-keys"


def test_good_request_id_is_echoed(anonymous):
    answer = anonymous.get("/livez", headers={"X-Request-ID": "my.own-id_1"})

    assert answer.headers["X-Request-ID"] == "my.own-id_1"


@pytest.mark.parametrize("given", ["", "has space", "x" * 129, "a/b", "é"])
def test_other_request_id_is_replaced(anonymous, given):
    answer = anonymous.get("/livez", headers={"X-Request-ID": given})

    assert is_id(answer.headers["X-Request-ID"], "req")


@pytest.mark.parametrize("path", ["/health", "/api/v1/auth/me", "/nowhere", "/api/v1/openapi.json"])
def test_every_answer_forbids_storing_and_sniffing(anonymous, path):
    answer = anonymous.get(path)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_unknown_path_is_404_before_the_credential_is_looked_at(anonymous):
    answer = anonymous.get("/api/v1/nowhere", headers={"X-API-Key": "bad"})

    assert problem(answer, 404, "not-found")["instance"] == "/api/v1/nowhere"


@pytest.mark.parametrize("path", ["/health/", "/api/v1/pipelines/", KEYS + "/"])
def test_trailing_slash_is_404(client, path):
    problem(client.get(path), 404, "not-found")


def test_doubled_slash_is_404_without_a_redirect(client):
    answer = client.get("/", environ_overrides={"PATH_INFO": "/api//v1/pipelines"})

    problem(answer, 404, "not-found")


def test_wrong_method_is_405_and_tells_the_right_ones(client):
    answer = client.put("/api/v1/pipelines", json={})

    problem(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_another_media_type_is_415(client):
    answer = client.post(KEYS, data='{"name":"k"}', content_type="text/plain")

    problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", [None, "application/json; charset=latin-1", "application/x"])
def test_body_that_does_not_say_json_in_utf8_is_415(client, media_type):
    answer = client.post(KEYS, data='{"name":"k"}', content_type=media_type)

    problem(answer, 415, "unsupported-media-type")


def test_charset_utf8_may_be_said(client):
    answer = client.post(
        KEYS, data='{"name":"ключ"}'.encode(), content_type="application/json; charset=UTF-8"
    )

    assert (answer.status_code, answer.json["name"]) == (201, "ключ")


def test_absent_body_counts_as_an_empty_object(client):
    answer = client.post(KEYS)

    assert list(problem(answer, 422, "validation-failed")["errors"]) == ["/name"]


class Unread(io.RawIOBase):
    """A body that must not be read beyond `most` bytes."""

    def __init__(self, most: int) -> None:
        self.left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self.left -= len(buffer)
        assert self.left >= 0, "more than the limit was read"
        buffer[:] = b" " * len(buffer)
        return len(buffer)


def post_stream(client, stream, **environ):
    return client.post(
        KEYS,
        content_type="application/json",
        environ_overrides={"wsgi.input": stream, **environ},
    )


def test_declared_length_over_the_limit_is_413_and_nothing_is_read(client):
    answer = post_stream(client, Unread(0), CONTENT_LENGTH=str(2**40))

    assert problem(answer, 413, "too-large")["limit_bytes"] == 1_048_576


def test_endless_chunked_body_is_413_soon_after_the_limit(client):
    stream = io.BufferedReader(Unread(2 * 2**20))

    answer = post_stream(
        client, stream, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}
    )

    problem(answer, 413, "too-large")


def test_body_of_exactly_the_limit_is_read(changed_app, new_key):
    app = changed_app(max_body_bytes=2048)
    body = json.dumps({"name": "k"}).encode().ljust(2048)

    answer = app.test_client().post(
        KEYS, data=body, content_type="application/json", headers={"X-API-Key": new_key()}
    )

    assert answer.status_code == 201


def test_unknown_members_are_told_one_by_one(client):
    answer = client.post(KEYS, json={"name": "k", "a/b": 1, "c": 2})

    assert sorted(problem(answer, 422, "validation-failed")["errors"]) == ["/a~1b", "/c"]


@pytest.mark.parametrize("path", [KEYS + "?x=1&y=2", "/api/v1/auth/me?x=1&y=2", "/livez?x=1&y=2"])
def test_unknown_query_parameters_are_told_one_by_one(client, path):
    answer = client.get(path)

    assert sorted(problem(answer, 422, "validation-failed")["errors"]) == ["x", "y"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=ten",
        "limit=1.0",
        "limit=-1",
        "limit=1&limit=2",
        "limit=" + "9" * 5000,
        "limit=%D9%A1",
        "count=1",
        "count=True",
        "include_revoked=yes",
    ],
)
def test_wrong_query_value_is_422_under_its_name(client, query):
    answer = client.get(f"{KEYS}?{query}")

    assert list(problem(answer, 422, "validation-failed")["errors"]) == [query.split("=")[0]]


@pytest.mark.parametrize(
    "cursor", ["x", "", "é", "W10", "WzFd", "WyJcdTAwMDAiXQ", "bnVsbA", "WyJhIiwiYiJd", "A" * 5000]
)
@pytest.mark.parametrize("path", [KEYS, "/api/v1/pipelines"])
def test_made_up_cursor_is_400(client, path, cursor):
    problem(client.get(path, query_string={"cursor": cursor}), 400, "bad-cursor")


def test_defect_shows_nothing_internal(client, monkeypatch, caplog):
    def broken(who):
        raise RuntimeError("password=hunter2 in /etc/secret.py")

    monkeypatch.setattr("app.api.identity.me.get_me", broken)
    with caplog.at_level(logging.CRITICAL):
        answer = client.get("/api/v1/auth/me")

    problem(answer, 500, "internal")
    assert "hunter2" not in answer.text and "RuntimeError" not in answer.text


def test_head_answers_as_get_without_a_body(client):
    answer = client.head("/api/v1/auth/me")

    assert (answer.status_code, answer.data) == (200, b"")
