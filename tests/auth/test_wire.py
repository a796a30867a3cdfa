"""What goes to the auth server and what comes back, without a server."""

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from aishoot_async import AIShootError, AuthError, RateLimitedError, ServerError, UnexpectedResponseError
from aishoot_async.auth import Secret
from aishoot_async.auth._values import seconds
from aishoot_async.auth._wire import (
    AUDIENCE,
    CLIENT_ID,
    DEVICE_GRANT,
    Endpoints,
    Refusal,
    Tokens,
    read_device,
    read_revoked,
    read_tokens,
)
from aishoot_async.transport import Response
from helpers.shown import everything, leaked

TOKEN = "rt-0123456789.abcdef_SECRET"
GOOD = {"access_token": "at", "refresh_token": "rt", "scope": "offline_access", "expires_in": 9, "token_type": "Bearer"}
DEVICE = {
    "device_code": "dc",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://auth.example/activate",
    "verification_uri_complete": "https://auth.example/activate?user_code=ABCD-EFGH",
    "expires_in": 900,
    "interval": 5,
}


def answer(body: object, status: int = 200) -> Response:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, reason="Said", headers={}, body=text)


def form(request) -> dict[str, str]:
    assert (request.method, request.content_type) == ("POST", "application/x-www-form-urlencoded")
    return {name: value for name, [value] in parse_qs(request.body.decode(), strict_parsing=True).items()}


def test_the_documented_requests() -> None:
    endpoints = Endpoints(URL("https://auth.example/prefix/"))
    secret = Secret("a+b/c=&d")
    client = {"client_id": CLIENT_ID}
    assert form(endpoints.device()) == client | {"scope": "offline_access", "audience": AUDIENCE}
    assert form(endpoints.poll(secret)) == client | {"grant_type": DEVICE_GRANT, "device_code": "a+b/c=&d"}
    assert form(endpoints.refresh(secret)) == client | {"grant_type": "refresh_token", "refresh_token": "a+b/c=&d"}
    revoke = endpoints.revoke(secret)
    assert revoke.content_type == "application/json"
    assert json.loads(revoke.body) == client | {"token": "a+b/c=&d"}
    assert str(endpoints.device().url) == "https://auth.example/prefix/oauth/device/code"
    assert {str(endpoints.poll(secret).url), str(endpoints.refresh(secret).url)} == {
        "https://auth.example/prefix/oauth/token"
    }
    assert str(revoke.url) == "https://auth.example/prefix/oauth/revoke"
    assert "a+b" not in repr([endpoints.poll(secret), endpoints.refresh(secret), revoke])


def test_tokens() -> None:
    assert read_tokens(answer(GOOD)) == Tokens(
        access=Secret("at"), refresh=Secret("rt"), scope="offline_access", token_type="Bearer", expires_in=9.0
    )
    least = read_tokens(answer({"access_token": "at"}))
    assert least == Tokens(access=Secret("at"), refresh=None, scope=None, token_type="Bearer", expires_in=None)


@pytest.mark.parametrize(
    ("said", "read"),
    [(9, 9.0), ("9", 9.0), (9.5, 9.5), (0, 0.0), (-1, None), (True, None), (None, None), ("soon", None), ([], None)]
    + [(float("nan"), None), (float("inf"), None), (10**400, None), ("1e999", None)],
)
def test_seconds(said: object, read: float | None) -> None:
    assert seconds(said) == read


@pytest.mark.parametrize("never", [0, -5, "x", None, True])
def test_a_life_that_is_none_is_not_known(never: object) -> None:
    assert read_tokens(answer(GOOD | {"expires_in": never})).expires_in is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"7", b'"at"', b"{", b"\xff", b"[" * 9000, {}, {"access_token": None}]
    + [
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"access_token": 7},
        {"access_token": " ", "expires_in": 1},
    ]
    + [{"access_token": "at", "token_type": "mac"}, {"access_token": "at", "token_type": " DPoP "}],
)
def test_a_success_without_tokens_cannot_be_read(body: object) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        read_tokens(answer(body))
    assert caught.value.body == b""


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429])
@pytest.mark.parametrize("refusal", list(Refusal))
def test_an_error_that_oauth_knows(status: int, refusal: Refusal) -> None:
    body = answer({"error": refusal.value, "error_description": "…"}, status)
    assert read_tokens(body) is read_device(body) is read_revoked(body) is refusal


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, AuthError), (307, AuthError), (400, AuthError), (404, AuthError), (429, RateLimitedError)]
    + [(500, ServerError), (503, ServerError), (599, ServerError)],
)
@pytest.mark.parametrize("body", [b"", b"<html>", {"error": "teapot"}, {"error": 7}, []])
def test_another_status(status: int, kind: type[AIShootError], body: object) -> None:
    for read in (read_tokens, read_device, read_revoked):
        with pytest.raises(kind) as caught:
            read(answer(body, status))
        assert type(caught.value) is kind
        assert str(status) in str(caught.value)


def test_a_server_error_is_one_whatever_its_body_says() -> None:
    with pytest.raises(ServerError):
        read_tokens(answer({"error": "invalid_grant"}, 503))


texts = st.sampled_from([TOKEN, f'"{TOKEN}"', f"<p>{TOKEN}</p>", TOKEN.upper(), TOKEN[:20]])


@given(
    st.one_of(
        st.builds(lambda text, tail: text.encode() + tail, texts, st.binary()),
        st.dictionaries(
            st.sampled_from(["error", "access_token", "token_type", "user_code", "verification_uri", TOKEN]),
            st.one_of(texts, st.lists(texts), st.dictionaries(texts, texts)),
        ),
    ),
    st.sampled_from([200, 204, 302, 307, 400, 403, 404, 429, 500]),
)
@example({"error": TOKEN}, 400)
@example({"access_token": f"{TOKEN}\n"}, 200)
@example({"token_type": TOKEN}, 200)
def test_no_text_of_an_answer_gets_into_an_error(body: object, status: int) -> None:
    for read in (read_tokens, read_device, read_revoked):
        try:
            read(answer(body, status))
        except AIShootError as error:
            # The frames are cut off by those who raise it on.
            error.__traceback__ = None
            assert leaked(everything(error).lower(), TOKEN.lower()) == []


def test_a_device_login() -> None:
    device = read_device(answer(DEVICE))
    assert (device.code, device.interval) == (Secret("dc"), 5.0)
    assert device.prompt.user_code == "ABCD-EFGH"
    assert device.prompt.verification_uri_complete == DEVICE["verification_uri_complete"]
    assert "dc" not in repr(device)
    least = {name: DEVICE[name] for name in ("device_code", "user_code", "verification_uri")}
    device = read_device(answer(least))
    assert (device.interval, device.prompt.expires_in, device.prompt.verification_uri_complete) == (5.0, 900.0, None)
    assert read_device(answer(DEVICE | {"interval": 0})).interval > 0


@pytest.mark.parametrize(
    "change",
    [{"device_code": None}, {"user_code": ""}, {"user_code": 7}, {"user_code": "\x1b[2J"}, {"user_code": "A" * 65}]
    + [{"verification_uri": text} for text in (None, 7, "", "javascript:alert(1)", "file:///etc/passwd", "https://")]
    + [{"verification_uri": text} for text in ("https://a b", "https://a\x1b[2J", "//a", "https://[")]
    + [{"verification_uri_complete": "file:///etc/passwd"}],
)
def test_what_cannot_be_shown_on_a_terminal_or_opened_in_a_browser(change: dict[str, object]) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_device(answer(DEVICE | change))


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}"])
def test_revoked(body: bytes) -> None:
    assert read_revoked(answer(body)) is None


@pytest.mark.parametrize("body", [b"<html>Sign in to the airport</html>", b"OK", b"[]"])
def test_a_page_with_status_200_has_revoked_nothing(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_revoked(answer(body))
