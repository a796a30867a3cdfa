"""A body is read whole or not at all.

promise 14: a gzip stream cut at any byte is never taken for whole; what frames it stands in test_cut_answers.py.
"""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aishoot_async import ResponseTooLargeError, TransportError
from aishoot_async.transport._body import Body
from helpers.bombs import MB, bomb, many_members, tiny_members

CAP = 8 * MB


def read(*chunks: bytes, encoding: str = "gzip", cap: int = CAP) -> bytes:
    body = Body(encoding, cap)
    for chunk in chunks:
        body.feed(chunk)
    return body.finish()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from(["gzip", "GZIP ", "x-gzip"]))
def test_gzip_in_any_pieces(data: bytes, size: int, encoding: str) -> None:
    assert read(*pieces(gzip.compress(data), size), encoding=encoding) == data


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(1, 30))
def test_streams_that_follow_each_other(parts: list[bytes], size: int) -> None:
    assert read(*pieces(b"".join(map(gzip.compress, parts)), size)) == b"".join(parts)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity"])
def test_plain(encoding: str) -> None:
    assert read(b"ab", b"", b"c", encoding=encoding) == b"abc"
    assert read(encoding=encoding) == b""


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip;q=1", "x"])
def test_an_encoding_that_was_not_asked_for_is_named(encoding: str) -> None:
    with pytest.raises(TransportError, match=f"'{encoding}', which was not asked for"):
        Body(encoding, 10).feed(b"x")
    assert read(b"", encoding=encoding) == read(encoding=encoding) == b"", "where there is nothing, there is no harm"


def test_an_answer_without_a_body_may_claim_to_be_gzip() -> None:
    assert read() == read(b"") == b""


@pytest.mark.parametrize("data", [b"", b"x", b"hello" * 100, gzip.compress(b"inner", mtime=0)])
@pytest.mark.parametrize("size", [1, 10_000])
def test_cut_at_every_byte(data: bytes, size: int) -> None:
    whole = gzip.compress(data)
    for end in range(1, len(whole)):
        with pytest.raises(TransportError, match="cut short"):
            read(*pieces(whole[:end], size))


def test_a_second_stream_cut_at_every_byte() -> None:
    first, second = gzip.compress(b"one"), gzip.compress(b"two")
    for end in range(1, len(second)):
        with pytest.raises(TransportError):
            read(first + second[:end])


@given(st.binary(min_size=1, max_size=30))
def test_garbage_behind_the_end_is_never_taken_for_the_body(garbage: bytes) -> None:
    with pytest.raises(TransportError):
        read(gzip.compress(b"data") + garbage)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_is_never_taken_for_the_body(at: int, byte: int) -> None:
    whole = bytearray(gzip.compress(b"some data, and then some more of it"))
    where = at % len(whole)
    whole[where] = byte
    try:
        found = read(bytes(whole))
    except TransportError as error:
        assert error.__context__ is None  # either is right
    else:
        # Flags, time, system and padding may change, and the data be right.
        assert found == b"some data, and then some more of it"


@pytest.mark.parametrize("data", [b"not gzip", zlib.compress(b"x"), b"\x1f\x8b\x09" + b"x" * 20, b"\x00"])
def test_what_is_no_gzip(data: bytes) -> None:
    with pytest.raises(TransportError):
        read(data)


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 262_143, 262_144, 262_145, 600_000])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_cap_to_the_byte(size: int, encoding: str) -> None:
    data = bytes(size)
    wire = gzip.compress(data) if encoding else data
    assert read(wire, encoding=encoding, cap=max(size, 1)) == data
    if size > 1:
        with pytest.raises(ResponseTooLargeError):
            read(wire, encoding=encoding, cap=size - 1)


def peak(chunks: list[bytes], encoding: str = "gzip", cap: int = CAP) -> int:
    """Give the most memory that reading takes, in bytes."""
    body = Body(encoding, cap)
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            for chunk in chunks:
                body.feed(chunk)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("made", [bomb(300), many_members(300), gzip.compress(bytes(20), mtime=0) + bomb(300)])
def test_a_bomb_is_never_in_memory(made: bytes) -> None:
    """promise 13; how much a whole process grows stands in test_bombs.py."""
    assert peak([made]) < CAP + 4 * MB


def test_a_body_in_tiny_pieces_costs_no_more_than_its_size() -> None:
    size = 50_000
    assert peak(pieces(bytes(size), 2), "", cap=size - 1) < 2 * size
    assert peak(pieces(tiny_members(size // 2), 2200), cap=size - 1) < 2 * size + 100_000
