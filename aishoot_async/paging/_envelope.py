"""Pure: the form that a page comes in. It is not documented, so every plausible one is read, and no other guessed at.

a bare array                                     [...]
the platform's                                   {"entries": [...], "total": N}
Spring's                                         {"content": [...], "totalElements": N, "last": ..., "number": ...}
Spring's newer                                   {"content": [...], "page": {"totalElements": N, "number": ...}}
Spring's hypermedia (no list when it is empty)   {"_embedded": {"skus": [...]}, "page": {...}}
an object with exactly one list                  {"rows": [...], "total": N}

The total may also stand in one object beside the list (``meta``, ``pagination``, …), or in ``X-Total-Count``.

An empty page may come without its list: without a body (204, or 200 of length 0), as null, or as an object that says
what pages say, and has null for a list or none (see `_empty`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from .. import jsontext
from ..errors import UnexpectedResponseError
from ..models import EnvelopePaths
from ..transport import Response
from ._empty import HOLDERS, is_empty_page, is_no_list, is_nothing, tells_failure

_LISTS: Final = ("entries", "content")
_TOTALS: Final = ("total", "totalElements", "totalCount")
_BEFORE_ENTRIES: Final = b'{"entries":['
_BEHIND_ENTRIES: Final = b'],"total":'
_DIGITS_AT_MOST: Final = 18
_TAIL: Final = 32
"""More than the longest such end takes."""
_MORE_TOTALS: Final = (*_TOTALS, "total_elements", "total_count", "totalItems", "total_items")
_TOTAL_HEADER: Final = "X-Total-Count"
_ERRORS: Final = frozenset({"error", "errors"})
_NO_ITEMS: Final = _ERRORS | {"links", "sort"}
"""Lists of these names hold something else than a page's items."""
_OK: Final = 200
_NO_CONTENT: Final = 204
_EMPTY: Final = b"[]"
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


def open_response(response: Response, paths: EnvelopePaths | None = None, split: Split = jsontext.elements) -> Envelope:
    """Take a page out of a 2xx answer: one without a body is empty, and a header may give the total.

    Raises:
        UnexpectedResponseError: as `open_envelope` does; also where a body may have been lost on its way.
    """
    body = response.body
    if (not body or body.isspace()) and _is_empty_on_purpose(response):
        body = _EMPTY
        paths = None
    envelope = open_envelope(body, paths, split)
    if envelope.total is None:
        envelope.total = _header_total(response.headers)
    return envelope


def _is_empty_on_purpose(response: Response) -> bool:
    """Tell whether the answer says that it has no body; one that ends with its connection may have been cut off."""
    if response.status == _NO_CONTENT:
        return True
    return response.status == _OK and ("Content-Length" in response.headers or "Transfer-Encoding" in response.headers)


def _header_total(headers: Mapping[str, str]) -> int | None:
    """Read the total from a header; what is no number there is no total."""
    text = headers.get(_TOTAL_HEADER, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_AT_MOST else None


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
    if body.strip(b" \t\r\n") == b"null":
        return Envelope(items=split(_EMPTY, ""), where="")
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
    total = _total(top, body)
    if total is None:
        total = _total(page, body, "page.")
    if total is None:
        total = _total_beside(top)
    where, text = _find_list(body, top, total)
    return Envelope(
        where=where,
        total=total,
        last=_flag(top.get("last")),
        number=_count(top.get("number", page.get("number"))),
        items=split(text, where),  # at the end: what is read there refers to itself until it is taken
    )


def _find_list(body: bytes, top: Mapping[str, bytes], total: int | None) -> tuple[str, bytes]:
    for name in _LISTS:
        if jsontext.kind(top.get(name, b"")) == "a list":
            return name, top[name]
    holder, prefix = top, ""
    if jsontext.kind(top.get("_embedded", b"")) == "an object":
        holder, prefix = jsontext.members(top["_embedded"], "_embedded"), "_embedded."
    found = {name: text for name, text in holder.items() if jsontext.kind(text) == "a list"}
    # An empty list of errors is none; one that tells of some makes the other list a part of a page at most.
    lists = [
        name for name, text in found.items() if name not in _NO_ITEMS or (name in _ERRORS and not is_nothing(text))
    ]
    if len(lists) == 1 and lists[0] not in _ERRORS:
        return prefix + lists[0], holder[lists[0]]
    if not lists and is_empty_page(top, total):
        return "", _EMPTY
    count = f"{len(lists)} lists" if len(lists) > 1 else "no list"
    msg = f"there is {count} in this page, so its items cannot be told; name them with EnvelopePaths"
    raise UnexpectedResponseError(msg, keys=[prefix + name for name in holder], body=body)


def _named(body: bytes, paths: EnvelopePaths, split: Split) -> Envelope:
    items = _find(body, paths.items)
    is_missing = items is None or is_no_list(items)
    if is_missing and _is_named_empty(body, paths):
        items = _EMPTY
    elif items is None:
        items = _follow(body, paths.items)
    follow = _find if is_missing else _follow  # what is left out of an empty page
    total = None if paths.total is None else follow(body, paths.total)
    last = None if paths.last is None else follow(body, paths.last)
    if jsontext.kind(items) != "a list":
        msg = f"a list is expected here, not {jsontext.kind(items)}"
        raise UnexpectedResponseError(msg, where=paths.items, body=body)
    return Envelope(
        where=paths.items,
        total=None if total is None else _total({"total": total}, body),
        last=_flag(last),
        items=split(items, paths.items),  # at the end, as above
    )


def _is_named_empty(body: bytes, paths: EnvelopePaths) -> bool:
    """Tell whether a page without the list that is named is empty: it must say null there, or what empty pages say."""
    top = jsontext.members(body) if jsontext.kind(body) == "an object" else {}
    if tells_failure(top) or _find(body, paths.items) is not None:
        return not tells_failure(top)
    told = None if paths.total is None else _find(body, paths.total)
    total = None if told is None else _total({"total": told}, body)
    around = _find(body, paths.items.rpartition(".")[0]) or b""
    is_object = jsontext.kind(around) == "an object"
    return is_empty_page(top, total) or (is_object and is_empty_page(jsontext.members(around), total))


def _find(body: bytes, path: str) -> bytes | None:
    try:
        return _follow(body, path)
    except UnexpectedResponseError:
        return None


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


def _total_beside(top: Mapping[str, bytes]) -> int | None:
    """Read the total from an object beside the list, or under a name that is not the platform's.

    What is no number is none, and so are several that differ: nobody can know which of them counts the items.
    """
    holders = [
        top,
        *(jsontext.members(top[name], name) for name in HOLDERS if jsontext.kind(top.get(name, b"")) == "an object"),
    ]
    texts = {holder[name].strip() for holder in holders for name in _MORE_TOTALS if name in holder}
    said = {int(text) for text in texts if text.isdigit() and len(text) <= _DIGITS_AT_MOST}
    return said.pop() if len(said) == 1 else None


def _count(text: bytes | None) -> int | None:
    said = None if text is None else jsontext.value(text)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _flag(text: bytes | None) -> bool | None:
    return {b"true": True, b"false": False}.get(text or b"")
