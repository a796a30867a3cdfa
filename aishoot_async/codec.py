"""Between the wire and the models: one fixed Struct a model for what comes.

What goes, and the caller's own types, is `structuring`'s. Together with `jsontext` the only code that knows msgspec.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import count, repeat
from types import FunctionType
from typing import Any, Final, TypeVar, cast, get_origin

import msgspec

from . import jsontext
from .errors import ConfigurationError, UnexpectedResponseError
from .models import BriefResult, Gender, Known, Sku, SkuCategory, SkuCreate, SkuUpdate, set_at, setters

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
_sku_id: Final = msgspec.json.Decoder(_SkuId)
_result_wire: Final = msgspec.json.Decoder(_ResultWire)


_genders: Final = Known(Gender)
_categories: Final = Known(SkuCategory)

_new: Final = object.__new__
_set: Final = setters(Sku)
_set_id: Final = _set["id"]
_set_name: Final = _set["name"]
_set_front_image: Final = _set["front_image"]
_set_back_image: Final = _set["back_image"]
_set_gender: Final = _set["gender"]
_set_is_in_wardrobe: Final = _set["is_in_wardrobe"]
_set_project_ids: Final = _set["project_ids"]
_set_sku_category_name: Final = _set["sku_category_name"]
_set_raw: Final = _set["raw"]
_set_of_result: Final = setters(BriefResult)
_set_result_id: Final = _set_of_result["id"]
_set_result_raw: Final = _set_of_result["raw"]
_set_result_members: Final = _set_of_result["_members"]


def sku(text: bytes) -> Sku:
    """Read a SKU. Only its id is needed; what is unknown, null or of another type than documented survives in ``raw``.

    Raises:
        UnexpectedResponseError: it is no object, or has no usable id.
    """
    made = _sku_of(jsontext.read(_sku_fields, text), text, 0)
    if not made.id:
        msg = "a SKU needs an id: a string or an integer"
        raise UnexpectedResponseError(msg, where="id", keys=list(jsontext.members(text)), body=text)
    return made


def _sku_of(wire: _SkuWire, text: bytes | jsontext.Rows, at: int) -> Sku:
    """Make a SKU of what was read; where there is no usable id, it has an empty one."""
    identifier = wire.id if wire.id is not None else wire.sku_id
    made = _new(Sku)
    _set_id(made, "" if identifier is None else str(identifier))
    _set_name(made, wire.name)
    _set_front_image(made, wire.front_image)
    _set_back_image(made, wire.back_image)
    _set_gender(made, _genders[wire.gender])
    _set_is_in_wardrobe(made, wire.is_in_wardrobe)
    _set_project_ids(made, wire.project_ids)
    _set_sku_category_name(made, _categories[wire.sku_category_name])
    _set_raw(made, text)
    set_at(made, at)
    return made


def brief_result(text: bytes) -> BriefResult:
    """Read a result. Nothing is needed but that it is an object.

    Raises:
        UnexpectedResponseError: it is none.
    """
    return BriefResult(id=_id_of(jsontext.read(_result_fields, text)), raw=text)


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
    if {*map(type, made)} <= _IDENTIFIED:
        return [item.id for item in cast("Sequence[Sku | BriefResult]", made)]
    found = _leading_ids(texts)
    if found is None:
        decode, id_of = _ID_WIRES[identify]
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = list(map(id_of, map(decode, texts)))
    return [identify(text) for text in texts] if found is None else found


_IDENTIFIED: Final[frozenset[type]] = frozenset({Sku, BriefResult})
_ID_WIRES: Final[Mapping[Callable[[bytes], str | None], tuple[Callable[[bytes], Any], Callable[[Any], str | None]]]] = {
    row_id: (_result_wire.decode, _id_of),
    sku_row_id: (_sku_id.decode, _sku_id_of),
}
_BEFORE_ID: Final = '{"id":"'


def _leading_ids(texts: Sequence[bytes]) -> Sequence[str | None] | None:
    """Cut the ids out of rows that all begin with them, in half the time; or give ``None``."""
    try:
        joined = b'"'.join([text[: text.index(b'"', len(_BEFORE_ID))] for text in texts]).decode()
    except (ValueError, UnicodeDecodeError):
        return None
    # Behind its first characters, no row has a quotation mark here: only the beginnings can be taken for one.
    first, *others = joined.split('"' + _BEFORE_ID)
    if len(others) + 1 != len(texts) or not first.startswith(_BEFORE_ID) or "\\" in joined:
        return None
    return [first.removeprefix(_BEFORE_ID), *others]


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

    A type is structured by cattrs, its snake_case fields from camelCase members, without converting what is of another
    type; ``bytes`` gives the JSON as it is; any other callable is given the JSON's bytes.

    Raises:
        ConfigurationError: it is neither a type nor callable, or a type that cattrs cannot structure.
    """
    if into is bytes:
        return _as_it_is  # type: ignore[return-value]
    if isinstance(into, type) or get_origin(into) is not None:
        from .structuring import structurer  # noqa: PLC0415  # as above

        return structurer(cast("type[T]", into))
    if not callable(into):
        msg = f"into must be a type or a callable that takes bytes, not {into!r}"
        raise ConfigurationError(msg)
    return into


def _as_it_is(text: bytes) -> bytes:
    return text


def _skus(rows: jsontext.Rows) -> list[Sku] | None:
    found = list(map(_sku_of, rows.values, repeat(rows), count()))
    return None if "" in {each.id for each in found} else found


def _brief_results(rows: jsontext.Rows) -> list[BriefResult]:
    members = rows.values
    found = [each.get("id") for each in members]
    if {*map(type, found)} != {str}:
        found = list(map(_readable_id, found))
    return list(map(_brief_result_of, found, repeat(rows), count(), members))


def _brief_result_of(identifier: str | None, rows: jsontext.Rows, at: int, members: dict[str, Any]) -> BriefResult:
    made = _new(BriefResult)
    _set_result_id(made, identifier)
    _set_result_raw(made, rows)
    set_at(made, at)
    _set_result_members(made, members)
    return made


def _readable_id(found: object) -> str | None:
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


# What reads a whole page at once, and what makes items of that. Where it cannot, they are read one by one, and tell
# what is wrong with them.
_AT_ONCE: Final[Mapping[Callable[[bytes], Any], tuple[Callable[[bytes], Any], Callable[[jsontext.Rows], Any]]]] = {
    sku: (msgspec.json.Decoder(list[_SkuWire]).decode, _skus),
    brief_result: (msgspec.json.Decoder(list[dict[str, Any]]).decode, _brief_results),
}


def splitter(decode: Callable[[bytes], object]) -> Callable[[bytes, str], Sequence[bytes]]:
    """Make what splits a list into the texts of its elements, and may read them meanwhile for `items`."""
    # Not all that is callable can be looked up.
    at_once = _AT_ONCE.get(decode) if isinstance(decode, FunctionType) else None
    if at_once is None:
        return jsontext.elements
    read, _ = at_once

    def split(text: bytes, where: str) -> Sequence[bytes]:
        with contextlib.suppress(UnexpectedResponseError):
            return jsontext.Rows(text, jsontext.read(read, text))
        return jsontext.elements(text, where)

    return split


def items(texts: Sequence[bytes], decode: Callable[[bytes], T], where: str) -> list[T]:
    """Decode the items of a page; an error names its place, such as ``entries[3].id``."""
    found: list[T] | None = None
    if decode is _as_it_is:
        found = cast("list[T]", list(texts))
    elif isinstance(texts, jsontext.Rows):
        _, make = _AT_ONCE[decode]
        found = cast("list[T] | None", make(texts))
        texts.values = ()
    if found is not None:
        return found
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
