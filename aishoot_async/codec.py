"""Between the wire and the models: items and pages are read as `ModelSpec` says.

What goes, and the caller's own types, is `structuring`'s. Only this and `jsontext` decode by msgspec.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, lru_cache, partial
from inspect import isasyncgenfunction, iscoroutinefunction
from operator import attrgetter
from typing import Any, Final, Generic, TypedDict, TypeVar, cast, get_origin

import attrs
import msgspec

from . import jsontext
from .errors import ConfigurationError, UnexpectedResponseError
from .models import BRIEF_RESULT, MODELS, SKU, BriefResult, ModelSpec, SkuCreate, SkuUpdate
from .volatile import rows_without_volatile

T = TypeVar("T")


class IdReader:
    """Reads the id of a row out of its JSON; ``None`` where it has none, or cannot be read."""

    def __init__(self, members: tuple[str, ...]) -> None:
        """Look for the id in these members; of several, the first that is there counts."""
        fields = [
            (f"id_{at}", int | str | None, msgspec.field(default=None, name=name)) for at, name in enumerate(members)
        ]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Id", fields)).decode
        self._find: Callable[[Any], Any] = attrgetter(*(name for name, _, _ in fields))
        self._is_single = len(members) == 1

    def __call__(self, text: bytes) -> str | None:
        """Read the id of one row."""
        try:
            return self._id_of(self._find(self._decode(text)))
        except _UNREADABLE:
            return None

    def page(self, texts: Sequence[bytes]) -> Sequence[str | None]:
        """Read the ids of a page's rows."""
        try:
            found = [*map(self._find, map(self._decode, texts))]
        except _UNREADABLE:
            return [*map(self, texts)]
        if self._is_single:
            return [None if each is None else str(each) for each in found]
        return [*map(self._id_of, found)]

    def _id_of(self, found: Any) -> str | None:
        if not self._is_single:
            found = next((each for each in found if each is not None), None)
        return None if found is None else str(found)


class ModelDecoder(Generic[T]):
    """Reads one model: an item, or all items of a page at once."""

    def __init__(self, spec: ModelSpec[T], fields: Sequence[str] | None = None) -> None:
        """Read the model that is described.

        Args:
            spec: the model.
            fields: of a model without documented fields, the members to decode beside ``id``; ``None`` for all.
        """
        self.spec = spec
        self._names = None if fields is None else frozenset({"id", *fields})
        wire: Any = spec.wire or dict[str, Any]
        # msgspec decodes a TypedDict as a plain dictionary, and passes over other members. msgspec 0.22 takes an empty
        # member's name for one that is not ASCII: with such names all members are decoded.
        self._picks = self._names is not None and not "".join(self._names).isascii()
        if self._names is not None and not self._picks:
            wire = _dictionary_of(self._names)
        self._decode_page: Callable[[Any], list[Any]] = msgspec.json.Decoder(list[wire]).decode  # pyright: ignore[reportInvalidTypeForm]

    def __call__(self, text: bytes, default_id: str | None = None) -> T:
        """Read an item. Of a documented field, what is null or of another type survives in ``raw`` alone.

        Args:
            text: its JSON.
            default_id: its id where ``text`` holds none.

        Raises:
            UnexpectedResponseError: it is no object, or has no usable id where one is required.
        """
        spec = self.spec
        wire = _members_of(text) if spec.wire is None else jsontext.read(partial(_struct, spec.wire), text)
        jsontext.check_depth(text)
        item = spec.make(self._picked(wire), text)
        if spec.requires_id and not _id_of(item):
            if default_id is not None:
                return attrs.evolve(item, id=default_id)  # type: ignore[misc]
            msg = f"a {spec.name} needs an id: a string or an integer"
            raise UnexpectedResponseError(msg, where="id", keys=list(jsontext.members(text)), body=text)
        return item

    def page(self, text: jsontext.Text) -> jsontext.LazyRawList:
        """Read a list of items.

        Raises:
            UnexpectedResponseError: one of them cannot be read so; read one by one, they tell what is wrong.
        """
        wires: list[Any] = jsontext.read(self._decode_page, text)
        if self.spec.wire is not None:
            jsontext.check_depth(text)
        if self._picks:
            wires = [*map(self._picked, wires)]
        raws = jsontext.LazyRawList(text, len(wires))
        make = self.spec.make
        items = [make(wire, (raws, at)) for at, wire in enumerate(wires)]
        if self.spec.requires_id and not all(map(_id_of, items)):
            msg = f"a {self.spec.name} needs an id"
            raise UnexpectedResponseError(msg)
        raws.items = items
        return raws

    def _picked(self, wire: Any) -> Any:
        names = self._names
        return wire if names is None else {name: value for name, value in wire.items() if name in names}


def _dictionary_of(names: frozenset[str]) -> Any:
    row: Any = TypedDict("row", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]
    return row


_id_of: Final = attrgetter("id")
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
id_reader: Final = cache(IdReader)
row_id: Final = id_reader(BRIEF_RESULT.id_members)
sku_row_id: Final = id_reader(SKU.id_members)
sku: Final = ModelDecoder(SKU)
brief_result: Final = ModelDecoder(BRIEF_RESULT)
_decoders: Final[dict[ModelSpec[Any], ModelDecoder[Any]]] = {SKU: sku, BRIEF_RESULT: brief_result}


def model_decoder(model: type[T]) -> ModelDecoder[T]:
    """Return what reads a model of `models.MODELS`."""
    spec = MODELS[model]
    if spec not in _decoders:
        _decoders[spec] = ModelDecoder(spec)
    return _decoders[spec]


def result_decoder(fields: object) -> ModelDecoder[BriefResult]:
    """Make what reads these members of results, and ``id``.

    Raises:
        ConfigurationError: they are no collection of different names, or none.
    """
    is_collection = isinstance(fields, Collection) and not isinstance(fields, str | bytes | bytearray | Mapping)
    names: list[Any] = [*cast("Collection[Any]", fields)] if is_collection else []
    if not names or not all(isinstance(name, str) for name in names):
        msg = f'fields must be a collection of member names, such as ("status", "imageUrl"), not {fields!r}'
        raise ConfigurationError(msg)
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        msg = f"fields names {', '.join(map(repr, repeated))} more than once; name each member once"
        raise ConfigurationError(msg)
    return _result_decoder(frozenset(names))


@lru_cache(maxsize=64)
def _result_decoder(names: frozenset[str]) -> ModelDecoder[BriefResult]:
    return ModelDecoder(BRIEF_RESULT, sorted(names))


def _members_of(text: bytes) -> dict[str, Any]:
    found = jsontext.value(text)
    if not isinstance(found, dict):
        msg = f"an object is expected here, not {jsontext.kind(text)}"
        raise UnexpectedResponseError(msg, body=text)
    return cast("dict[str, Any]", found)


def _struct(wire: type[msgspec.Struct], text: bytes) -> msgspec.Struct:
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.json.decode(text, type=wire)
    return _field_by_field(text, wire)


def ids(
    items: Sequence[object], texts: Sequence[bytes], decode: Callable[[bytes], object], members: tuple[str, ...]
) -> Sequence[str | None]:
    """Return the ids of a page's rows, which stand in ``members``.

    Args:
        items: what has been made of the rows.
        texts: their JSON.
        decode: what made the items.
        members: see `ModelSpec.id_members`.
    """
    if isinstance(decode, ModelDecoder):
        spec = cast("ModelSpec[Any]", decode.spec)
        own: list[str | None] = [*map(_id_of, cast("Sequence[Any]", items))]
        if None not in own or spec.id_members == members:
            return own
    return id_reader(members).page(texts)


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


def _field_by_field(text: bytes, struct: type[msgspec.Struct]) -> msgspec.Struct:
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

    Models of `models.MODELS` are read as they are without it. Another type is structured by cattrs, its snake_case
    fields from camelCase members, without converting what is of another type; ``bytes`` gives the JSON as it is; any
    other callable is given the JSON's bytes.

    Raises:
        ConfigurationError: it is neither a type nor callable, a type that cattrs cannot structure, or an ``async def``.
    """
    if into is bytes:
        return _as_it_is  # type: ignore[return-value]
    if isinstance(into, type) and into in MODELS:
        return model_decoder(cast("type[T]", into))
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


def page_decoder(decode: Callable[[bytes], object]) -> Callable[[jsontext.Text, str], Sequence[bytes]]:
    """Make what splits a list into the texts of its elements; models are read with it at once, for `decode_items`."""
    if not isinstance(decode, ModelDecoder):
        return jsontext.elements
    read = decode.page

    def split(text: jsontext.Text, where: str) -> Sequence[bytes]:
        with contextlib.suppress(UnexpectedResponseError):
            return read(text)
        # Read one by one, they tell what is wrong with them.
        return jsontext.elements(text, where)

    return split


def decode_items(texts: Sequence[bytes], decode: Callable[[bytes], T], where: str) -> Sequence[T]:
    """Decode the items of a page; an error names its place, such as ``entries[3].id``."""
    if decode is _as_it_is:
        return cast("Sequence[T]", texts)
    if type(texts) is jsontext.LazyRawList:
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
