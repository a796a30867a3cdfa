"""Pure: the form that a page comes in. It is not documented, so every plausible one is read, and no other guessed at.

a bare array                                     [...]
the platform's                                   {"entries": [...], "total": N}
Spring's                                         {"content": [...], "totalElements": N, "last": ..., "number": ...}
Spring's newer                                   {"content": [...], "page": {"totalElements": N, "number": ...}}
Spring's hypermedia (no list when it is empty)   {"_embedded": {"skus": [...]}, "page": {...}}
an object with exactly one list                  {"rows": [...], "total": N}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from .. import jsontext
from ..errors import UnexpectedResponseError
from ..models import EnvelopePaths

_LISTS: Final = ("entries", "content")
_TOTALS: Final = ("total", "totalElements", "totalCount")
_BEFORE_ENTRIES: Final = b'{"entries":['
_BEHIND_ENTRIES: Final = b'],"total":'
_DIGITS_AT_MOST: Final = 18
_TAIL: Final = 32
"""More than the longest such end takes."""
_PAGE_MEMBERS: Final = ("number", "size", *_TOTALS)
Split = Callable[[jsontext.Text, str], Sequence[bytes]]


@attrs.define(kw_only=True, eq=False, repr=False)
class Envelope:
    """A page taken out of its envelope.

    Attributes:
        items: each item's own JSON.
        where: where the items stand in the body, for errors.
        total: how many items the whole listing has, as the service says.
        last: whether this is the last page, as the service says.
        number: the page's number, as the service says; often counted from 0, whatever is asked with.
    """

    items: Sequence[bytes]
    where: str
    total: int | None = None
    last: bool | None = None
    number: int | None = None


def open_envelope(body: bytes, paths: EnvelopePaths | None = None, split: Split = jsontext.elements) -> Envelope:
    """Take a page out of its envelope: out of the form that is named, or out of one that is recognised.

    Args:
        body: all of it.
        paths: the form that is named.
        split: splits the list of items, whose place in the body it is told for errors.

    Raises:
        UnexpectedResponseError: it is no JSON, or of no such form; the keys that are there are named.
    """
    jsontext.check_utf8(body)
    if paths is not None:
        return _named(body, paths, split)
    usual = _usual(body, split)
    if usual is not None:
        return usual
    match jsontext.kind(body):
        case "a list":
            return Envelope(items=split(body, ""), where="")
        case "an object":
            return _recognised(body, split)
        case other:
            msg = f"a page of items is expected here, not {other}"
            raise UnexpectedResponseError(msg, body=body)


def _usual(body: bytes, split: Split) -> Envelope | None:
    """Open the platform's own form, written without white space, in one look at the items; other forms take two."""
    end = body.rfind(_BEHIND_ENTRIES, -_TAIL) + 1
    total = body[end + len(_BEHIND_ENTRIES) - 1 : -1]
    if not end or not body.startswith(_BEFORE_ENTRIES) or not body.endswith(b"}"):
        return None
    if not total.isdigit() or len(total) > _DIGITS_AT_MOST or (total.startswith(b"0") and total != b"0"):
        return None
    try:
        items = split(memoryview(body)[len(_BEFORE_ENTRIES) - 1 : end], "entries")
    except UnexpectedResponseError:
        # What is wrong is said of the whole body; or a list behind the entries was taken for a part of them.
        return None
    return Envelope(items=items, where="entries", total=int(total))


def _recognised(body: bytes, split: Split) -> Envelope:
    top = jsontext.members(body)
    page = jsontext.members(top["page"]) if jsontext.kind(top.get("page", b"")) == "an object" else {}
    found = _find_list(body, top, page)
    where, text = found or ("", b"[]")
    total = _total(top, body)
    return Envelope(
        where=where,
        total=_total(page, body, "page.") if total is None else total,
        last=_flag(top.get("last")),
        number=_count(top.get("number", page.get("number"))),
        items=split(text, where),  # at the end: what is read there refers to itself until it is taken
    )


def _find_list(body: bytes, top: Mapping[str, bytes], page: Mapping[str, bytes]) -> tuple[str, bytes] | None:
    for name in _LISTS:
        if jsontext.kind(top.get(name, b"")) == "a list":
            return name, top[name]
    holder, prefix = top, ""
    if jsontext.kind(top.get("_embedded", b"")) == "an object":
        holder, prefix = jsontext.members(top["_embedded"], "_embedded"), "_embedded."
    lists = [name for name, text in holder.items() if jsontext.kind(text) == "a list"]
    if len(lists) == 1:
        return prefix + lists[0], holder[lists[0]]
    if not lists and any(name in page for name in _PAGE_MEMBERS):
        return None  # Spring's hypermedia form leaves ``_embedded`` out of an empty page
    found = f"{len(lists)} lists" if lists else "no list"
    msg = f"there is {found} in this page, so its items cannot be told; name them with EnvelopePaths"
    raise UnexpectedResponseError(msg, keys=[prefix + name for name in holder], body=body)


def _named(body: bytes, paths: EnvelopePaths, split: Split) -> Envelope:
    items = _follow(body, paths.items)
    total = None if paths.total is None else _follow(body, paths.total)
    last = None if paths.last is None else _follow(body, paths.last)
    if jsontext.kind(items) != "a list":
        msg = f"a list is expected here, not {jsontext.kind(items)}"
        raise UnexpectedResponseError(msg, where=paths.items, body=body)
    return Envelope(
        where=paths.items,
        total=None if total is None else _total({"total": total}, body),
        last=_flag(last),
        items=split(items, paths.items),  # at the end, as above
    )


def _follow(body: bytes, path: str) -> bytes:
    text, walked = body, ""
    for name in path.split("."):
        members = jsontext.members(text, walked) if jsontext.kind(text) == "an object" else {}
        if name not in members:
            msg = f"there is no {name!r} here, as EnvelopePaths would have it"
            raise UnexpectedResponseError(msg, where=walked, keys=list(members), body=body)
        text, walked = members[name], f"{walked}.{name}".lstrip(".")
    return text


def _total(members: Mapping[str, bytes], body: bytes, prefix: str = "") -> int | None:
    """Read the total: a number, or its digits in a string; null and negative ones say that there is none."""
    for name in _TOTALS:
        if name not in members:
            continue
        said: Any = jsontext.value(members[name])
        if isinstance(said, str) and said.isascii() and said.isdigit():
            said = int(said[:18])
        if isinstance(said, float) and said.is_integer():
            said = int(said)
        if said is None or (isinstance(said, int) and not isinstance(said, bool)):
            return None if said is None or said < 0 else said
        msg = f"a total is expected here, not {members[name][:50].decode(errors='replace')}"
        raise UnexpectedResponseError(msg, where=prefix + name, body=body)
    return None


def _count(text: bytes | None) -> int | None:
    said = None if text is None else jsontext.value(text)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _flag(text: bytes | None) -> bool | None:
    return {b"true": True, b"false": False}.get(text or b"")
