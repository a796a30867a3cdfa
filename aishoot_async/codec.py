"""Between the wire and the models: one fixed Struct a model for what comes, cattrs for what goes and for ``into``.

Together with `jsontext` the only code that knows cattrs or msgspec.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast, get_origin

import attrs
import cattrs
import msgspec
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_union_passthrough

from . import jsontext
from .errors import ConfigurationError, UnexpectedResponseError
from .models import WIRE_NAMES, BriefResult, Gender, Sku, SkuCategory, SkuCreate, SkuUpdate, known

T = TypeVar("T")
M = TypeVar("M", Sku, BriefResult)


class _SkuWire(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    sku_id: int | str | None = None
    name: str | None = None
    front_image: str | None = None
    back_image: str | None = None
    gender: str | None = None
    is_in_wardrobe: bool | None = None
    project_ids: list[int] | None = None
    sku_category_name: str | None = None


class _ResultWire(msgspec.Struct):
    id: int | str | None = None


class _SkuId(msgspec.Struct, rename="camel"):
    id: int | str | None = None
    sku_id: int | str | None = None


_sku_wire: Final = msgspec.json.Decoder(_SkuWire)
_sku_id: Final = msgspec.json.Decoder(_SkuId)
_result_wire: Final = msgspec.json.Decoder(_ResultWire)


def sku(text: bytes) -> Sku:
    """Read a SKU. Only its id is needed; what is unknown, null or of another type than documented survives in ``raw``.

    Raises:
        UnexpectedResponseError: it is no object, or has no usable id.
    """
    wire = jsontext.read(_sku_fields, text)
    identifier = wire.id if wire.id is not None else wire.sku_id
    if identifier is None or identifier == "":
        msg = "a SKU needs an id: a string or an integer"
        raise UnexpectedResponseError(msg, where="id", keys=list(jsontext.members(text)), body=text)
    return Sku(
        id=str(identifier),
        name=wire.name,
        front_image=wire.front_image,
        back_image=wire.back_image,
        gender=None if wire.gender is None else known(Gender, wire.gender),
        is_in_wardrobe=wire.is_in_wardrobe,
        project_ids=None if wire.project_ids is None else tuple(wire.project_ids),
        sku_category_name=None if wire.sku_category_name is None else known(SkuCategory, wire.sku_category_name),
        raw=text,
    )


def brief_result(text: bytes) -> BriefResult:
    """Read a result. Nothing is needed but that it is an object.

    Raises:
        UnexpectedResponseError: it is none.
    """
    wire = jsontext.read(_result_fields, text)
    return BriefResult(id=None if wire.id is None else str(wire.id), raw=text)


IDENTIFIED: Final = (Sku, BriefResult)
"""The models that know their id."""


def row_id(text: bytes) -> str | None:
    """Give the id of any row, or ``None`` where it has none."""
    try:
        found = _result_wire.decode(text).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None if found is None else str(found)


def sku_row_id(text: bytes) -> str | None:
    """Give the id of a SKU's row, which may be called ``skuId``, or ``None`` where it has none."""
    try:
        found = _sku_id.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    identifier = found.id if found.id is not None else found.sku_id
    return None if identifier is None else str(identifier)


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
    return jsontext.encode(_to_wire.unstructure(body))


def _plain(value: object) -> object:
    # An UnknownValue is a string of a class of its own, which msgspec does not write.
    return str(value) if isinstance(value, str) else value


def _make_wire_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    renamed: dict[str, Any] = {
        field: override(rename=wire, omit_if_default=True, unstruct_hook=_plain) for field, wire in WIRE_NAMES.items()
    }
    for model in (SkuCreate, SkuUpdate):
        converter.register_unstructure_hook(model, make_dict_unstructure_fn(model, converter, **renamed))
    return converter


_to_wire: Final = _make_wire_converter()


def _camel(name: str) -> str:
    head, *tail = name.strip("_").split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def _exactly(wanted: type, *accepted: type) -> Callable[[object, Any], Any]:
    """Make a hook that takes a value of the accepted types and converts no other: ``bool("false")`` is True."""

    def structure(given: object, _: Any) -> Any:
        if type(given) not in accepted:
            msg = f"{wanted.__name__} expected, not {type(given).__name__}"
            raise TypeError(msg)
        return given if type(given) is wanted else wanted(given)

    return structure


def _make_into_converter() -> cattrs.Converter:
    converter = make_converter()
    configure_union_passthrough(str | int | float | bool | None, converter)
    converter.register_structure_hook(str, _exactly(str, str, int))
    converter.register_structure_hook(int, _exactly(int, int))
    converter.register_structure_hook(float, _exactly(float, float, int))
    converter.register_structure_hook(bool, _exactly(bool, bool))

    def from_camel(cls: type[Any]) -> Callable[[Any, Any], Any]:
        fields = attrs.fields(cls) if attrs.has(cls) else dataclasses.fields(cls)
        renamed: dict[str, Any] = {field.name: override(rename=_camel(field.name)) for field in fields}
        structure = make_dict_structure_fn(cls, converter, **renamed)

        def from_object(given: object, into: Any) -> Any:
            # A list has no members, so every field that has a default would silently get it.
            if not isinstance(given, dict):
                msg = f"an object expected, not {type(given).__name__}"
                raise TypeError(msg)
            return structure(cast("dict[str, Any]", given), into)

        return from_object

    converter.register_structure_hook_factory(attrs.has, from_camel)
    converter.register_structure_hook_factory(dataclasses.is_dataclass, from_camel)

    return converter


_into: Final = _make_into_converter()


def decoder(into: type[T] | Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Make what turns an item's JSON into the caller's own type.

    A type is structured by cattrs, its snake_case fields from camelCase members, without converting what is of another
    type; ``bytes`` gives the JSON as it is; any other callable is given the JSON's bytes.

    Raises:
        ConfigurationError: it is neither a type nor callable, or a type that cattrs cannot structure.
    """
    if into is bytes:
        return lambda text: text  # type: ignore[return-value]
    if isinstance(into, type) or get_origin(into) is not None:
        try:
            hook = _into.get_structure_hook(into)
        except (cattrs.StructureHandlerNotFoundError, TypeError, NameError) as error:
            problem = f"into={into!r} is no type that cattrs can structure ({error})"
        else:
            return lambda text: _structure(text, into, hook)
        raise ConfigurationError(problem)
    if not callable(into):
        msg = f"into must be a type or a callable that takes bytes, not {into!r}"
        raise ConfigurationError(msg)
    return into


def _structure(text: bytes, into: Any, hook: Callable[[Any, Any], Any]) -> Any:
    problem, where = None, ""
    try:
        return hook(jsontext.value(text), into)
    except (cattrs.BaseValidationError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        found = cattrs.transform_error(error)
        problem, _, where = found[0].partition(" @ $")
    msg = f"no {getattr(into, '__name__', into)}: {problem}"
    raise UnexpectedResponseError(msg, where=where.removeprefix("."), body=text)


def items(texts: Iterable[bytes], decode: Callable[[bytes], T], where: str) -> list[T]:
    """Decode the items of a page; an error names its place, such as ``entries[3].id``."""
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
