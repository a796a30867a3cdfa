"""A catalog file: read whole, checked whole, or refused with everything that is wrong with it."""

import os
from pathlib import Path

from ..errors import CatalogError
from ._catalog import CatalogItem
from ._keys import key_identity, twin_problem
from ._readers import format_of
from ._rows import RowReader


def read_catalog(path: str | os.PathLike[str]) -> list[CatalogItem]:
    """Read a catalog from a file, and check all of it.

    Its columns are ``key``, ``name``, ``frontImage`` and, if wanted, ``backImage``, ``gender``, ``isInWardrobe``,
    ``projectIds``, ``skuCategoryName``, or the same in snake_case, with other capitals or with blanks. A column without
    a name, and a row, that hold nothing are passed over. An image is an identifier, or the path of a picture
    (with a slash or a picture's suffix), from the file's own folder on; paths come back absolute.

    Keys are stripped, and no two may look the same. The heading may come again, as it does where files were put one
    behind the other. What a spreadsheet or a program writes in place of a value is refused: ``#N/A``, ``nan``,
    ``4.00E+12``, ``="00123"``, a total.

    - CSV (``.csv``, ``.tsv``): UTF-8, cut by comma, semicolon, tab or bar; a first line ``sep=;`` says by what. An
      empty cell is not stated. Lists are written ``1;2`` or ``[1, 2]``, booleans true/false, yes/no, 1/0.
    - JSON Lines (``.jsonl``, ``.ndjson``): an object a line; ``null`` is stated, what is left out is not.
    - Parquet (``.parquet``): null and empty text are not stated. It needs the extra ``[data]``.

    Args:
        path: the file; what its name ends in says its format.

    Returns:
        The items, in the file's order; ``line`` is where each begins (the row's number in Parquet).

    Raises:
        CatalogError: the file cannot be read, is empty or cut off, or rows cannot be right: all of them are named.
        ConfigurationError: Parquet, and pyarrow is not installed.
    """
    place = Path(path)
    form = format_of(place)
    problems: list[CatalogError] = []

    def report(line: int | None, field: str | None, problem: str, key: str | None = None) -> None:
        where = str(place) if line is None else f"{form.unit} {line}"
        problems.append(CatalogError(f"{where}: {problem}", line=line, field=field, key=key))

    items: dict[str, CatalogItem] = {}
    reader = RowReader(place.parent.absolute(), report)
    try:
        place.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        msg = f"{place}: it cannot be read: {getattr(error, 'strerror', None) or error}"
        raise CatalogError(msg) from error
    unreadable: OSError | None = None
    try:
        for line, stated in form.read(place, report):
            item = reader.item(line, stated)
            if item is not None and (first := items.setdefault(key_identity(item.key), item)) is not item:
                problem = twin_problem(item.key, first.key, f" in {form.unit} {first.line}")
                report(line, "key", problem, item.key)
    except OSError as error:
        unreadable = error
        report(None, None, f"it cannot be read: {error.strerror or error}")
    if problems:
        raise CatalogError.of(problems) from unreadable
    return list(items.values())
