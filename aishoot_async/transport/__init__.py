"""Bytes out, bytes in: the pool of connections."""

from ._http import Sending, Transport
from ._messages import Request, Response

__all__ = ["Request", "Response", "Sending", "Transport"]
