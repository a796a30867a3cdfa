"""Bytes out, bytes in: the pool of connections."""

from ._http import Sending, Transport
from ._messages import Request, Response
from ._stream import STEP, Opened, Stream

__all__ = ["STEP", "Opened", "Request", "Response", "Sending", "Stream", "Transport"]
