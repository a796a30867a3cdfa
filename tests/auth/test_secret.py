"""A token does not show itself, and is taken out of what a server makes of it."""

import base64
import copy
import html
import json
import pickle
import re
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import AIShootSession, ConfigurationError, StaticToken
from aishoot_async.auth import Secret, scrub_bytes, scrub_error, scrub_text
from aishoot_async.errors import APIStatusError, Attempt, Cursor, UnexpectedResponseError
from aishoot_async.secret import SHORTEST_TOKEN
from helpers.shown import everything, leaked

tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
SPELLINGS = [
    str,
    lambda token: quote(token, safe=""),
    lambda token: re.sub("%..", lambda found: found[0].lower(), quote(token, safe="")),
    quote,
    quote_plus,
    html.escape,
    lambda token: json.dumps(token)[1:-1],
    lambda token: json.dumps(token)[1:-1].replace("/", "\\/"),
    lambda token: repr(token)[1:-1],
]
TOKEN = "eyJhbGciOiJSUzI1NiJ9/a+b=.c-d_e&f<g>0123456789"


def test_a_secret_shows_nothing() -> None:
    secret = Secret("hush-hush")
    assert secret.reveal() == "hush-hush"
    for shown in (repr(secret), str(secret), f"{secret}", repr([secret]), repr({"a": secret})):
        assert "hush" not in shown
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        copy.copy(secret)
    assert not hasattr(secret, "__dict__")


def test_secrets_compare_by_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_secret_is_made_anew_for_another_text_alone() -> None:
    secret = Secret("hush-hush")
    assert secret.or_other("hush-hush") is secret
    assert secret.or_other("other") == Secret("other")
    for refused in ("hush hush", "", None):
        with pytest.raises(ConfigurationError) as caught:
            secret.or_other(refused)
        assert not leaked(everything(caught.value), "hush hush")


@given(tokens)
def test_printable_ascii_is_accepted(token: str) -> None:
    assert Secret(token).reveal() == token


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\r", "ü", "a\x7f", "a\x00", None, 7, b"abc", ["a"]])
def test_anything_else_is_refused_and_not_shown(text: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secret(text)
    if str(text).strip():
        assert str(text) not in str(caught.value)


def rejected_token(kind) -> str:
    try:
        kind("hunter2\n")
    except ConfigurationError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The caller's own line is not ours to hide.
        return "".join(frame.line + str(frame.locals) for frame in report.stack[1:])
    return "hunter2"


@pytest.mark.parametrize("kind", [Secret, StaticToken, AIShootSession])
def test_a_refused_token_stays_in_no_frame_of_ours(kind) -> None:
    assert "hunter2" not in rejected_token(kind)


@given(tokens, st.text(), st.text(), st.sampled_from(SPELLINGS))
@example('00/"', "", "", SPELLINGS[7])
def test_every_spelling_is_taken_out(token: str, before: str, after: str, spell) -> None:
    written = spell(token)
    scrubbed = scrub_text(f"{before}{written}{after}", [Secret(token)])
    # What is left can only be what stood there anyway, or the mask.
    if len(token) >= SHORTEST_TOKEN and written not in before + "[token]" + after:
        assert written not in scrubbed


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("length", [16, 17, 25, 40, 200])
def test_a_token_that_was_cut_short_is_taken_out_too(spell, length: int) -> None:
    written = spell(TOKEN)[:length]
    assert scrub_text(f"<{written}> {written}", [Secret(TOKEN)]) == "<[token]> [token]"


@pytest.mark.parametrize("length", [16, 17, 25])
def test_the_end_of_a_token_is_taken_out_too(length: int) -> None:
    written = TOKEN[-length:]
    assert scrub_text(f"<...{written}> {written}", [Secret(TOKEN)]) == "<...[token]> [token]"


def percent(text: str) -> str:
    return "".join(f"%{ord(letter):02x}" for letter in text)


CODES = {
    "percent": percent,
    "percent twice": lambda text: percent(text).replace("%", "%25"),
    "JSON": lambda text: "".join(f"\\u{ord(letter):04X}" for letter in text),
    "JSON in JSON": lambda text: "".join(f"\\\\u{ord(letter):04x}" for letter in text),
    "HTML": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(letter):x};" for letter in text),
    "Python": lambda text: "".join(f"\\x{ord(letter):02x}" for letter in text),
    "UTF-16": lambda text: text.encode("utf-16-be").decode("latin-1"),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, large": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of the header": lambda text: base64.b64encode(b"Bearer " + text.encode()).decode(),
    "base64 of two": lambda text: base64.b64encode(b"id:" + text.encode() + b";").decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()).decode(),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("token", [TOKEN, "0123456789abcdef", "??>>~~" * 5, "x" * 1500])
def test_of_a_text_that_holds_it_in_another_code_nothing_is_left(code: str, token: str) -> None:
    assert (
        scrub_text(f"before {CODES[code](token)} behind", [Secret("another-token-of-no-use"), Secret(token)])
        == "[token]"
    )


@given(st.text(st.characters(exclude_characters="abcdefgh")), st.text(min_size=16, alphabet="abcdefgh"))
def test_a_text_that_does_not_hold_it_stays(text: str, token: str) -> None:
    assert scrub_text(text, [Secret(token)]) == text


def test_a_token_with_one_letter_in_another_code_is_taken_out_on_both_sides_of_it() -> None:
    written = TOKEN[:20] + "\\u002B" + TOKEN[21:]
    assert scrub_text(f"a {written} b", [Secret(TOKEN)]) in {"a [token]\\u002B[token] b", "a [token]u002B[token] b"}


def test_a_short_beginning_is_left() -> None:
    assert scrub_text(TOKEN[:15], [Secret(TOKEN)]) == TOKEN[:15]
    assert scrub_text("short", [Secret("shortest")]) == "short"
    assert scrub_text("the shortest one", [Secret("shortest")]) == "the [token] one"


@pytest.mark.parametrize("token", ["e", "t", "-", "an", "the", "item", "token", "shorter"])
def test_what_is_too_short_to_be_a_token_garbles_no_message(token: str) -> None:
    said = "-there is no list of items in an answer that says no token, or a shorter one"
    assert scrub_text(said, [Secret(token)]) == said
    assert scrub_bytes(said.encode(), [Secret(token)]) == said.encode()


@pytest.mark.parametrize("reference", ["&#", "&#0", "&#x", "&#X0"])
def test_a_reference_of_thousands_of_digits_is_no_error_and_hides_no_token(reference: str) -> None:
    digits = "0" * 5000
    assert scrub_text(f"{reference}{digits.replace('0', '9')};", [Secret(TOKEN)]).startswith("&#")
    hidden = "".join(f"&#{digits}{ord(letter)};" for letter in TOKEN[:20])
    assert scrub_text(hidden, [Secret(TOKEN)]) == "[token]"


@given(st.binary(), tokens)
def test_bytes_survive_but_for_the_token(data: bytes, token: str) -> None:
    if len(token) >= SHORTEST_TOKEN:
        scrubbed = scrub_bytes(data + token.encode() + data, [Secret(token)])
        assert scrubbed.count(b"[token]") >= 1
    assert scrub_bytes(data, [Secret("x" * 300)]) == data


def test_an_error_is_scrubbed_everywhere() -> None:
    attempt = Attempt(number=1, sent="yes", status=500, request_id=f"id-{TOKEN}")
    status = APIStatusError(
        500,
        method="GET",
        path="/p",
        error=TOKEN,
        message=f"no {TOKEN}",
        timestamp=TOKEN,
        request_id=TOKEN,
        body=TOKEN.encode(),
        attempts=[attempt],
    )
    status.cursor = Cursor(1, 2, 3)
    status.add_note("a note")
    unread = UnexpectedResponseError(TOKEN, where=TOKEN, keys=[TOKEN], body=TOKEN.encode(), attempts=[attempt])
    for error in (status, unread):
        scrub_error(error, [Secret("unrelated"), Secret(TOKEN)])
        assert TOKEN not in repr(error) + str(error) + repr(vars(error))
        assert error.attempts[0].request_id == "id-[token]"
        assert TOKEN.encode() not in pickle.dumps(error)
    assert status.cursor == Cursor(1, 2, 3)
    assert status.status == 500
