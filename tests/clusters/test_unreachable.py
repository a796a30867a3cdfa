"""A scheduler that is not there, or is something else: said soon, ended in time, and never a crash of another kind."""

import asyncio
import logging
from contextlib import asynccontextmanager, suppress

import pytest

from aishoot_async import AIShootSession, ConfigurationError, ExportError
from aishoot_async.clusters import dask
from aishoot_async.clusters.dask import export_results
from helpers.raw_server import reply

pytestmark = pytest.mark.anyio


@pytest.fixture
async def session():
    async with AIShootSession("token", base_url="http://127.0.0.1:1") as opened:
        yield opened


@asynccontextmanager
async def something_else(answer):
    """Serve what is no scheduler: it answers so, and closes; or says nothing, and waits."""
    open_ones = []

    async def handle(reader, writer):
        open_ones.append(writer)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in open_ones:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


ANSWERS = {
    "nothing": None,
    "its end": b"",
    "http": reply(b"<html>", 400),
    "garbage": bytes(range(256)),
    "an empty frame": (8).to_bytes(8, "little") + bytes(8),
    "a huge frame": (1).to_bytes(8, "little") + b"\x7f" * 8,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_what_is_no_scheduler_is_an_export_error_in_time(tmp_path, session, answer):
    async with something_else(answer) as address:
        with pytest.raises(ExportError, match=f"the Dask scheduler at {address} cannot be reached"):
            await export_results(address, [1], tmp_path / "r", session=session, connect_timeout=0.5)
    assert not (tmp_path / "r").exists()


async def test_where_nobody_listens_it_is_said_at_once_and_ended_in_time(tmp_path, session, monkeypatch, caplog):
    monkeypatch.setattr(dask, "_TELL_AFTER", 0.01)
    with caplog.at_level(logging.WARNING), pytest.raises(ExportError, match="nothing answered within"):
        await export_results("tcp://127.0.0.1:9", [1], tmp_path / "r", session=session, connect_timeout=0.5)
    assert "tcp://127.0.0.1:9 does not answer; it is tried for 0.5 s" in caplog.text


async def test_a_cancellation_is_heard_meanwhile(tmp_path, session, monkeypatch):
    said = asyncio.Event()
    monkeypatch.setattr(dask, "_TELL_AFTER", 0.01)
    monkeypatch.setattr(dask.logger, "warning", lambda *_: said.set())
    task = asyncio.create_task(
        export_results("tcp://127.0.0.1:9", [1], tmp_path / "r", session=session, connect_timeout=600)
    )
    await said.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("given", [0, -1, True, "5", float("nan"), float("inf")])
async def test_a_time_that_is_none_is_refused(tmp_path, session, given):
    with pytest.raises(ConfigurationError, match="connect_timeout"):
        await export_results("tcp://127.0.0.1:9", [1], tmp_path / "r", session=session, connect_timeout=given)


async def test_an_async_on_progress_is_refused_before_anything_is_tried(tmp_path, session):
    async def tell(_):
        """Never to be reached."""

    with pytest.raises(ConfigurationError, match="on_progress"):
        await export_results("nowhere", [1], tmp_path / "r", session=session, on_progress=tell)
