"""Between the wire and the models: one fixed Struct a model for what comes.

What goes, and the caller's own types, is `structuring`'s. Together with `jsontext` the only code that knows msgspec.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from inspect import isasyncgenfunction, iscoroutinefunction
from operator import itemgetter
from typing import Any, Final, TypedDict, TypeVar, cast, get_origin

import msgspec

from . import jsontext
from .errors import ConfigurationError, UnexpectedResponseError
from .models import CATEGORIES, GENDERS, Asked, BriefResult, Heard, Reading, Sku, SkuCreate, SkuUpdate, draft
from .volatile import rows_without_volatile

T = TypeVar("T")


class _SkuWire(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    sku_id: int | str | None = None
    name: str | None = None
    front_image: str | None = None
    back_image: str | None = None
    gender: str | None = None
    is_in_wardrobe: bool | None = None
    project_ids: tuple[int, ...] | None = None
    sku_category_name: str | None = None


class _ResultWire(msgspec.Struct):
    id: int | str | None = None


class _SkuId(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    sku_id: int | str | None = None


_sku_wire: Final = msgspec.json.Decoder(_SkuWire)
_sku_wires: Final = msgspec.json.Decoder(list[_SkuWire])
_whole_results: Final = msgspec.json.Decoder(list[dict[str, Any]])
_sku_id: Final = msgspec.json.Decoder(_SkuId)
_result_wire: Final = msgspec.json.Decoder(_ResultWire)


_SkuDraft: Final = draft(Sku)
_ResultDraft: Final = draft(BriefResult)


def sku(text: bytes) -> Sku:
    """Read a SKU. Only its id is needed; what is unknown, null or of another type than documented survives in ``raw``.

    Raises:
        UnexpectedResponseError: it is no object, or has no usable id.
    """
    [made] = _skus_of([jsontext.read(_sku_fields, text)], text)
    jsontext.check_depth(text)
    if not made.id:
        msg = "a SKU needs an id: a string or an integer"
        raise UnexpectedResponseError(msg, where="id", keys=list(jsontext.members(text)), body=text)
    return made


def _skus_of(wires: Sequence[_SkuWire], text: bytes | jsontext.Rows) -> list[Sku]:
    """Make SKUs of what was read; those without a usable id have an empty one."""
    made: list[Sku] = []
    # One loop, and no function for each: that would take as long again.
    for at, wire in enumerate(wires):
        identifier = wire.sku_id if wire.id is None else wire.id
        filled = _SkuDraft()
        filled.id = "" if identifier is None else str(identifier)
        filled.name = wire.name
        filled.front_image = wire.front_image
        filled.back_image = wire.back_image
        filled.gender = GENDERS[wire.gender]
        filled.is_in_wardrobe = wire.is_in_wardrobe
        filled.project_ids = wire.project_ids
        filled.sku_category_name = CATEGORIES[wire.sku_category_name]
        filled.raw = text
        filled._at = at  # noqa: SLF001  # a model's way to its row
        filled.__class__ = Sku
        made.append(filled)
    return made


def brief_result(text: bytes) -> BriefResult:
    """Read a result. Nothing is needed but that it is an object.

    Raises:
        UnexpectedResponseError: it is none.
    """
    identifier = _id_of(jsontext.read(_result_fields, text))
    jsontext.check_depth(text)
    return BriefResult(id=identifier, raw=text)


def row_id(text: bytes) -> str | None:
    """Give the id of any row, or ``None`` where it has none."""
    try:
        return _id_of(_result_wire.decode(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _id_of(found: _ResultWire) -> str | None:
    return None if found.id is None else str(found.id)


def sku_row_id(text: bytes) -> str | None:
    """Give the id of a SKU's row, which may be called ``skuId``, or ``None`` where it has none."""
    try:
        return _sku_id_of(_sku_id.decode(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _sku_id_of(found: _SkuId) -> str | None:
    identifier = found.id if found.id is not None else found.sku_id
    return None if identifier is None else str(identifier)


def ids(
    made: Sequence[object], texts: Sequence[bytes], identify: Callable[[bytes], str | None]
) -> Sequence[str | None]:
    """Give the ids of a page's rows, as ``identify`` does of each; ``made`` is what has been made of them."""
    if type(texts) is jsontext.Rows or (made is not texts and {*map(type, made)} <= _IDENTIFIED):
        own = [item.id for item in cast("Sequence[Sku | BriefResult]", made)]
        if identify is row_id or None not in own:
            return own
    found: Sequence[str | None] | None = _leading_ids(texts)
    if found is None:
        decode, id_of = _ID_WIRES[identify]
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = list(map(id_of, map(decode, texts)))
    return [identify(text) for text in texts] if found is None else found


def telling_ids(ids: Sequence[str | None], texts: Sequence[bytes]) -> Sequence[str | None]:
    """Give the ids of a page's rows, or ``None`` for each where they do not tell the rows apart.

    An empty id is none. Where rows that differ have one id, and most rows of the page share theirs, the member is no
    identity: it may be a placeholder, or the id of something else. A row that is there twice, all of it, and a few ids
    that come twice among many, are no such case: loops and duplicates are told by the ids then.
    """
    named = [key or None for key in ids]
    times = Counter(named)
    alone = sum(times[key] == 1 for key in times if key is not None)
    rows = {(key, text) for key, text in zip(named, rows_without_volatile(texts), strict=True) if key is not None}
    are_shared = len({key for key, _ in rows}) < len(rows) and 2 * alone < len(named)
    return [None] * len(named) if are_shared else named


_IDENTIFIED: Final[frozenset[type]] = frozenset({Sku, BriefResult})
_ID_WIRES: Final[Mapping[Callable[[bytes], str | None], tuple[Callable[[bytes], Any], Callable[[Any], str | None]]]] = {
    row_id: (_result_wire.decode, _id_of),
    sku_row_id: (_sku_id.decode, _sku_id_of),
}
_BEFORE_ID: Final = '{"id":"'


def _leading_ids(texts: Sequence[bytes]) -> Sequence[str] | None:
    """Cut the ids out of rows that all begin with them, in a fourth of the time; or give ``None``."""
    try:
        end = texts[0].index(b'"', len(_BEFORE_ID)) + 1
        alike = _between([*map(itemgetter(slice(end)), texts)])  # most services' ids are of one length
        if alike is not None:
            return alike
        return _between([text[: text.index(b'"', len(_BEFORE_ID)) + 1] for text in texts])
    except (ValueError, IndexError):
        return None


def _between(heads: Sequence[bytes]) -> Sequence[str] | None:
    """Take out what stands between ``{"id":"`` and the next quotation mark, if each of the heads is just that."""
    joined = b"".join(heads).decode()
    found = joined[len(_BEFORE_ID) : -1].split(f'"{_BEFORE_ID}')
    # With four marks for each, none is left for anything else; and no row has them so but at its beginning.
    are_all = len(found) == len(heads) and joined.count('"') == 4 * len(heads) and "\\" not in joined
    return found if are_all and joined.startswith(_BEFORE_ID) and joined.endswith('"') else None


W = TypeVar("W", bound=msgspec.Struct)


def _sku_fields(text: bytes) -> _SkuWire:
    return _fields(text, _SkuWire, _sku_wire)


def _result_fields(text: bytes) -> _ResultWire:
    return _fields(text, _ResultWire, _result_wire)


def _fields(text: bytes, struct: type[W], decoder: "msgspec.json.Decoder[W]") -> W:
    with contextlib.suppress(msgspec.ValidationError):
        return decoder.decode(text)
    return _field_by_field(text, struct)


def _field_by_field(text: bytes, struct: type[W]) -> W:
    """Read what a Struct refuses as a whole: each member that has its documented type, and no other."""
    if jsontext.kind(text) != "an object":
        msg = f"an object is expected here, not {jsontext.kind(text)}"
        raise UnexpectedResponseError(msg, body=text)
    readable: dict[str, Any] = {}
    members = jsontext.members(text)
    for field in msgspec.structs.fields(struct):
        if field.encode_name in members:
            try:
                readable[field.name] = msgspec.json.decode(members[field.encode_name], type=field.type)
            except msgspec.ValidationError:
                continue
    return struct(**readable)


def encode_body(body: SkuCreate | SkuUpdate) -> bytes:
    """Write a request body: camelCase, without the fields that were left out."""
    return jsontext.encode(_plain_body()(body))


@cache
def _plain_body() -> Callable[[SkuCreate | SkuUpdate], dict[str, Any]]:
    # cattrs is slow to import, and who only reads needs none of it. To import anew takes as long as to write the body.
    from .structuring import plain_body  # noqa: PLC0415

    return plain_body


def decoder(into: type[T] | Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Make what turns an item's JSON into the caller's own type.

    `Sku` and `BriefResult` are read as they are without it. Another type is structured by cattrs, its snake_case fields
    from camelCase members, without converting what is of another type; ``bytes`` gives the JSON as it is; any other
    callable is given the JSON's bytes.

    Raises:
        ConfigurationError: it is neither a type nor callable, a type that cattrs cannot structure, or an ``async def``.
    """
    if into is bytes:
        return _as_it_is  # type: ignore[return-value]
    own = _OWN_MODELS.get(into) if isinstance(into, type) else None
    if own is not None:
        return own
    if isinstance(into, type) or get_origin(into) is not None:
        from .structuring import structurer  # noqa: PLC0415  # as above

        return structurer(cast("type[T]", into))
    if not callable(into):
        msg = f"into must be a type or a callable that takes bytes, not {into!r}"
        raise ConfigurationError(msg)
    if _is_async(into):
        msg = f"into must give the item itself, and {into!r} is asynchronous; await what takes time in your loop"
        raise ConfigurationError(msg)
    return into


def _is_async(into: Callable[[bytes], object]) -> bool:
    """Tell whether calling it gives something to wait for, and no item."""
    while isinstance(into, partial):
        into = into.func
    call = getattr(into, "__call__", None)  # noqa: B004  # what an object of a class with such a method does
    kinds = iscoroutinefunction, isasyncgenfunction
    return any(is_kind(function) for is_kind in kinds for function in (into, call))


def _as_it_is(text: bytes) -> bytes:
    return text


_OWN_MODELS: Final[Mapping[type, Callable[[bytes], Any]]] = {Sku: sku, BriefResult: brief_result}


def _sku_rows(text: jsontext.Text) -> jsontext.Rows:
    wires = jsontext.read(_sku_wires.decode, text)
    jsontext.check_depth(text)
    rows = jsontext.Rows(text, len(wires))
    made = _skus_of(wires, rows)
    if "" in {each.id for each in made}:
        msg = "a SKU needs an id"
        raise UnexpectedResponseError(msg)
    rows.items = made
    return rows


class _ResultRows:
    """Reads pages of results: all of their members, until it is known which of them are asked for."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._names: frozenset[str] | None = frozenset()
        self._decode = _whole_results.decode
        self._reading: Reading | None = None

    def __call__(self, text: jsontext.Text) -> jsontext.Rows:
        if self._names is not self._asked.names:
            self._turn_to(self._asked.names)
        found = jsontext.read(self._decode, text)
        if found and self._names is not None and not self._names:
            found[0] = Heard(found[0], self._asked)
        rows = jsontext.Rows(text, len(found))
        rows.items = _results_of(found, rows, self._reading)
        return rows

    def _turn_to(self, names: frozenset[str] | None) -> None:
        self._names = names
        self._decode, self._reading = _whole_results.decode, None
        if names:
            names |= {"id"}
            self._decode, self._reading = _results_with(names).decode, Reading(names, self._asked)


@lru_cache(maxsize=64)
def _results_with(names: frozenset[str]) -> "msgspec.json.Decoder[list[dict[str, Any]]]":
    """Make what reads these members of results, and passes over the others."""
    # Of a TypedDict msgspec makes plain dictionaries.
    row: Any = TypedDict("row", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]
    return msgspec.json.Decoder(list[row])  # pyright: ignore[reportInvalidTypeForm]


def _results_of(found: Sequence[dict[str, Any]], rows: jsontext.Rows, reading: Reading | None) -> list[BriefResult]:
    made: list[BriefResult] = []
    for at, members in enumerate(found):
        identifier = members.get("id")
        filled = _ResultDraft()
        filled.id = identifier if type(identifier) is str else _readable_id(identifier)
        filled.raw = rows
        filled._at = at  # noqa: SLF001  # as above
        filled._members = members  # noqa: SLF001
        filled._reading = reading  # noqa: SLF001
        filled.__class__ = BriefResult
        made.append(filled)
    return made


def _readable_id(found: object) -> str | None:
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def splitter(decode: Callable[[bytes], object], asked: Asked) -> Callable[[jsontext.Text, str], Sequence[bytes]]:
    """Make what splits a list into the texts of its elements; where it can, it reads them at once, for `items`.

    Args:
        decode: makes an item.
        asked: what the listing's readers ask of results.
    """
    read: Callable[[jsontext.Text], jsontext.Rows]
    if decode is sku:
        read = _sku_rows
    elif decode is brief_result:
        read = _ResultRows(asked)
    else:
        return jsontext.elements

    def split(text: jsontext.Text, where: str) -> Sequence[bytes]:
        with contextlib.suppress(UnexpectedResponseError):
            return read(text)
        # Read one by one, they tell what is wrong with them.
        return jsontext.elements(text, where)

    return split


def items(texts: Sequence[bytes], decode: Callable[[bytes], T], where: str) -> Sequence[T]:
    """Decode the items of a page; an error names its place, such as ``entries[3].id``."""
    if decode is _as_it_is:
        return cast("Sequence[T]", texts)
    if type(texts) is jsontext.Rows:
        found, texts.items = texts.items, ()
        return cast("Sequence[T]", found)
    done: list[T] = []
    try:
        for text in texts:
            done.append(decode(text))  # noqa: PERF401  # the length says which item failed
    except UnexpectedResponseError as error:
        at = f"{where}[{len(done)}]"
        place = at if not error.where else f"{at}{error.where}" if error.where[0] == "[" else f"{at}.{error.where}"
        failed = UnexpectedResponseError(error.reason, where=place, keys=error.keys, body=error.body)
    else:
        return done
    raise failed
