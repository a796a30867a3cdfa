"""Bytes out, bytes in: the pool of connections."""

from ._body import can_decode, unreadable_coding
from ._http import Sending, Transport
from ._messages import JSON, Request, Response
from ._stream import STEP, Opened, Stream

__all__ = [
    "JSON",
    "STEP",
    "Opened",
    "Request",
    "Response",
    "Sending",
    "Stream",
    "Transport",
    "can_decode",
    "unreadable_coding",
]
