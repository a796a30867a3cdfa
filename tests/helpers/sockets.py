"""Sockets, names and descriptors, below any HTTP."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest


def send_reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def free_port() -> int:
    """Give a port on loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def descriptors() -> int:
    """Count the process's open ones."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # also where there is no /proc


def look_up_names(monkeypatch: pytest.MonkeyPatch, before: Callable[[], Awaitable[None]]) -> None:
    """Let every name be 127.0.0.1, after awaiting what the test wants to happen in a look-up."""

    async def getaddrinfo(_: object, port: int, **__: int) -> list[tuple[object, ...]]:
        await before()
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
