"""Attempts as lines of a log."""

import asyncio
import json
import logging
import pickle
import re

import pytest

from aishoot_async import AIShootError, ConfigurationError, NotFoundError
from aishoot_async.hooks import LoggingHook
from aishoot_async.sandbox import Sandbox
from helpers.raw_server import RawRequest, RawServer, always, drop, hang, in_turn
from helpers.sessions import TOKEN, session_for

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "aishoot_async.hooks")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was logged, without what differs from run to run."""
    text = [record.getMessage() for record in caplog.records if record.name == "aishoot_async.hooks"]
    return [
        re.sub(r"call \d+|:\d+/|\d+\.\d{3} s", lambda found: re.sub(r"[\d.]+", "N", found[0]), line) for line in text
    ]


async def test_the_lines_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    busy = always(b"", 503, {"Retry-After": "0", "X-Request-Id": "r-1", "Set-Cookie": "a=b", "X-Other": "o"})
    well = always(b'{"entries":[{"id":"1"}],"total":1}', headers={"Via": "1.1 a"})
    async with RawServer(in_turn(drop, busy, well)) as server:
        async with session_for(server, hooks=[LoggingHook()]) as session:
            await session.skus.list(page_size=5, start=1)
    url = "http://127.0.0.1:N/ai-shoot/skus?page=1&pageSize=5"
    kind = "content-type 'application/json'"
    assert lines(caplog) == [
        f"call N attempt 1: GET {url} got no answer in N s: TransportError, sent: maybe",
        f"call N attempt 1: GET {url} will be repeated in N s",
        f"call N attempt 2: GET {url} answered 503 in N s, request 'r-1', {kind}, content-length '0', retry-after '0'",
        f"call N attempt 2: GET {url} will be repeated in N s",
        f"call N attempt 3: GET {url} answered 200 in N s, {kind}, content-length '34', via '1.1 a'",
    ]
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert len({record.aishoot_call for record in caplog.records}) == 1


async def test_the_fields_of_a_record(caplog: pytest.LogCaptureFixture) -> None:
    async with Sandbox() as sandbox, session_for(sandbox, sandbox.token, hooks=[LoggingHook()]) as session:
        with pytest.raises(NotFoundError) as caught:
            await session.skus.delete("no such")
        url = f"{sandbox.url}/ai-shoot/skus/no%20such"
    (record,) = (record for record in caplog.records if record.name == "aishoot_async.hooks")
    fields = {name: value for name, value in vars(record).items() if name.startswith("aishoot_")}
    (attempt,) = caught.value.attempts
    assert fields.pop("aishoot_headers")["content-type"].startswith("application/json")
    assert fields.pop("aishoot_call") > 0
    assert fields == {
        "aishoot_moment": "after_attempt",
        "aishoot_method": "DELETE",
        "aishoot_url": url,
        "aishoot_template": "/ai-shoot/skus/{skuId}",
        "aishoot_number": 1,
        "aishoot_sent": "yes",
        "aishoot_status": 404,
        "aishoot_error": None,
        "aishoot_elapsed": attempt.elapsed,
        "aishoot_wait": 0.0,
        "aishoot_request_id": "sandbox-1",
    }
    json.dumps(fields)
    assert pickle.loads(pickle.dumps(record)).aishoot_status == 404  # what a QueueHandler does


async def test_a_call_that_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async with RawServer(hang) as server, session_for(server, hooks=[LoggingHook()]) as session:
        task = asyncio.create_task(session.skus.list_global())
        await server.until_requests(1)
        task.cancel()
        await asyncio.wait([task])
    url = "http://127.0.0.1:N/ai-shoot/skus/global"
    assert lines(caplog) == [f"call N attempt 1: GET {url} got no answer in N s: cut off, sent: maybe"]


# All of them pass through aiohttp.
NASTY = b"a\x1b[2Jb\x01\x7f\xe2\x80\xa8\xe2\x80\xae\xff '\" \xc3\xa9"


async def test_a_server_cannot_forge_lines(caplog: pytest.LogCaptureFixture) -> None:
    async def forge(_, connection) -> None:
        headers = b"".join(b"%b: %b\r\n" % (name, NASTY) for name in (b"X-Request-Id", b"Server", b"Retry-After"))
        await connection.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n%b\r\n" % headers)

    async with RawServer(forge) as server, session_for(server, hooks=[LoggingHook()]) as session:
        with pytest.raises(NotFoundError):
            await session.skus.list_global()
    (record,) = (record for record in caplog.records if record.name == "aishoot_async.hooks")
    message = record.getMessage()
    assert message.isascii()
    assert message.isprintable()
    assert r"server 'a\x1b[2Jb\x01\x7f\u2028\u202e\udcff \'" in message
    for value in (record.aishoot_request_id, record.aishoot_headers["server"], record.aishoot_headers["retry-after"]):
        assert value == r"""a\x1b[2Jb\x01\x7f\u2028\u202e\udcff '" é"""


async def test_a_long_header_does_not_make_a_long_line(caplog: pytest.LogCaptureFixture) -> None:
    answer = always(b"[]", headers={"Server": "s" * 5000})
    async with RawServer(answer) as server, session_for(server, hooks=[LoggingHook()]) as session:
        await session.skus.list_global()
    assert len(caplog.records[-1].getMessage()) < 500


async def test_a_server_that_echoes_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async def echo(request: RawRequest, connection) -> None:
        said = request.headers["authorization"]
        await connection.answer(b"", 503, {"Server": said, "X-Request-Id": said, "Retry-After": said, "Via": said[:30]})

    async with RawServer(echo) as server, session_for(server, hooks=[LoggingHook()]) as session:
        with pytest.raises(AIShootError):
            await session.skus.list_global()
    assert len(caplog.records) == 5
    for record in caplog.records:
        assert TOKEN[:16] not in record.getMessage() + repr(vars(record))
    assert caplog.records[0].aishoot_headers["via"] == "Bearer [token]"


async def test_another_logger_another_level_and_other_headers(caplog: pytest.LogCaptureFixture) -> None:
    mine = logging.getLogger("mine")
    hook = LoggingHook(mine, level=logging.INFO, headers=["x-mine"])
    answer = always(b"[]", headers={"X-Mine": "m", "Server": "s"})
    async with RawServer(answer) as server, session_for(server, hooks=[hook]) as session:
        mine.setLevel(logging.INFO)
        await session.skus.list_global()
        (record,) = caplog.records
        assert (record.name, record.levelno, record.aishoot_headers) == ("mine", logging.INFO, {"x-mine": "m"})
        mine.setLevel(logging.WARNING)
        await session.skus.list_global()
        assert len(caplog.records) == 1


@pytest.mark.parametrize("wrong", [{"logger": "mine"}, {"level": "INFO"}, {"level": True}])
def test_what_it_cannot_be_made_of(wrong) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        LoggingHook(**wrong)
