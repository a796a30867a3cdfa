"""Pure: JSON Lines from items' own JSON. Nothing is added, and nothing is changed but line breaks and indentation."""

from collections.abc import Sequence

from .. import jsontext


def lines(items: Sequence[bytes]) -> bytes:
    """Write each item on a line of its own."""
    if not items:
        return b""
    joined = b"\n".join(items)
    # Looked at once for all: an item of a compact answer holds no line break, and inside a string none can stand.
    if joined.count(b"\n") == len(items) - 1 and b"\r" not in joined:
        return joined + b"\n"
    return b"\n".join(jsontext.compact(item) for item in items) + b"\n"
