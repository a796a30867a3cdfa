"""Headers longer than aiohttp's own bound are read up to ours; longer ones, and unknown codings, are named."""

import pytest

from aishoot_async import (
    AmbiguousWriteError,
    RetryPolicy,
    ServerError,
    SkuCreate,
    TransportError,
    UnprocessableError,
)
from helpers.raw_server import RawServer, always
from helpers.sessions import session_for

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("http_path")]
ONCE = RetryPolicy(attempts=1)
NEW = SkuCreate(name="n", front_image="f")
KIB = 1024


@pytest.mark.parametrize("size", [100, 8 * KIB - 2, 8 * KIB, 9000, 20_000, 63 * KIB])
@pytest.mark.parametrize("name", ["Content-Security-Policy", "Set-Cookie", "X-Request-Id"])
async def test_a_long_header_is_read(name: str, size: int) -> None:
    async with RawServer(always(b'{"id":"1"}', 201, {name: "x" * size})) as server:
        async with session_for(server, retry=ONCE) as session:
            assert (await session.skus.create(NEW)).id == "1"


async def test_long_headers_of_an_error_are_read() -> None:
    headers = {f"X-{number}": "x" * 20_000 for number in range(4)}
    async with RawServer(always(b'{"message":"no"}', 422, headers)) as server:
        async with session_for(server, retry=ONCE) as session:
            with pytest.raises(UnprocessableError, match="no"):
                await session.skus.create(NEW)


@pytest.mark.parametrize("size", [65 * KIB, 200 * KIB])
async def test_a_header_beyond_the_bound_is_named(size: int) -> None:
    async with RawServer(always(b"[]", 200, {"X-Policy": "x" * size})) as server:
        async with session_for(server, retry=ONCE) as session:
            with pytest.raises(TransportError, match="a header of more than 64 KiB"):
                await session.skus.list_global()
            with pytest.raises(AmbiguousWriteError, match="64 KiB"):
                await session.skus.create(NEW)


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, br"])
async def test_a_coding_that_was_not_asked_for_is_named(coding: str) -> None:
    headers = {"Content-Encoding": coding}
    async with RawServer(always(b"\x0b\x02\x80[]\x03", 200, headers)) as server:
        async with session_for(server, retry=ONCE) as session:
            with pytest.raises(TransportError, match=f"'{coding}', which was not asked for"):
                await session.skus.list_global()


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, br"])
async def test_an_answer_without_a_body_may_claim_any_coding(coding: str) -> None:
    async with RawServer(always(b"", 200, {"Content-Encoding": coding})) as server:
        async with session_for(server, retry=ONCE, organization="o") as session:
            assert await session.images.exists("x")
            await session.skus.delete("x")


@pytest.mark.parametrize(("status", "kind"), [(422, UnprocessableError), (503, ServerError)])
async def test_an_error_in_such_a_coding_is_still_the_error_that_it_is(status: int, kind: type) -> None:
    async with RawServer(always(b"\x0b\x02\x80no\x03", status, {"Content-Encoding": "br"})) as server:
        async with session_for(server, retry=ONCE) as session:
            with pytest.raises(kind, match="'br', which was not asked for"):
                await session.skus.list_global()
