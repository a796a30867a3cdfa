"""What cattrs does: request bodies made plain values, and plain values the caller's own types.

The only code that knows cattrs; apart from `codec`, because that is imported by everybody.
"""

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar, cast

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_union_passthrough

from . import jsontext
from .errors import ConfigurationError, UnexpectedResponseError
from .models import MODELS, WIRE_NAMES, SkuCreate, SkuUpdate

T = TypeVar("T")


def plain_body(body: SkuCreate | SkuUpdate) -> dict[str, Any]:
    """Give a request body as plain values: camelCase, without the fields that were left out."""
    plain: dict[str, Any] = _to_wire.unstructure(body)
    return plain


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


def _is_own_model(wanted: object) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, tuple(MODELS))


def _refuse_own_model(wanted: Any) -> NoReturn:
    """Refuse what would be made without its JSON, in which all that is not documented stands."""
    own = ", ".join(f"into={model.__name__}" for model in MODELS)
    msg = f"{wanted.__name__} is read from its exact JSON; use {own} or a type of your own fields"
    raise TypeError(msg)


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
    converter.register_structure_hook_factory(_is_own_model, _refuse_own_model)

    return converter


_into: Final = _make_into_converter()


def structurer(into: type[T]) -> Callable[[bytes], T]:
    """Make what structures an item's JSON as a type.

    Raises:
        ConfigurationError: cattrs cannot structure that type.
    """
    try:
        hook = _into.get_structure_hook(into)
    except (cattrs.StructureHandlerNotFoundError, TypeError, NameError) as error:
        problem = f"into={into!r} is no type that cattrs can structure ({error})"
    else:
        return lambda text: _structure(text, into, hook)
    raise ConfigurationError(problem)


def _structure(text: bytes, into: Any, hook: Callable[[Any, Any], Any]) -> Any:
    problem, where = None, ""
    try:
        return hook(jsontext.value(text), into)
    except (cattrs.BaseValidationError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        found = cattrs.transform_error(error)
        problem, _, where = found[0].partition(" @ $")
    msg = f"no {getattr(into, '__name__', into)}: {problem}"
    raise UnexpectedResponseError(msg, where=where.removeprefix("."), body=text)


def _member(given: object, wanted: Any) -> Any:
    return wanted(given)


def _make_plain_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind, kind))
    converter.register_structure_hook(StrEnum, _member)
    return converter


_plain_values: Final = _make_plain_converter()


def from_plain(plain: object, wanted: type[T]) -> T:
    """Return the value of which `attrs.asdict` has made plain values, as journals and the like keep them.

    Members of which the class has no field are left out.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    return _plain_values.structure(plain, wanted)
