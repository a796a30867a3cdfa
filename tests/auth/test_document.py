"""The text of a credential file: the official client's form, both ways."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async.auth import Secret
from aishoot_async.auth._document import Credentials, UnreadableError, read_credentials
from aishoot_async.auth._wire import Tokens
from helpers.official import official_read, official_write

FULL = {
    "access_token": "at-SECRET",
    "refresh_token": "rt-SECRET",
    "scope": "offline_access",
    "expires_in": 86400,
    "token_type": "Bearer",
    "expires_at": 1_800_000_000,
}
NEW = Tokens(access=Secret("at-2"), refresh=Secret("rt-2"), scope="s", token_type="bearer", expires_in=60.0)
words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_what_the_official_client_writes_is_read(tmp_path: Path) -> None:
    official_write(tmp_path / "c.json", "at", "rt", expires_in=100)
    read = read_credentials((tmp_path / "c.json").read_bytes(), 5.0)
    assert (read.access, read.refresh, read.scope) == (Secret("at"), Secret("rt"), "offline_access")
    assert (read.token_type, read.expires_in, read.written_at) == ("Bearer", 100.0, 5.0)


@given(words, words, st.one_of(st.none(), st.floats(1, 1e6)), st.floats(0, 4e9))
def test_what_is_written_is_read_by_the_official_client(tmp_path_factory, access, refresh, expires_in, now) -> None:
    tokens = Tokens(
        access=Secret(access), refresh=Secret(refresh), scope=None, token_type="Bearer", expires_in=expires_in
    )
    path = tmp_path_factory.mktemp("official") / "c.json"
    path.write_bytes(Credentials(access=None, refresh=None).renewed(tokens, now).text())
    theirs = official_read(path)
    assert (theirs.access_token, theirs.refresh_token, theirs.token_type) == (access, refresh, "Bearer")
    assert theirs.scope == "offline_access"
    assert theirs.expires_in == int(expires_in or 86_400)
    assert theirs.expires_at == int(now + (expires_in or 86_400))


def test_a_refresh_changes_what_it_brings_and_nothing_else() -> None:
    text = json.dumps(FULL).removesuffix("}") + ', "x": 123456789012345678901234, "y": {"a": [1.10, "ü"]}}'
    renewed = read_credentials(text.encode()).renewed(NEW, 1000.0).text()
    assert json.loads(renewed) == FULL | {
        "access_token": "at-2",
        "refresh_token": "rt-2",
        "scope": "s",
        "expires_in": 60,
        "token_type": "bearer",
        "expires_at": 1060,
        "x": 123456789012345678901234,
        "y": {"a": [1.10, "ü"]},
    }
    assert b"123456789012345678901234" in renewed
    assert '{"a": [1.10, "ü"]}'.encode() in renewed


def test_without_rotation_the_refresh_token_stays() -> None:
    kept = Tokens(access=Secret("at-2"), refresh=None, scope=None, token_type="Bearer", expires_in=None)
    renewed = read_credentials(json.dumps(FULL).encode()).renewed(kept, 1000.0)
    assert (renewed.refresh, renewed.scope, renewed.expires_in) == (Secret("rt-SECRET"), "offline_access", 86400.0)


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("value", [None, "", "two\nlines", 7])
def test_one_of_the_two_tokens_is_enough(name: str, value: object) -> None:
    assert (read_credentials(json.dumps(FULL | {name: value}).encode())).refresh != read_credentials(
        json.dumps(FULL | {name: value}).encode()
    ).access


@pytest.mark.parametrize("change", [{"expires_in": "x"}, {"expires_at": "x"}, {"scope": 7}, {"token_type": None}])
def test_other_fields_may_hold_anything(change: dict[str, object]) -> None:
    assert read_credentials(json.dumps(FULL | change).encode()).access == Secret("at-SECRET")


def test_a_byte_order_mark_is_no_harm() -> None:
    assert read_credentials(b"\xef\xbb\xbf" + json.dumps(FULL).encode()).access == Secret("at-SECRET")


@pytest.mark.parametrize("indent", [None, 4])
def test_a_file_that_was_cut_short_at_any_byte_is_a_damaged_login(indent: int | None) -> None:
    whole = json.dumps(FULL, indent=indent).encode()
    for length in range(len(whole)):
        with pytest.raises(UnreadableError) as caught:
            read_credentials(whole[:length])
        assert caught.value.damaged
        assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"-----BEGIN OPENSSH PRIVATE KEY-----", b"hello", b"[]", b"7", b"null", b"{}", b'{"type":"service_account"}']
    + [b'{"a": 1', b"\x89PNG", b"\xff\xfe", b"[" * 9000, b'{"installed":{"client_id":"x"}}', b"access_token=x"],
)
def test_a_file_that_is_something_else_is_no_damaged_login(text: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_credentials(text)
    assert not caught.value.damaged


@pytest.mark.parametrize(
    "text",
    [b"", b" \n", b'{"access_token": "", "refresh_token": null}', b'{"access_token": "a", "access_token": "b"}']
    + [b'{"access_token": "\xff"}', b'{"scope": "x", "refresh_token": "SECRE'],
)
def test_other_damage(text: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_credentials(text)
    assert caught.value.damaged


def test_it_shows_no_token() -> None:
    read = read_credentials((json.dumps(FULL)[:-1] + ',"id_token":"SECRET"}').encode())
    assert "SECRET" not in repr(read)
