"""How deep JSON may be nested is our own rule, the same for every way to read it and every Python."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import AIShootError, SkuUpdate, UnexpectedResponseError, codec, jsontext
from aishoot_async.jsontext import MAX_DEPTH
from paging.hostile import HostileServer

pytestmark = pytest.mark.anyio


def lists(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def objects(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def with_members_behind(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b',"b":2}' * depth


def mixed(depth: int) -> bytes:
    return b'[{"a":' * (depth // 2) + (b"[]" if depth % 2 else b"1") + b"}]" * (depth // 2)


def hidden_by_strings(depth: int) -> bytes:
    return b'{"}":' * depth + b"1" + b"}" * depth


def spaced(depth: int) -> bytes:
    return b"[ \n" * depth + b"]" * depth


SHAPES = [lists, objects, with_members_behind, mixed, hidden_by_strings, spaced]
READERS = [
    pytest.param(codec.sku, id="sku"),
    pytest.param(codec.brief_result, id="brief_result"),
    pytest.param(jsontext.value, id="value"),
    pytest.param(lambda text: codec.page_decoder(codec.sku)(b"[" + text + b"]", "entries")[0], id="page of SKUs"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", [1, 100, MAX_DEPTH - 2])
def test_what_can_be_read_in_one_way_can_be_read_in_all(shape: Callable[[int], bytes], depth: int):
    text = b'{"id":"x","name":"n","frontImage":"f","n":%b}' % shape(depth)
    sku = codec.sku(text)
    assert set(sku.extra) == {"n"}
    assert SkuUpdate.from_sku(sku).name == "n"
    assert codec.brief_result(text)["n"] == json.loads(shape(depth))
    assert codec.page_decoder(codec.sku)(b"[" + text + b"]", "entries")[0] == text


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 1_500, 5_000, 30_000, 200_000])
def test_what_is_nested_deeper_is_refused(shape: Callable[[int], bytes], read: Callable[[bytes], object], depth: int):
    text = b'{"id":"x","n":%b}' % shape(depth)
    try:
        found = read(text)
        codec.decode_items([text], codec.sku, "entries")
    except UnexpectedResponseError as error:
        assert "nested too deeply" in error.reason
    else:
        raise AssertionError(found)


@pytest.mark.parametrize("depth", [MAX_DEPTH, 5_000, 200_000])
async def test_an_edit_of_a_sku_that_is_nested_too_deeply_says_so_with_its_request(depth: int):
    text = b'{"entries":[{"id":"x","name":"n","frontImage":"f","n":%b}],"total":1}' % lists(depth)
    async with HostileServer(lambda page, size: (200, text)) as server, server.session() as session:
        with pytest.raises(AIShootError, match="nested") as caught:
            await session.skus.edit("x", name="m")
        assert isinstance(caught.value, UnexpectedResponseError)
        assert [attempt.status for attempt in caught.value.attempts] == [200]


@given(
    st.recursive(
        st.none() | st.text('[]{}\\"a,:'), lambda inner: st.lists(inner) | st.dictionaries(st.text("[{"), inner)
    )
)
def test_brackets_in_strings_are_no_nesting(value: object):
    text = json.dumps([value, "[{" * 900, '\\"[' * 900])
    assert jsontext.value(text.encode()) == json.loads(text)


@pytest.mark.parametrize("piece", [b"[", b"{", b"[]", b'"', b"\\", b'"[', b'"\\"', b'\\"['])
def test_the_check_takes_no_more_than_linear_time(piece: bytes):
    began = time.process_time()
    for text in (piece * 300_000, b'"' + piece * 300_000):
        try:
            jsontext.check_depth(text)
        except UnexpectedResponseError:
            continue
    assert time.process_time() - began < 5
