"""Pure: what an empty page says, where its encoder has left the list out, or has written null for it.

An object without a list is an empty page only if it says something that pages say: a total, its own number or size,
whether it is the last, links to other pages, or a null in place of the list. It must tell of no error, and hold nothing
unknown: rows under an unknown name would be lost in silence. A string or a number of an unknown name is harmless beside
a total, as that says how many rows there are. What a total means for an empty page is for `Ending` to judge.
"""

from collections.abc import Mapping
from typing import Final

from .. import jsontext


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HOLDERS: Final = ("meta", "_meta", "metadata", "pagination", "paging", "page_info", "pageInfo")
"""Objects beside the list that may hold the total."""
_USUAL_LISTS: Final = frozenset({"entries", "content", "items", "records", "results", "rows", "skus"})
_SAYING: Final = _words(
    "total totalelements totalcount totalitems totalpages page pages pagecount pagenumber pagesize perpage currentpage "
    "number size numberofelements count empty last hasnext hasmore nextpage nexttoken nextpagetoken nextcursor "
    "pageable"
)
"""What pages alone say of themselves, without capitals and underscores; as a number, a flag, an object or null."""
_HARMLESS: Final = _words(
    "limit offset first next prev previous self sort links meta metadata pagination paging pageinfo cursor hasprevious "
    "prevpage previouspage embedded"
)
"""What others say, too."""
_PAGE_LINKS: Final = frozenset({"self", "first", "prev", "previous", "next", "last", "profile", "search"})
_ROWS_HERE: Final = frozenset({"count", "numberofelements"})
_ERRORS: Final = _words(
    "error errors errorcode errormessage exception fault message messages msg detail details title reason"
)
_STATUSES: Final = frozenset({"status", "statuscode", "code"})
_SUCCESSES: Final = frozenset({b"null", b"0", b"200", b"204", b'"200"', b'""', b'"ok"', b'"success"', b"true"})
_NOTHING: Final = frozenset({b"null", b"{}", b"[]", b'""', b"false"})


def is_nothing(text: bytes) -> bool:
    """Tell whether a member says no more than one that was left out."""
    return b"".join(text[:20].split()) in _NOTHING


def is_no_list(text: bytes) -> bool:
    """Tell whether this stands for an empty list: null, or ``{}``, as languages write it that know no difference."""
    return is_nothing(text) and text.lstrip()[:1] in {b"n", b"{"}


def tells_failure(members: Mapping[str, bytes]) -> bool:
    """Tell whether an object tells of an error."""
    for name, text in members.items():
        word = _word(name)
        if word in _ERRORS and not is_nothing(text):
            return True
        if word in _STATUSES and text.strip().lower() not in _SUCCESSES:
            return True
        if word in {"success", "ok"} and text.strip() != b"true":
            return True
    return False


def is_empty_page(top: Mapping[str, bytes], total: int | None) -> bool:
    """Tell whether an object in which no list was found is an empty page.

    Args:
        top: its members.
        total: the total that it gives.

    Raises:
        UnexpectedResponseError: an object in it names a member twice.
    """
    inside = {name: jsontext.members(top[name], name) for name in ("page", *HOLDERS) if _is_object(top.get(name, b""))}
    if tells_failure(top) or any(map(tells_failure, inside.values())):
        return False
    says = total is not None or any(name in top and is_no_list(top[name]) for name in _USUAL_LISTS)
    for name, text in top.items():
        if name in inside:
            says = says or not _SAYING.isdisjoint(map(_word, inside[name]))
        elif not is_nothing(text) and not _is_harmless(name, text, has_total=total is not None):
            return False
        else:
            says = says or _says(name, text)
    return says


def _is_harmless(name: str, text: bytes, *, has_total: bool) -> bool:
    """Tell whether a member that holds something can hold no row of the page, and does not say that there is one."""
    word = _word(name)
    if word == "embedded":
        return _is_object(text) and all(map(is_nothing, jsontext.members(text, name).values()))
    if word == "links" and _is_object(text):
        return _PAGE_LINKS.issuperset(jsontext.members(text, name))  # others are of a resource, or of a service's root
    if word in _ROWS_HERE or (word.startswith("total") and not has_total):
        return text.strip() == b"0"
    if word == "page" and _is_object(text):
        return False
    is_known = word in _SAYING or word in _HARMLESS
    return is_known or (has_total and jsontext.kind(text) not in {"an object", "a list"})


def _says(name: str, text: bytes) -> bool:
    word = _word(name)
    if word == "links":
        return _is_object(text) and not is_nothing(text)
    return word in _SAYING and jsontext.kind(text) not in {"a string", "a list"}


def _is_object(text: bytes) -> bool:
    return jsontext.kind(text) == "an object"


def _word(name: str) -> str:
    return name.lower().replace("_", "")
