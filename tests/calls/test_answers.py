"""Pure: what statuses and headers mean."""

import datetime as dt
import json
import math
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aishoot_async import errors
from aishoot_async.auth import Secret
from aishoot_async.calls._responses import escape_controls, is_success, request_id, retry_after, status_error
from aishoot_async.transport import Response

NOW = dt.datetime(2026, 1, 1, 12, 0, 0, tzinfo=dt.UTC)


def after(text: str) -> float | None:
    return retry_after(CIMultiDict({"retry-after": text}), NOW)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0.0),
        ("5", 5.0),
        (" 2.5 ", 2.5),
        ("1e9", 1e9),
        ("-5", 0.0),
        ("nan", None),
        ("NaN", None),
        ("inf", None),
        ("-Infinity", None),
        ("1e999", None),
        ("", None),
        ("soon", None),
        ("5 seconds", None),
        ("Thu, 01 Jan 2026 12:00:07 GMT", 7.0),
        ("Thu, 01 Jan 2026 14:00:07 +0200", 7.0),
        ("Thu, 01 Jan 2026 12:00:07 -0000", 7.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thursday, 01-Jan-26 12:00:07 GMT", 7.0),
        ("Thu, 99 Jan 2026 12:00:07 GMT", None),
        ("Thu, 01 Jan 99999 12:00:07 GMT", None),
    ],
)
def test_retry_after(text: str, wanted: float | None) -> None:
    assert after(text) == wanted


def test_no_retry_after() -> None:
    assert retry_after({}, NOW) is None


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_no_retry_after_crashes(text: str) -> None:
    found = after(text)
    assert found is None or (found >= 0 and math.isfinite(found))


@given(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(9000, 1, 1)))  # noqa: DTZ001  # made aware below
def test_dates(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=dt.UTC)
    assert after(format_datetime(moment, usegmt=True)) == max(0.0, (moment - NOW).total_seconds())


def response(status: int, body: bytes = b"", reason: str = "", **headers: str) -> Response:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status=status, reason=reason, headers=named, body=body)


def error_of(given_response: Response, secrets=()) -> errors.APIStatusError:
    return status_error(given_response, method="GET", path="/p", now=NOW, secrets=secrets)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (422, errors.UnprocessableError),
        (429, errors.RateLimitedError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
        (302, errors.APIStatusError),
        (418, errors.APIStatusError),
        (101, errors.APIStatusError),
    ],
)
def test_kinds(status: int, kind: type) -> None:
    assert type(error_of(response(status))) is kind
    assert not is_success(status)


def test_success() -> None:
    assert [status for status in range(100, 600) if is_success(status)] == list(range(200, 300))


def test_what_the_platform_says() -> None:
    said = {"timestamp": "2026-01-01T00:00:00Z", "status": 400, "error": "Bad Request", "message": "no", "path": "/x"}
    error = error_of(response(400, json.dumps(said).encode(), "Reason", Retry_After="3", x_request_id="r-1"))
    assert (error.error, error.message, error.timestamp) == ("Bad Request", "no", "2026-01-01T00:00:00Z")
    assert (error.method, error.path, error.request_id, error.retry_after) == ("GET", "/p", "r-1", 3.0)
    assert json.loads(error.body) == said
    assert not error.synthetic


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"error":"invalid_grant","error_description":"revoked"}', ("invalid_grant", "revoked", None)),
        (b'{"error":{"code":7},"message":["x"],"timestamp":null}', ("7", "x", None)),
        (b'{"error":"","message":" ","timestamp":1767225600.5}', ("Reason", None, "1767225600.5")),
        (b'{"timestamp":1767225600000}', ("Reason", None, "1767225600000")),
        (b"<html>Bad gateway</html>", ("Reason", None, None)),
        (b"[]", ("Reason", None, None)),
        (b"", ("Reason", None, None)),
        (b"\xff", ("Reason", None, None)),
        (b"[" * 100_000, ("Reason", None, None)),
    ],
)
def test_bodies_of_another_form(body: bytes, wanted: tuple[str | None, ...]) -> None:
    error = error_of(response(500, body, "Reason"))
    assert (error.error, error.message, error.timestamp) == wanted


SAID = "frontImage is unknown"
BODIES_THAT_SAY_IT = {
    "Spring": ({"status": 422, "error": "Bad", "message": SAID, "path": "/x"}, "Bad", SAID),
    "RFC 9457": ({"type": "about:blank", "title": "Bad", "status": 422, "detail": SAID, "instance": "/x"}, "Bad", SAID),
    "RFC 9457 without a title": ({"type": "https://x/probs/bad", "detail": SAID}, "https://x/probs/bad", SAID),
    "RFC 9457 of type alone": ({"type": "about:blank", "status": 422}, "Reason", None),
    "a list of messages": ({"message": [SAID, "too long"], "error": "Bad"}, "Bad", f"{SAID}; too long"),
    "an object in the error's place": ({"error": {"code": "IMG", "message": SAID}}, "IMG", SAID),
    "Google": ({"error": {"code": 422, "message": SAID, "status": "INVALID"}}, "422", SAID),
    "a fault": ({"fault": {"detail": SAID}}, "Reason", SAID),
    "JSON:API": ({"errors": [{"status": "422", "title": "Invalid", "detail": SAID}]}, "Reason", SAID),
    "GraphQL": ({"errors": [{"message": SAID}, {"message": "b"}]}, "Reason", f"{SAID}; b"),
    "errors that are texts": ({"errors": [SAID]}, "Reason", SAID),
    "errors by field": (
        {"title": "Invalid", "errors": {"frontImage": ["is unknown"]}},
        "Invalid",
        "frontImage: is unknown",
    ),
    "FastAPI": ({"detail": [{"loc": ["body"], "msg": SAID, "type": "x"}]}, "Reason", SAID),
    "Bean Validation": ({"errors": [{"field": "f", "defaultMessage": SAID}]}, "Reason", SAID),
    "many errors": ({"errors": [SAID] * 9}, "Reason", "; ".join([SAID] * 5 + ["..."])),
    "AWS": ({"__type": "X", "message": SAID}, "Reason", SAID),
    "a list": ([{"message": SAID}], "Reason", SAID),
    "a JSON string": (SAID, "Reason", SAID),
    "nothing known": ({"ok": False}, "Reason", None),
    "numbers": ([1, None, True, [], {}], "Reason", "1"),
}


@pytest.mark.parametrize("form", BODIES_THAT_SAY_IT)
def test_an_error_says_what_its_body_says(form: str) -> None:
    body, wanted, message = BODIES_THAT_SAY_IT[form]
    error = error_of(response(422, json.dumps(body).encode(), "Reason", Content_Type="application/problem+json"))
    assert (error.error, error.message) == (wanted, message)
    assert message is None or message in str(error)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"frontImage is unknown", SAID),
        (b"  frontImage is unknown\r\n", SAID),
        ("Größe".encode(), "Größe"),
        (b"upstream connect error\nreset", "upstream connect error\\nreset"),
        (b"x" * 5000, "x" * 1000),
        (b"\x1f\x8b\x08\x00", None),
        ("é".encode("latin-1") * 9, None),
        (b"<!doctype html><p>no", None),
        (b'{"message": "cut', None),
        (b"12", None),
        (b"---", None),
    ],
)
def test_an_error_says_what_plain_text_says(body: bytes, wanted: str | None) -> None:
    assert error_of(response(500, body)).message == wanted


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inside: (
            st.lists(inside)
            | st.dictionaries(st.sampled_from(["error", "errors", "message", "detail", "title", "fault", "x"]), inside)
        ),
    )
)
def test_no_body_of_an_error_is_too_strange(body: object) -> None:
    error = error_of(response(400, json.dumps(body).encode()))
    assert error.message is None or error.message


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, br", "klingon"])
def test_an_error_names_the_coding_that_its_body_cannot_be_read_in(coding: str) -> None:
    error = error_of(response(422, b"\x0b\x02\x80hello\x03", "Reason", Content_Encoding=coding))
    assert error.error == "Reason"
    assert repr(coding) in (error.message or "")


def test_long_texts_are_cut_after_tokens_were_taken_out() -> None:
    token = "t0ken-" + "0123456789abcdef" * 20
    text = "x" * 900 + token
    body = json.dumps({"message": text, "error": text, "timestamp": text}).encode()
    error = error_of(response(500, body + b" " * 70_000, X_Request_Id="y" * 150 + token), [Secret(token)])
    for shown in (str(error), repr(vars(error))):
        assert "t0ken" not in shown
    assert len(error.body) <= 64 * 1024
    assert error.request_id == "y" * 150 + "[token]"
    assert len(error_of(response(500, b"", "r" * 5000)).error or "") == 1000


def test_request_ids() -> None:
    assert request_id(CIMultiDict({"cf-ray": "c", "X-Correlation-ID": "x"}), []) == "x"
    assert request_id(CIMultiDict({"X-Request-Id": "", "CF-Ray": "c"}), []) == "c"
    assert request_id({}, []) is None
    assert len(request_id({"X-Request-Id": "z" * 500}, []) or "") == 200


JOINERS = "\u200c\u200d"  # of words and emoji, shown as they are


def test_what_a_server_says_cannot_write_lines_or_steer_a_terminal() -> None:
    body = json.dumps({"error": "Bad\nGateway", "message": "\x1b[2Jgone \u202e"}).encode()
    answer = Response(status=502, reason="", headers=CIMultiDict({"x-request-id": "a\x1bb"}), body=body)
    error = status_error(answer, method="GET", path="/", now=NOW)
    assert str(error).isprintable()
    assert error.message == "\\x1b[2Jgone \\u202e"
    assert error.request_id == "a\\x1bb"


@given(st.text())
@example("\u200c")
def test_printable_text_is_one_line_that_can_be_encoded(text):
    shown = escape_controls(text)
    assert shown.translate(dict.fromkeys(map(ord, JOINERS))).isprintable()
    shown.encode()
    assert shown == text or not text.isprintable()


def test_what_is_escaped():
    nasty = "a\nb\r\x1b[31m\x85\u2028\u202e\udcff é"
    assert escape_controls(nasty) == r"a\nb\r\x1b[31m\x85\u2028\u202e\udcff é"
