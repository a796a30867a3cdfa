"""Sends requests and reads responses: the only client code that uses aiohttp."""

from ._body import can_decode, unreadable_coding
from ._file_body import CHUNK_SIZE, FileBody, ThreadedFile
from ._http import Transport
from ._messages import JSON, Request, Response, SendState

__all__ = [
    "CHUNK_SIZE",
    "JSON",
    "FileBody",
    "Request",
    "Response",
    "SendState",
    "ThreadedFile",
    "Transport",
    "can_decode",
    "unreadable_coding",
]
