"""JSON on the wire: nothing is lost, and only one kind of error comes out."""

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aishoot_async import UnexpectedResponseError
from aishoot_async.jsontext import compact, elements, kind, members, value
from helpers.refusals import refusal

DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = [
    b"",
    b" ",
    b"<html>",
    b"{",
    b'{"a":1,}',
    b"NaN",
    b"[Infinity]",
    b"\xef\xbb\xbf{}",
    b'{"a":"\xff"}',
    b'"\xed\xa0\x80"',
    b'"\\ud800"',
    DEEP,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b"1e99999999999999999999999",
    b"1" * 5000,
    b"{}{}",
    b"'a'",
    b'"\x00"',
    b"01",
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("read", [value, members, elements])
@pytest.mark.parametrize("text", BROKEN)
def test_broken_text(read, text: bytes) -> None:
    error = refusal(read, text)
    if error is not None:
        assert error.body == text
        assert error.__context__ is error.__cause__ is None
        return
    # Splitting looks no deeper than it must; what it leaves unread is refused when it is read.
    assert read is not value
    pieces = read(text)
    for piece in pieces.values() if isinstance(pieces, dict) else pieces:
        with pytest.raises(UnexpectedResponseError):
            value(piece)


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
@example(b"\xff{}")
@example(b'{"\\ud800":1}')
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    kind(data)
    for read in (value, members, elements, compact):
        error = refusal(read, data)
        assert error is None or error.body == data


@given(json_values, st.sampled_from([None, 2]), st.booleans())
def test_whatever_is_json_comes_back(plain: object, indent: int | None, ascii_only: bool) -> None:  # noqa: FBT001
    text = json.dumps(plain, indent=indent, ensure_ascii=ascii_only).encode()
    assert value(text) == plain
    if isinstance(plain, dict):
        assert {key: value(part) for key, part in members(text).items()} == plain
    if isinstance(plain, list):
        assert [value(part) for part in elements(text)] == plain
    assert value(compact(text)) == plain
    assert b"\n" not in compact(text)


def test_numbers_lose_nothing() -> None:
    text = b'{"a":12345678901234567890123,"b":1.50,"c":1e400,"d":-0.0,"e":0.1000000000000000055511151231257827}'
    parts = members(text)
    assert parts["a"] == b"12345678901234567890123"
    assert parts["b"] == b"1.50"
    assert value(text)["a"] == 12345678901234567890123
    assert value(text)["c"] == Decimal("1e400")


@given(
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.from_regex(r"-?[1-9]{1,25}\.[0-9]{1,25}(e-?[0-9]{1,2})?", fullmatch=True)
)
def test_a_float_is_read_as_python_reads_it(text: str) -> None:
    assert value(text.encode()) == float(text)


@pytest.mark.parametrize(
    "text",
    [b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{ "a": 1,\n "a": 2 }', b'{"b":0,"a":{"x":1},"a":{"x":1}}'],
)
def test_a_member_that_is_there_twice_is_refused(text: bytes) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        members(text, "data")
    assert caught.value.keys == ("a",)
    assert caught.value.where == "data"


@pytest.mark.parametrize(
    "text", [b'{"a":{"x":1,"x":2}}', b'{"\\u0061":1}', b'{"\\n":1,"\\/":2}', '{"é":1,"\\u00e8":2}'.encode(), b"{ }"]
)
def test_a_member_that_is_there_once_is_not(text: bytes) -> None:
    assert set(members(text)) == set(json.loads(text))


def test_many_twins_are_found_quickly() -> None:
    text = b"{" + b",".join(b'"k%d":1' % (number // 2) for number in range(100_000)) + b"}"
    with pytest.raises(UnexpectedResponseError) as caught:
        members(text)
    assert len(caught.value.keys) == 100, "the first of them"
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b' {"a":1}', "an object"),
        (b"[", "a list"),
        (b'"', "a string"),
        (b"true", "true"),
        (b"false", "false"),
        (b"null", "null"),
        (b"-1", "a number"),
        (b"", "nothing"),
        (b"\n\t", "nothing"),
    ],
)
def test_kinds(text: bytes, name: str) -> None:
    assert kind(text) == name


def test_compact_changes_nothing_but_white_space() -> None:
    assert compact(b'{\r\n "a": 1.50, "a": "\\u0041\\n" }') == b'{"a":1.50,"a":"\\u0041\\n"}'
    assert compact(b'{ "a": 1 }') == b'{ "a": 1 }'


def test_wrong_shapes() -> None:
    for read, text in ((members, b"[]"), (members, b"null"), (elements, b"{}"), (elements, b'"x"')):
        with pytest.raises(UnexpectedResponseError) as caught:
            read(text, "data.rows")
        assert caught.value.where == "data.rows"
