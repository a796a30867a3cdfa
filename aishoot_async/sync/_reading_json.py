"""A catalog as JSON Lines: an object a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .. import jsontext
from ..errors import UnexpectedResponseError
from ._rows import Complain, Heading, Stated, fields_of

_BOM: Final = b"\xef\xbb\xbf"


def json_rows(path: Path, complain: Complain) -> Iterator[Stated]:
    """Give each row's line and what it states; ``null`` states that there is nothing, and what is left out does not.

    Args:
        path: the file; UTF-8. Blank lines are passed over.
        complain: told of each problem.
    """
    empty = True
    told: set[str] = set()
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            row = text.removeprefix(_BOM)
            if row.strip():
                empty = False
                stated = _stated(row, line, complain, told)
                if stated is not None:
                    yield line, stated
    if empty:
        complain(None, None, "it is empty")


def _stated(row: bytes, line: int, complain: Complain, told: set[str]) -> dict[str, Any] | None:
    try:
        members = jsontext.members(row)
        values = {name: jsontext.value(text) for name, text in members.items()}
    except UnexpectedResponseError as error:
        complain(line, error.keys[0] if error.keys else None, str(error))
        return None
    fields = fields_of(members, line, complain, told)
    if fields is None:
        return None
    stated = Heading(fields, line, "line", complain).pair(line, values.values())
    if type(stated.get("key")) is int:
        stated["key"] = list(members.values())[fields.index("key")].decode().strip()  # digit for digit
    return stated
