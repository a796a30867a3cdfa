"""What can be uploaded, and what comes of it. Never run: mypy and pyright read it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_type

from aishoot_async import AIShootSession, ImageResource


async def pieces() -> AsyncIterator[bytes]:
    """Give a picture in pieces."""
    yield b""


async def uploads(session: AIShootSession) -> None:
    """Upload every form of a picture."""
    assert_type(session.images, ImageResource)
    assert_type(await session.images.upload("front.jpg"), str)
    await session.images.upload(Path("front.jpg"), name="front.jpg")
    await session.images.upload(b"", identifier="0" * 64, patience=1800)
    await session.images.upload(bytearray())
    await session.images.upload(memoryview(b""))
    await session.images.upload(pieces())
    await session.images.upload(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(await session.images.exists("0" * 64), bool)
    assert_type(session.images.organization, str)
