"""Listings: pages fetched ahead, handed out in order, to an end that is known."""

from ._listing import EndpointMemory, Listing, open_whole
from ._pager import Pager
from ._plan import Plan
from ._walk import Walk

__all__ = ["EndpointMemory", "Listing", "Pager", "Plan", "Walk", "open_whole"]
