"""Bytes out, bytes in: the pool of connections."""

from ._http import Sending, Transport
from ._messages import JSON, Request, Response
from ._stream import STEP, Opened, Stream

__all__ = ["JSON", "STEP", "Opened", "Request", "Response", "Sending", "Stream", "Transport"]
