"""Every setting is checked when it is made."""

import math
import traceback

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import AIShootSession, ConfigurationError, Limits, RetryPolicy, Timeouts
from aishoot_async.config import canonical_url, is_loopback, parse_origin, parse_proxy
from aishoot_async.jobs._job import service_name

NOT_SECONDS = [True, False, math.nan, math.inf, -math.inf, 0, 0.0, -1, "1", b"1", [], 10**400]
NOT_COUNTS = [True, False, 0, -1, 1.0, 1.5, math.nan, "1", None, []]


@pytest.mark.parametrize("value", NOT_SECONDS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Timeouts, name) for name in ("connect", "read", "call", "pool")]
    + [(RetryPolicy, "backoff"), (RetryPolicy, "backoff_max"), (Limits, "rate")],
)
def test_seconds(kind, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}.{name}"):
        kind(**{name: value})


@pytest.mark.parametrize("value", NOT_COUNTS)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(RetryPolicy, "attempts"), (Limits, "connections"), (Limits, "in_flight"), (Limits, "response_bytes")],
)
def test_counts(kind, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}.{name}"):
        kind(**{name: value})


def test_what_may_be_none() -> None:
    none = Timeouts(connect=None, read=None, call=None, pool=None)
    assert (none.connect, none.read, none.call, none.pool) == (None, None, None, None)
    assert Limits(rate=None).rate is None
    for name in ("backoff", "backoff_max"):
        with pytest.raises(ConfigurationError):
            RetryPolicy(**{name: None})


def test_settings_are_frozen_and_compare() -> None:
    for setting, name in ((Timeouts(), "call"), (RetryPolicy(), "attempts"), (Limits(), "rate")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(setting, name, 1)
        assert setting == type(setting)()


def test_no_request_may_wait_in_the_pool() -> None:
    assert Limits(connections=10).in_flight == 10
    assert Limits().in_flight == 64
    with pytest.raises(ConfigurationError, match="in_flight"):
        Limits(connections=10, in_flight=11)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.autoretouch.com",
        "https://api.autoretouch.com/",
        "https://h:8443/a/b/",
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://[::1]",
        "http://[::1]:80/x",
        "http://localhost:1",
        "http://LOCALHOST",
        "http://api.localhost",
        "HTTPS://h",
    ],
)
def test_good_origins(text: str) -> None:
    assert parse_origin("base_url", text).host


SPELLINGS = [
    ("https://h", ["https://h/", "https://h//", "https://h:443", "https://H", "HTTPS://h:443///", "https://h/./"]),
    ("https://h/a/b", ["https://h/a/b/", "https://H:443/a/b//", "https://h/a/./b/", "https://h/a/c/../b"]),
    ("http://localhost", ["http://localhost:80/", "http://LOCALHOST//", "HTTP://LocalHost:80"]),
    ("http://[::1]:8080", ["http://[::1]:8080/", "http://[::1]:8080//"]),
    ("https://xn--bcher-kva.de", ["https://bücher.de/", "https://BÜCHER.de", "https://xn--bcher-kva.de:443"]),
    ("https://h/~a", ["https://h/%7Ea/", "https://h/~a//"]),
]


@pytest.mark.parametrize(("one", "others"), SPELLINGS)
def test_one_service_has_one_spelling(one: str, others: list[str]) -> None:
    assert {str(parse_origin("base_url", text)) for text in [one, *others]} == {one}


@pytest.mark.parametrize("text", ["https://g", "https://h:8443", "http://localhost", "https://h/a", "https://h/%2F"])
def test_other_services_are_others(text: str) -> None:
    assert str(parse_origin("base_url", text)) != "https://h"


@given(st.text())
def test_any_text_has_a_spelling_that_is_its_own(text: str) -> None:
    assert canonical_url(canonical_url(text)) == canonical_url(text)


@pytest.mark.parametrize(("one", "others"), [spelling for spelling in SPELLINGS if "localhost" not in spelling[0]])
def test_one_service_has_one_name_in_the_jobs_of_exports(one: str, others: list[str]) -> None:
    assert len({service_name(text) for text in [one, *others]}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " https://h",
        "https://h ",
        "https://h\n",
        "h",
        "//h",
        "/p",
        "ftp://h",
        "file:///x",
        "https://",
        "https:///p",
        "https://h:0",
        "https://h:65536",
        "https://h:x",
        "https://u@h",
        "https://u:p@h",
        "https://:p@h",
        "https://h?a=1",
        "https://h?",
        "https://h#f",
        "https://h#",
        "https://h\x00",
        "https://[::1",
        None,
        7,
        b"https://h",
        True,
        "https://api.autoretouch.com\\@evil.example",
    ],
)
def test_bad_origins(text: object) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        parse_origin("base_url", text)


WITH_PASSWORDS = [
    "https://u:hunter2@h",
    "https://u:hunter2@h ",
    " https://u:hunter2@h",
    "https://u:hunter2@h\n",
    "https://u:hunter2@h\r\n",
    "https://u:hunter2@h\t",
    "https://u:hunter2@h\x00",
    "https://u:hunter2\x7f@h",
    "https://u:hunter2 @h\u2028",
    "https://u:hunter2@h\u200b",
    "https://u:hunter2@h\ud800",
    "https://h?key=hunter2",
    "https://h?key=hunter2 ",
    "ftp://u:hunter2@h",
    "u:hunter2@h",
    "u:hunter2@h\n",
    "https:/u:hunter2@h ",
    "https://u:hunter2@h:port",
    "https://u:hunter2@[::1",
    b"https://u:hunter2@h",
]


@pytest.mark.parametrize("name", ["base_url", "auth_url", "proxy", "AISHOOT_BASE_URL", "AISHOOT_AUTH_URL"])
@pytest.mark.parametrize("secret", WITH_PASSWORDS)
def test_no_refusal_of_a_url_shows_what_may_be_a_password(
    name: str, secret: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.isupper():
        if not isinstance(secret, str) or {*"\0\ud800"} & {*secret}:
            return  # no environment holds that
        monkeypatch.setenv(name, secret)
        given = {}
    else:
        given = {name: secret}
    try:
        AIShootSession("token-token-token", **given)
    except ConfigurationError as error:
        shown = "".join(traceback.format_exception(error))
        assert "hunter2" not in str(error)
        assert "hunter2" not in shown.replace('"https', "")
    else:
        assert name == "proxy"  # which may hold one


@pytest.mark.parametrize(
    "text", ["http://h", "http://10.0.0.1", "http://127.1", "http://2130706433", "http://localhost.evil.example"]
)
def test_http_off_loopback_needs_a_word(text: str) -> None:
    with pytest.raises(ConfigurationError, match="insecure_http"):
        parse_origin("base_url", text)
    assert parse_origin("base_url", text, insecure_http=True).scheme == "http"


def test_loopback() -> None:
    assert is_loopback("localhost")
    assert not is_loopback("example.com")


@pytest.mark.parametrize("value", [None, "environment", "http://proxy:3128", "https://u:p@proxy", "http://proxy"])
def test_good_proxies(value: object) -> None:
    assert parse_proxy(value) == value


@pytest.mark.parametrize(
    "value", ["", "proxy", "proxy:3128", "socks5://h:1", "http://", "http://h:x", "http://h\n", 7, b"http://h", True]
)
def test_bad_proxies(value: object) -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        parse_proxy(value)


class Hookless:
    def before_attempt(self, event) -> None: ...


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeouts", 5),
        ("timeouts", None),
        ("retry", 3),
        ("limits", {}),
        ("ssl", True),
        ("organization", 7),
        ("insecure_http", "yes"),
        ("hooks", None),
        ("hooks", 7),
        ("hooks", [None]),
        ("hooks", [Hookless()]),
        ("hooks", {Hookless()}),
        ("proxy", 7),
        ("base_url", "http://h"),
        ("auth_url", "http://h"),
        ("auth", 7),
        ("auth", AIShootSession),
        ("base_url", ""),
        ("auth_url", 7),
    ],
)
def test_settings_of_the_session(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        AIShootSession(**{"auth": "token", name: value})


@pytest.mark.parametrize("token", ["", "a b", "a\n", "a\r\nX: y", "\ta", "tökén", "a\x00", "a\u2028", "\ud800"])
def test_a_token_that_cannot_stand_in_a_header(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token"):
        AIShootSession(token)
