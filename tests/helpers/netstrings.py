"""A format of exports, added as a stranger would: a class, and a row in the table.

As a program, it is ``aishoot`` with that format.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import attrs

from aishoot_async.export.formats import FORMATS, Encoder, Format


class NetstringEncoder:
    def begin(self) -> bytes:
        return b""

    def block(self, pages: Sequence[Any]) -> Iterator[bytes]:
        for page in pages:
            yield b"".join(b"%d:%s," % (len(item), item) for item in page.raw)

    def end(self, *, empty: bool) -> bytes:
        return b""


@attrs.frozen(kw_only=True)
class Netstrings(Format):
    """Each item as ``12:{"id":"a"},``."""

    name: ClassVar[str] = "netstrings"
    splittable: ClassVar[bool] = True

    def encoder(self, brief_id: int | None) -> Encoder:
        return NetstringEncoder()


if __name__ == "__main__":
    FORMATS[Netstrings.name] = Netstrings
    from aishoot_async.cli import main

    main()
