"""A listing that is never asked for: its pages are read as they stand."""

from collections.abc import Callable
from typing import Any

from aishoot_async import EnvelopePaths
from aishoot_async.models import BRIEF_RESULT
from aishoot_async.paging import EndpointMemory, Listing


def unasked(decode: Callable[[bytes], Any], envelope: EnvelopePaths | None = None) -> Listing[Any]:
    nobody: Any = None
    return Listing(
        caller=nobody,
        path="/",
        query={},
        decode=decode,
        spec=BRIEF_RESULT,
        envelope=envelope,
        memory=EndpointMemory(),
    )
