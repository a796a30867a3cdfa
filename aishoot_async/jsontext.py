"""JSON text as it stands on the wire: read without losing a digit, a key or an item.

Everything here raises `UnexpectedResponseError` for text that is not JSON, and nothing else. Below `models` and
`codec`, because a model reads its unknown fields from its own text.
"""

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final, TypeVar, cast, final, overload

import msgspec
from msgspec import Raw

from .errors import UnexpectedResponseError

T = TypeVar("T")
Text = bytes | memoryview
"""JSON text; a view where it is a large part of a body."""
MAX_DEPTH: Final = 750
"""Lists and objects within each other. Each Python has a limit of its own, some of them for each way to read; this is
less than any, so that what was read once can be read again."""
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes({*range(256)} - {*b"[]{}"})
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_TYPE_BY_START: Final = {
    ord("{"): "an object",
    ord("["): "a list",
    ord('"'): "a string",
    ord("t"): "true",
    ord("f"): "false",
    ord("n"): "null",
}


def _number(text: str) -> float | Decimal:
    value = float(text)
    return value if math.isfinite(value) else Decimal(text)


_any: Final = msgspec.json.Decoder()
_any_number: Final = msgspec.json.Decoder(float_hook=_number)
_UNREAD: Final = object()
_object: Final = msgspec.json.Decoder(dict[str, Raw])
_list: Final = msgspec.json.Decoder(list[Raw])


def read(decode: Callable[[Any], T], body: Text, where: str = "") -> T:
    """Turn what a decoder raises into `UnexpectedResponseError`, with nothing chained to it.

    Not a context manager: what that raises has what it replaces as its ``__context__``.
    """
    try:
        return decode(body)
    except RecursionError:
        problem = "the JSON is nested too deeply"
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        # ArithmeticError: an exponent beyond what even a `Decimal` can hold. What bad UTF-8 raises depends on msgspec's
        # release.
        problem = f"this is not readable as JSON ({error})" if _is_utf8(body) else "the text is not UTF-8"
    raise UnexpectedResponseError(problem, where=where, body=bytes(body))


def check_depth(text: Text) -> None:
    """Accept JSON that is nested no deeper than `MAX_DEPTH`.

    Raises:
        UnexpectedResponseError: it is nested deeper.
    """
    if len(text) <= 2 * MAX_DEPTH:
        return
    # Most texts have too few brackets, even with all that stands around them in a body, which costs no copy to count.
    whole = text if isinstance(text, bytes) else cast("bytes", text.obj)
    if whole.count(b"{") + whole.count(b"[") <= MAX_DEPTH:
        return
    text = bytes(text)
    # Those in strings are none.
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        msg = f"the JSON is nested too deeply (this client reads {MAX_DEPTH} levels)"
        raise UnexpectedResponseError(msg, body=text)


def _is_utf8(text: Text) -> bool:
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def check_utf8(text: bytes) -> None:
    """Accept what can be read as text at all: what is not read is not looked at otherwise.

    Raises:
        UnexpectedResponseError: it cannot.
    """
    if not text.isascii():  # which is quicker to find out than to decode
        read(bytes.decode, text)


def kind(text: bytes) -> str:
    """Name the type of a JSON text by its first character, for an error's sentence."""
    start = text.lstrip()[:1]
    return _TYPE_BY_START.get(start[0], "a number") if start else "nothing"


def value(text: bytes, where: str = "") -> Any:
    """Decode to plain Python values: integers exact, numbers beyond a float's range as `decimal.Decimal`."""
    found: Any = _UNREAD
    # A number out of a float's range, or worse: to ask for each number costs too much to be done at once.
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _any.decode(text)
    if found is _UNREAD:
        found = read(_any_number.decode, text, where)
    check_depth(text)
    return found


def members(text: bytes, where: str = "") -> dict[str, bytes]:
    """Split an object into its members' own texts.

    Raises:
        UnexpectedResponseError: it is no object, no JSON, or names a member twice (one of the two would be lost).
    """
    found, twins = read(_split, text, where)
    if twins:
        msg = "a member is there twice"
        raise UnexpectedResponseError(msg, where=where, keys=twins, body=text)
    return found


def _split(text: bytes) -> tuple[dict[str, bytes], list[str]]:
    found = _object.decode(text)
    twins: list[str] = []
    if len(text) != _compact_size(found):
        # White space or escapes, then; or a member that the decoder has dropped for a later one of its name.
        compacted = msgspec.json.format(text, indent=-1)
        if len(compacted) != _compact_size(_object.decode(compacted)):
            twins = _twins(text)
    return {key: bytes(raw) for key, raw in found.items()}, twins


def _compact_size(found: dict[str, Raw]) -> int:
    """Give the length of the object's text when it holds no white space, no escaped key and no key twice."""
    inside = sum(len(key.encode()) + len(memoryview(raw)) + len('"":,') for key, raw in found.items())
    return inside + 1 if found else 2


def _twins(text: bytes) -> list[str]:
    # The outermost object comes last, so its keys are what is left.
    keys: list[str] = json.loads(text, object_pairs_hook=lambda pairs: [key for key, _ in pairs], parse_int=str)
    return sorted(key for key, times in Counter(keys).items() if times > 1)


def elements(text: Text, where: str = "") -> list[bytes]:
    """Split a list into its elements' own texts, each a copy: a slice would keep the whole page in memory."""
    return list(map(bytes, read(_list.decode, text, where)))


@final
class LazyRawList(Sequence[bytes]):  # noqa: PLW1641  # it compares as a list does, and has no hash either
    """The elements of a list that has been read as a whole: their own texts are cut when one is asked for.

    Told from other sequences by ``type(…) is LazyRawList``: to ask an abstract class for its instances is slow.

    Attributes:
        items: what the elements were read as, until somebody takes them.
    """

    __slots__ = ("__weakref__", "_count", "_cut", "_text", "items")

    def __init__(self, text: Text, count: int) -> None:
        """Keep the list's text."""
        self.items: Sequence[Any] = ()
        self._count = count
        self._text: Text | None = text
        self._cut: list[bytes] = []

    def __len__(self) -> int:
        """Count the elements."""
        return self._count

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        """Give the text of an element, or of some."""
        return self._texts()[at]

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the elements' texts."""
        return iter(self._texts())

    def __eq__(self, other: object) -> bool:
        """Compare the elements' texts."""
        return isinstance(other, Sequence) and self._texts() == [*other]

    def _texts(self) -> list[bytes]:
        text = self._text
        if text is not None:
            self._cut = elements(text)
            # Behind it: another thread may be here, too.
            self._text = None
        return self._cut


def raw_list(texts: Iterable[bytes]) -> list[Raw]:
    """Return JSON texts as what `encode` writes as they are."""
    return [*map(Raw, texts)]


def compact(text: bytes) -> bytes:
    """Take line breaks and indentation out of a JSON text; digits, escapes and the order of members stay."""
    if b"\n" in text or b"\r" in text:
        return read(_compacted, text)
    return text


def _compacted(text: bytes) -> bytes:
    return msgspec.json.format(text, indent=-1)


def encode(plain: object) -> bytes:
    """Write plain Python values as compact JSON."""
    return msgspec.json.encode(plain)
