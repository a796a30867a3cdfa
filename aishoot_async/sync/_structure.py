"""Pure: rows that are a file's structure, and cells that hold what a program wrote in place of a value.

Each of them is a row or a cell in form, and would become a SKU that nobody wants.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ..models import WIRE_NAMES
from ._keys import without_invisible

_TEXTS: Final = ("key", "name", "front_image", "back_image")
_ERROR: Final = re.compile(r"#[^\W\d_][^\W_]*(/[^\W_]+)?[!?]|#N/?A|#NV|#{3,}|#GETTING_DATA|Err:\d{3}", re.IGNORECASE)
_MISSING: Final = frozenset(
    {"nan", "NaN", "NAN", "None", "null", "NULL", "Null", "<NA>", "NA", "N/A", "n/a", "NaT", r"\N", "undefined"}
)
_ROUNDED: Final = re.compile(r"[+-]?\d([.,]\d+)?[eE][+-]\d{1,3}", re.ASCII)
_FORMULA: Final = re.compile(r'=\s*(".*"|[\w.]+\(.*\))', re.DOTALL)
_TEXT_MARK: Final = re.compile(r"'[\d=+@-]", re.ASCII)
_COMMENT: Final = re.compile(r"(#|//|--|;)\s")
_RULE: Final = re.compile(r"[-=_*~.+|:\s]+")
_TOTALS: Final = frozenset(
    {"total", "totals", "grandtotal", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme", "count"}
)
_UNNAMED: Final = re.compile(r"Unnamed: \d+(_level_\d+)?", re.ASCII)
_DECORATION: Final = re.compile(r"[\s_\-#:'\"]+")


def _folded(text: str) -> str:
    return _DECORATION.sub("", without_invisible(text)).casefold()


_COLUMN_OF: Final = {
    "key": "key",
    **{_folded(wire): field for field, wire in WIRE_NAMES.items()},
}


def column_of(name: str) -> str | None:
    """Return the field that a heading means: case, blanks, ``_``, ``-`` and what shows nothing make no difference."""
    return _COLUMN_OF.get(_folded(name))


def is_blank(cell: object) -> bool:
    """Tell whether a cell, or a heading, shows nothing."""
    return cell is None or (isinstance(cell, str) and not without_invisible(cell).strip())


def is_unnamed(name: str) -> bool:
    """Tell whether a heading is none: it is blank, or what pandas writes for a blank one."""
    return is_blank(name) or _UNNAMED.fullmatch(name.strip()) is not None


def heading_problem(name: str) -> str | None:
    """Return what is wrong with a heading that is an error of a spreadsheet; ``None`` for any other."""
    if not _ERROR.fullmatch(name.strip()):
        return None
    return f"{name.strip()!r} is the error of a spreadsheet, and no heading; write the column's name there"


def _named(stated: Mapping[str, Any]) -> Mapping[str, str | None]:
    """Return the column that each cell names, if it names one."""
    return {field: column_of(cell) if isinstance(cell, str) else None for field, cell in stated.items()}


def is_heading(stated: Mapping[str, Any]) -> bool:
    """Tell whether a row repeats the heading: each of its cells names its own column."""
    named = _named(stated)
    return len(named) > 1 and all(field == column for field, column in named.items())


def row_problem(stated: Mapping[str, Any]) -> str | None:
    """Return why a row is no item; ``None`` if it may be one."""
    named = _named(stated)
    if len(named) > 1 and all(named.values()):
        return "this is a heading, of other columns than the file's: are these two files in one? Name each by itself"
    texts = [cell for cell in stated.values() if isinstance(cell, str)]
    if texts and all(map(_RULE.fullmatch, texts)):
        return "this is a ruled line, and no item; leave it out"
    if texts and all(_ERROR.fullmatch(text.strip()) for text in texts):
        return f"this row holds nothing but errors of a spreadsheet, such as {texts[0].strip()!r}; mend it"
    key, name = stated.get("key"), stated.get("name")
    if isinstance(key, str) and _COMMENT.match(key):
        return f"this is a comment, and no item: {key!r}; leave it out"
    if isinstance(key, str) and isinstance(name, str) and _folded(key) in _TOTALS and not any(map(str.isalpha, name)):
        return f"this is a total, and no item: {key!r}; leave it out"
    return None


def cell_problem(field: str, cell: Any) -> str | None:
    """Return what a cell holds in place of a value; ``None`` if it may be a value."""
    if field not in _TEXTS or not isinstance(cell, str):
        return None
    text = cell.strip()
    if _ERROR.fullmatch(text):
        return f"{field} is the error of a spreadsheet, {text!r}, and no value"
    if text in _MISSING:
        return f"{field} is {text!r}, which is how a program writes that there is no value"
    if _FORMULA.fullmatch(text) or (field == "key" and text[:1] == "=" and len(text) > 1):
        return f"{field} is the formula of a spreadsheet, {text!r}; save the value that it gives"
    if "\0" in text and field != "key":
        return f"{field} holds a NUL: {text!r}"
    return _key_problem(text) if field == "key" else None


def _key_problem(text: str) -> str | None:
    if _ROUNDED.fullmatch(text):
        return f"key is {text!r}: a spreadsheet has rounded a number, and its digits are lost. Save that column as text"
    if _TEXT_MARK.match(text):
        return f"key is {text!r}: a spreadsheet's mark of text stands before it. Save it without the apostrophe"
    return None
