"""A proxy of plain TCP that spoils what goes through it: what a network does, and no server can be made to do."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self

import attrs

from helpers.sockets import send_reset


@attrs.frozen(kw_only=True)
class Way:
    """What happens to the bytes of one direction.

    ``latency`` seconds pass before each piece, ``bandwidth`` bytes a second go through, and so many bytes later comes
    the ``ending``: both ends are closed ("cut"), both are reset, or the rest vanishes while all stays open ("stall").
    """

    latency: float = 0.0
    bandwidth: float | None = None
    ends_after: int | None = None
    ending: Literal["cut", "reset", "stall"] = "cut"


@attrs.frozen(kw_only=True)
class Path:
    """What happens to one connection; the end of one side is passed on to the other ``slow_close`` seconds later."""

    up: Way = Way()  # from the client to the server
    down: Way = Way()
    slow_close: float = 0.0


class FaultProxy:
    """Listens on loopback before a server on loopback; ``path`` says what happens to the next connection."""

    def __init__(self, port: int, path: Callable[[], Path] = Path) -> None:
        self.path = path
        self.connections = 0
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1000)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self.drop()

    async def drop(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._connect(reader, writer, self.path())
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Path) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            endings = await first_of(_pass(reader, server_writer, path.up), _pass(server_reader, writer, path.down))
            if "reset" in endings:
                send_reset(writer)
                send_reset(server_writer)
            elif "end" in endings:
                await asyncio.sleep(path.slow_close)
        finally:
            for end in (writer, server_writer):
                end.close()
            closing = asyncio.gather(writer.wait_closed(), server_writer.wait_closed(), return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing, 1)
            server_writer.transport.abort()


async def first_of(*works: Coroutine[Any, Any, str]) -> set[str]:
    """Run until one has ended; cancel the rest, and give what the ended ones returned."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return {task.result() for task in done}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> str:
    """Pass bytes on until one side ends; give how it ended."""
    room = way.ends_after
    with contextlib.suppress(ConnectionError):
        while room is None or room > 0:
            data = await reader.read(65536)
            if not data:
                return "end"
            await asyncio.sleep(way.latency)
            data = data[:room]
            room = None if room is None else room - len(data)
            await _send(writer, data, way.bandwidth)
        if way.ending == "stall":
            while await reader.read(65536):
                pass
            return "end"
        return way.ending
    return "end"


async def _send(writer: asyncio.StreamWriter, data: bytes, bandwidth: float | None) -> None:
    step = len(data) if bandwidth is None else max(1, int(bandwidth * 0.005))
    for at in range(0, len(data), step):
        if bandwidth is not None:
            await asyncio.sleep(step / bandwidth)
        writer.write(data[at : at + step])
        await writer.drain()
