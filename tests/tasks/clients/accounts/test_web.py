from __future__ import annotations

import logging

import pytest

from tasks.clients.accounts import web
from tasks.clients.accounts.protocol import AccountAway, AccountFailed
from tasks.clients.accounts.web import Web
from tests.providers import dribbles, dribbles_a_body, fails, floods, hangs, hangs_up, says

REDIRECT = {"Location": "http://127.0.0.1:9/"}


@pytest.fixture
def server(provider):
    """What speaks with the provider of this test."""
    with Web(provider.url, seconds=0.5) as made:
        yield made


def test_an_answer_is_read_to_its_end(server, provider):
    provider.otherwise = says({"a": 1})

    reply = server.send("GET", "path", headers={"Accept": "text/html"})

    assert (reply.status, reply.json(), provider.paths) == (200, {"a": 1}, ["/path"])
    headers = provider.headers[0]
    assert (headers["accept"], headers["accept-encoding"]) == ("text/html", "identity")


def test_cookies_are_not_kept(server, provider):
    provider.otherwise = lambda request: request.reply(200, b"{}", Set_Cookie="a=secret; Path=/")

    server.send("GET", "path")
    server.send("GET", "path")

    assert ["cookie" in headers for headers in provider.headers] == [False, False]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 423])
def test_a_refusal_is_an_answer(server, provider, status):
    provider.otherwise = fails(status)

    assert server.send("GET", "path").status == status


@pytest.mark.parametrize(
    ("does", "text", "after"),
    [
        (fails(500), "the provider is out of service", 0.0),
        (fails(503, Retry_After="7"), "the provider is out of service", 7.0),
        (fails(503, Retry_After="9999"), "the provider is out of service", 300.0),
        (fails(503, Retry_After="soon"), "the provider is out of service", 0.0),
        (fails(429, Retry_After="7"), "the provider asks for fewer requests", 7.0),
        (hangs, "the provider did not answer in time", 0.0),
        (hangs_up, "the provider could not be reached", 0.0),
    ],
)
def test_a_server_that_may_do_better_later_is_away(server, provider, does, text, after):
    provider.otherwise = does

    with pytest.raises(AccountAway, match=text) as away:
        server.send("GET", "path")

    assert away.value.after == after
    assert provider.asked["/path"] == 1


@pytest.mark.parametrize("does", [dribbles, dribbles_a_body])
def test_a_server_that_keeps_sending_meets_the_deadline_all_the_same(provider, does):
    provider.otherwise = does

    # A byte comes each second, so that no single read takes too long.
    with Web(provider.url, seconds=1.5) as server, pytest.raises(AccountAway, match="in time"):
        server.send("GET", "path")


def test_all_requests_together_have_a_deadline_too(provider):
    provider.otherwise = says({})

    with Web(provider.url, seconds=10, longest=0.5) as server:
        server.send("GET", "path")
        provider.otherwise = hangs
        with pytest.raises(AccountAway, match="in time"):
            server.send("GET", "path")
        provider.otherwise = says({})
        with pytest.raises(AccountAway, match="in time"):
            server.send("GET", "path")


def test_a_server_that_is_not_there_is_away(server, provider):
    provider.stop()

    with pytest.raises(AccountAway, match="could not be reached"):
        server.send("GET", "path")
    provider.start()


@pytest.mark.parametrize(
    ("does", "text"),
    [
        (floods, "the provider's answer is too large"),
        (says(b" " * 2_000_000), "the provider's answer is too large"),
        (fails(301, **REDIRECT), "the provider sends us elsewhere"),
        (fails(302, **REDIRECT), "the provider sends us elsewhere"),
        (fails(307, **REDIRECT), "the provider sends us elsewhere"),
        (fails(200, Content_Encoding="gzip"), "the provider's answer cannot be read"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_a_failure(server, provider, does, text):
    provider.otherwise = does

    with pytest.raises(AccountFailed) as failed:
        server.send("GET", "path")

    assert (failed.value.word, str(failed.value)) == ("error", text)


def test_an_answer_is_given_up_before_it_is_read_when_it_says_how_large_it_is(server, provider):
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", "209715200")
        request.end_headers()

    provider.otherwise = answer

    with pytest.raises(AccountFailed, match="too large"):
        server.send("GET", "path", most=web.MAX_DOCUMENT_BYTES)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_cannot_be_read(server, provider, body):
    provider.otherwise = says(body)
    reply = server.send("GET", "path")

    with pytest.raises(AccountFailed) as failed:
        reply.json()

    assert (failed.value.word, str(failed.value)) == (
        "error",
        "the provider's answer cannot be read",
    )


def test_neither_what_is_sent_nor_what_is_answered_is_logged(server, provider, caplog):
    provider.otherwise = lambda request: request.reply(200, b"{}", Set_Cookie="session=secretword")

    with caplog.at_level(logging.INFO):
        server.send("POST", "path", data={"password": "secretword"})

    assert "secretword" not in caplog.text
