"""A server of plain sockets: for what no well-behaved HTTP server can be made to do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

import attrs

from helpers.sockets import send_reset


@attrs.frozen(kw_only=True)
class RawRequest:
    """A request as it came over the wire."""

    line: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


class RawConnection:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(
        self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None, reason: str = "Said"
    ) -> None:
        await self.send(reply(body, status, headers, reason))

    async def close(self) -> None:
        self._writer.close()

    async def until_closed(self) -> None:
        """Wait until the client has closed its end."""
        while await self._reader.read(65536):
            pass
        await self.close()

    async def reset(self) -> None:
        """Close with RST instead of FIN."""
        send_reset(self._writer)

    @property
    def closed(self) -> bool:
        return self._writer.is_closing()


def reply(
    body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None, reason: str = "Said"
) -> bytes:
    """Write a whole answer; headers with the same name replace those that are made here."""
    every = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in every.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


Handler = Callable[[RawRequest, RawConnection], Awaitable[None]]


def always(body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    """Make a handler that gives the same answer to everything."""

    async def handle(_: RawRequest, connection: RawConnection) -> None:
        await connection.answer(body, status, headers)

    return handle


def in_turn(*handlers: Handler) -> Handler:
    """Make a handler that treats the first request as the first handler does, and so on; the last one stays."""
    left = list(handlers)

    async def handle(request: RawRequest, connection: RawConnection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, connection)

    return handle


def endless(head: bytes, piece: bytes) -> Handler:
    """Make a handler whose answer never ends."""

    async def handle(_: RawRequest, connection: RawConnection) -> None:
        await connection.send(head)
        while not connection.closed:
            await connection.send(piece)
            await asyncio.sleep(0)

    return handle


def saying(data: bytes, *, reset: bool = False) -> Handler:
    """Make a handler that sends these bytes, whatever they are, and ends the connection with FIN or RST."""

    async def handle(_: RawRequest, connection: RawConnection) -> None:
        await connection.send(data)
        await (connection.reset() if reset else connection.close())

    return handle


async def drop(_: RawRequest, connection: RawConnection) -> None:
    """Close the connection instead of answering."""
    await connection.close()


async def hang(_: RawRequest, connection: RawConnection) -> None:
    """Never answer."""
    await connection.until_closed()


class RawServer:
    """Listens on loopback; hands each request to a coroutine, and remembers all of them."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.open = 0
        self.errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert not self.errors, self.errors

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Return once it is so; looked at whenever a request or a connection comes or goes."""
        while not wanted():
            self._changed.clear()
            await self._changed.wait()

    async def until_requests(self, count: int) -> None:
        await self.until(lambda: len(self.requests) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        number = self.connections
        self._changed.set()
        try:
            await self._requests(reader, RawConnection(reader, writer), number)
        except (OSError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass  # the server ends
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            self.open -= 1
            self._tasks.discard(task)
            self._changed.set()
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, connection: RawConnection, number: int) -> None:
        while not connection.closed:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = RawRequest(line=line, headers=headers, body=body, connection=number)
            self.requests.append(request)
            self._changed.set()
            await self.handler(request, connection)
