"""What a reader says of a text that it cannot read."""

from collections.abc import Callable
from typing import Any

from aishoot_async import UnexpectedResponseError


def refusal(read: Callable[[bytes], Any], text: bytes) -> UnexpectedResponseError | None:
    """Give the error that reading raises, or None; any other kind of error is raised."""
    try:
        read(text)
    except UnexpectedResponseError as error:
        return error
    return None
