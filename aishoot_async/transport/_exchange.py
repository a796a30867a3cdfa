"""One request and the head of its answer over a connection of aiohttp's pool, past its ``ClientSession``.

That takes longer to look through its options than a page takes to come. What is used here instead is aiohttp's too
(connections, parser, body), but not documented: where a release has it no more, `is_possible` says so, and every
request goes through the session.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import ClientConnectionResetError
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

HEADER_BYTES: Final = 64 * 1024
"""The longest header, or status line, of an answer: gateways write policies and traces of more than aiohttp's 8 KB."""
_FIRST_FINAL_STATUS: Final = 200
_SWITCHING: Final = 101
_USED: Final = (
    (ResponseHandler, "set_response_params"),
    (ResponseHandler, "read"),
    (ResponseHandler, "start_timeout"),
    (StreamReader, "_buffer"),
)


def is_possible() -> bool:
    """Tell whether aiohttp has what is used here; attributes are seen because its classes have slots."""
    return all(hasattr(owner, name) for owner, name in _USED)


async def exchange(
    connection: Connection, request: Callable[[], bytes], *, has_body: bool, read_timeout: float | None
) -> tuple[RawResponseMessage, StreamReader]:
    """Send a whole request, and give the head of its answer, and its body as it will come.

    Args:
        connection: must be released when the body was read to its end, and closed otherwise.
        request: writes it down, from the request line to the end of its body: it holds a token, which no variable of
            this frame is to show.
        has_body: whether an answer has one: that to HEAD has none.
        read_timeout: seconds for which nothing may come.

    Raises:
        ClientError, HttpProcessingError, OSError: there is no answer, or none that can be read.
    """
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing():
        raise ClientConnectionResetError
    protocol.set_response_params(
        skip_payload=not has_body,
        read_until_eof=True,
        auto_decompress=False,
        read_timeout=read_timeout,
        max_line_size=HEADER_BYTES,
        max_field_size=HEADER_BYTES,
    )
    transport.write(request())
    protocol.start_timeout()
    while True:
        message, body = await protocol.read()
        if message.code >= _FIRST_FINAL_STATUS or message.code == _SWITCHING:
            return message, body


def take_parts(body: StreamReader) -> list[bytes]:
    """Take what there is of a body that has come whole, most often one part; nothing of one that has not.

    `StreamReader.readany` asks the connection to read on for each part, paused or not, and its parser to parse nothing.
    """
    if body.at_eof() or not body.is_eof():
        return []
    parts = [*body._buffer]  # noqa: SLF001
    body._buffer.clear()  # noqa: SLF001
    return parts
