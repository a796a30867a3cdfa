"""Answers that are cut: a short result never comes out as if it were whole.

promise 14: a body cut at every byte, by its length, in chunks, in gzip, in gzip in chunks, or by the connection's end.
"""

import gzip
import json

import pytest

from aishoot_async import (
    AmbiguousWriteError,
    RetryPolicy,
    SkuCreate,
    SkuUpdate,
    TransportError,
    UnexpectedResponseError,
)
from helpers.raw_server import RawServer, always, chunked, in_turn, reply, saying
from helpers.sessions import session_for

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
ONCE = RetryPolicy(attempts=1)
ROWS = json.dumps([{"id": number} for number in range(3)]).encode()
ZIPPED = gzip.compress(ROWS, mtime=0)
GZIP = {"Content-Encoding": "gzip"}


def in_chunks(*parts: bytes, **headers: str) -> bytes:
    head = {"Transfer-Encoding": "chunked", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return until_close(reply(chunked(*parts), headers=head))


def until_close(answer: bytes) -> bytes:
    """Take the length out of an answer: the connection's end is the body's."""
    return answer.replace(b"Content-Length", b"X-Length")


WHOLE = {
    "length": reply(ROWS),
    "chunks": in_chunks(ROWS[:7], ROWS[7:]),
    "one chunk a byte": in_chunks(*(ROWS[at : at + 1] for at in range(len(ROWS)))),
    "gzip": reply(ZIPPED, headers=GZIP),
    "gzip in two streams": reply(gzip.compress(ROWS[:9]) + gzip.compress(ROWS[9:]), headers=GZIP),
    "gzip in chunks": in_chunks(ZIPPED[:9], ZIPPED[9:], Content_Encoding="gzip"),
    "gzip to the connection's end": until_close(reply(ZIPPED, headers=GZIP)),
}


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("form", WHOLE)
async def test_an_answer_cut_at_every_byte(form: str, reset: bool) -> None:  # noqa: FBT001
    whole = WHOLE[form]
    async with RawServer(saying(whole)) as server, session_for(server, retry=ONCE) as session:
        assert [sku.id for sku in await session.skus.list_global()] == ["0", "1", "2"]
        for end in range(len(whole)):
            server.handler = saying(whole[:end], reset=reset)
            # An answer that says that it is gzip and has no byte is an empty one, and no list.
            empty = form == "gzip to the connection's end" and whole[:end].endswith(b"\r\n\r\n")
            wanted = (TransportError, UnexpectedResponseError) if empty else TransportError
            with pytest.raises(wanted) as caught:
                await session.skus.list_global()
            assert caught.value.__context__ is None


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_without_any_frame_the_json_itself_must_be_whole(version: bytes) -> None:
    whole = until_close(reply(ROWS)).replace(b"HTTP/1.1", version)
    async with RawServer(saying(whole)) as server, session_for(server, retry=ONCE) as session:
        assert len(await session.skus.list_global()) == 3
        for end in range(len(whole)):
            server.handler = saying(whole[:end])
            with pytest.raises((TransportError, UnexpectedResponseError)):
                await session.skus.list_global()


SKU = b'{"id":"x","name":"n","frontImage":"f","projectIds":[1,23]}'
WRITTEN = {
    "length": reply(SKU, 201),
    "chunks": in_chunks(SKU[:20], SKU[20:]).replace(b"200", b"201", 1),
    "gzip": reply(gzip.compress(SKU), 201, GZIP),
}


@pytest.mark.parametrize("form", WRITTEN)
async def test_the_answer_to_a_write_cut_at_every_byte(form: str) -> None:
    whole = WRITTEN[form]
    async with RawServer(saying(whole)) as server, session_for(server, retry=ONCE) as session:
        assert (await session.skus.create(SkuCreate(name="n", front_image="f"))).project_ids == (1, 23)
        for end in range(len(whole)):
            server.handler = saying(whole[:end])
            with pytest.raises(AmbiguousWriteError) as caught:
                await session.skus.create(SkuCreate(name="n", front_image="f"))
            assert isinstance(caught.value.cause, TransportError)
            for call in (session.skus.update("x", SkuUpdate(name="n", front_image="f")), session.skus.delete("x")):
                with pytest.raises(TransportError):
                    await call


async def test_a_cut_answer_is_asked_for_again() -> None:
    cut = saying(WHOLE["gzip"][:-3])
    async with RawServer(in_turn(cut, cut, always(ROWS))) as server, session_for(server) as session:
        assert len(await session.skus.list_global()) == 3
        assert len(server.requests) == 3
