"""A server that outruns every client: one small protocol on uvloop, pages rendered from pieces, its latency settable.

Brief N has N results, and the project N has N SKUs, so that one server serves listings of any length. Run as a process
of its own (``python -m benchmarks.server``), it prints its port, and ends when stdin is closed.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Generator

import attrs
import uvloop

from benchmarks.page import ITEMS, RESULTS, SKUS


@attrs.frozen
class Settings:
    """What the service is like.

    Attributes:
        total: items of every listing; 0 for as many as its number says.
        latency: seconds before each answer.
        room: requests that it takes at once; more are refused with 429 at once. 0 for any number.
    """

    total: int = 0
    latency: float = 0.0
    room: int = 0


@attrs.define
class Counts:
    """What has been served: `/counts` gives it as two numbers, and begins anew."""

    busy: int = 0
    requests: int = 0
    refused: int = 0


class Service(asyncio.Protocol):
    """One connection."""

    def __init__(self, settings: Settings, counts: Counts) -> None:
        self.settings = settings
        self.counts = counts
        self.loop = asyncio.get_running_loop()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].decode()
            length = next(
                (int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
            )
            if len(self.received) < end + 4 + length:
                return
            self.received = self.received[end + 4 + length :]
            self.serve(*head.split(" ", 2)[:2])

    def serve(self, method: str, target: str) -> None:
        if target == "/counts":
            counts = f"[{self.counts.requests},{self.counts.refused}]".encode()
            self.counts.requests = self.counts.refused = 0
            self.send(200, counts)
            return
        self.counts.requests += 1
        if self.settings.room and self.counts.busy >= self.settings.room:
            self.counts.refused += 1
            self.send(429, b"{}")
            return
        self.counts.busy += 1
        if self.settings.latency:
            self.loop.call_later(self.settings.latency, self.answer, method, target)
        else:
            self.answer(method, target)

    def answer(self, method: str, target: str) -> None:
        self.counts.busy -= 1
        if method == "POST":
            self.send(201, b'{"id":"0000000001"}')
            return
        path, _, query_string = target.partition("?")
        query = dict(pair.split("=", 1) for pair in query_string.split("&"))
        if "skuIdFilter" in query:
            self.send(200, b'{"entries":[%b],"total":1}' % SKUS.rows(int(query["skuIdFilter"]), 1))
            return
        kind, named = (RESULTS, path.split("/")[3]) if "/briefs/" in path else (SKUS, query.get("projectFilter", ""))
        first, total = (int(query["page"]) - 1) * ITEMS, self.settings.total or int(named)
        count = max(0, min(ITEMS, total - first)) if first >= 0 else 0
        self.send(200, b'{"entries":[%b],"total":%d}' % (kind.rows(first, count), total))

    def send(self, status: int, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self.transport.write(head % (status, len(body)) + body)  # type: ignore[attr-defined]


async def serve(settings: Settings) -> None:
    """Serve until stdin ends."""
    loop, counts, ended = asyncio.get_running_loop(), Counts(), asyncio.Event()
    server = await loop.create_server(lambda: Service(settings, counts), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 1) or ended.set())
    await ended.wait()


@contextlib.contextmanager
def running(settings: Settings, *, core: int | None = None) -> Generator[str]:
    """Run a server in a process of its own, on a core of its own where there is one; give its URL."""
    options = [f"--{name}={value}" for name, value in attrs.asdict(settings).items()]
    command = [sys.executable, "-m", "benchmarks.server", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {core})
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for field in attrs.fields(Settings):
        parser.add_argument(f"--{field.name}", type=field.type, default=field.default)
    uvloop.run(serve(Settings(**vars(parser.parse_args()))))
