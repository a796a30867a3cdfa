"""The floor: a protocol that does only what this server needs, a connection a page in flight, uvloop, dictionaries.

It cannot do chunks, errors, gzip, TLS, or anything else that a client must. Nothing in Python has to be faster.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import msgspec

from benchmarks.clients.rows import read
from benchmarks.clients.task import Task, main, on_loop
from benchmarks.clients.window import in_order


class Connection(asyncio.BufferedProtocol):
    """One connection, one answer at a time, into one buffer."""

    def __init__(self) -> None:
        self.buffer = bytearray(1 << 18)
        self.view = memoryview(self.buffer)
        self.filled = self.whole = self.body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # the loop's own name
        return self.view[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self.filled += nbytes
        if not self.whole and (end := self.buffer.find(b"\r\n\r\n", 0, self.filled)) >= 0:
            length = self.buffer.find(b"Content-Length: ", 0, end) + 16
            self.body = end + 4
            self.whole = self.body + int(self.buffer[length : self.buffer.find(b"\r", length)])
        if self.whole and self.filled >= self.whole:
            self.answer.set_result(msgspec.json.decode(self.view[self.body : self.whole]))
            self.filled = self.whole = 0

    def get(self, target: str) -> "asyncio.Future[Any]":
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.transport.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n".encode())
        return self.answer


async def walk(task: Task) -> int:
    loop, at = asyncio.get_running_loop(), urlsplit(task.url)
    free = [(await loop.create_connection(Connection, at.hostname, at.port))[1] for _ in range(task.window)]

    async def fetch(page: int) -> list[dict[str, Any]]:
        connection = free.pop()
        answer = await connection.get(f"/ai-shoot/briefs/{task.items}/results?page={page}&pageSize=100")
        free.append(connection)
        return answer["entries"]

    count = 0
    async for items in in_order(fetch, task.pages, task.window):
        count += read(task, items)
    for connection in free:
        connection.transport.close()
    return count


if __name__ == "__main__":
    main(on_loop(walk))
