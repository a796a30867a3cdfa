"""A SKU: as the service gives it, and as it is asked to make or to change one.

The documented fields stand in ``api.autoretouch.com``'s pages "Create SKU" and "Update SKU".
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, Self, TypedDict, Unpack

import attrs
import msgspec

from .. import jsontext
from ..errors import RequestValidationError
from ..validation import check_flag, check_nonblank
from ._raw import LazyRaw, lazy_raw
from ._spec import ModelSpec, id_text, setters
from ._values import (
    CATEGORIES,
    GENDERS,
    UNSET,
    Gender,
    SkuCategory,
    UnknownValue,
    Unset,
    check_choice,
    check_project_ids,
)

WIRE_NAMES: Final = {
    "name": "name",
    "front_image": "frontImage",
    "back_image": "backImage",
    "gender": "gender",
    "is_in_wardrobe": "isInWardrobe",
    "project_ids": "projectIds",
    "sku_category_name": "skuCategoryName",
}
"""The documented fields, and what they are called on the wire."""


class SkuChanges(TypedDict, total=False):
    """The fields that ``skus.edit`` and ``SkuUpdate.from_sku`` can change; what is not named is carried over."""

    name: str
    front_image: str
    back_image: str | None
    gender: Gender | str | None
    is_in_wardrobe: bool
    project_ids: Sequence[int]
    sku_category_name: SkuCategory | str | None


@lazy_raw
@attrs.frozen(kw_only=True)
class Sku:
    """A SKU as the service gave it. Only ``id`` is sure to be there; what it does not say is ``None``.

    Attributes:
        id: an opaque string; an integer on the wire becomes its digits.
        name: what the SKU is called.
        front_image: the image identifier of the front view.
        back_image: the image identifier of the back view.
        gender: a `Gender`, or the string of one that is not documented.
        is_in_wardrobe: whether the SKU stands in the wardrobe.
        project_ids: the projects that it belongs to.
        sku_category_name: a `SkuCategory`, or the string of one that is not documented.
        raw: a copy of the SKU's exact JSON; ``b""`` where the service sent none.
    """

    id: str
    name: str | None = None
    front_image: str | None = None
    back_image: str | None = None
    gender: Gender | UnknownValue | None = None
    is_in_wardrobe: bool | None = None
    project_ids: tuple[int, ...] | None = None
    sku_category_name: SkuCategory | UnknownValue | None = None
    raw: bytes = attrs.field(default=b"", eq=False, repr=False)

    @property
    def extra(self) -> dict[str, Any]:
        """Every member of ``raw`` that is no documented field, or is one of an undocumented type; read when asked."""
        if not self.raw:
            return {}
        everything: dict[str, Any] = jsontext.value(self.raw)
        read = {"id" if str(everything.get("id")) == self.id else "skuId"}
        read.update(wire for field, wire in WIRE_NAMES.items() if getattr(self, field) is not None)
        return {
            key: value
            for key, value in everything.items()
            if key not in read and not (value is None and key in WIRE_NAMES.values())
        }


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


_set: Final = setters(Sku)
_set_id, _set_raw, _set_name, _set_gender = _set["id"], _set["raw"], _set["name"], _set["gender"]
_set_front_image, _set_back_image, _set_is_in_wardrobe = _set["front_image"], _set["back_image"], _set["is_in_wardrobe"]
_set_project_ids, _set_sku_category_name = _set["project_ids"], _set["sku_category_name"]
_new: Final = Sku.__new__


def _make(wire: _SkuWire, raw: LazyRaw) -> Sku:
    sku = _new(Sku)
    found = wire.sku_id if wire.id is None else wire.id
    _set_id(sku, found if type(found) is str else id_text(found))
    _set_name(sku, wire.name)
    _set_front_image(sku, wire.front_image)
    _set_back_image(sku, wire.back_image)
    _set_gender(sku, GENDERS[wire.gender])
    _set_is_in_wardrobe(sku, wire.is_in_wardrobe)
    _set_project_ids(sku, wire.project_ids)
    _set_sku_category_name(sku, CATEGORIES[wire.sku_category_name])
    _set_raw(sku, raw)
    return sku


SKU: Final = ModelSpec(model=Sku, name="SKU", wire=_SkuWire, make=_make, id_members=("id", "skuId"))

# Converters by attrs' names; each gives the field's name to the check, so that the error can name it.


def _name(value: str) -> str:
    return check_nonblank("name", value)


def _front_image(value: str) -> str:
    return check_nonblank("front_image", value)


def _back_image(value: str | Unset | None) -> str | Unset | None:
    return value if value is None or value is UNSET else check_nonblank("back_image", value)


def _gender(value: Gender | str | Unset | None) -> Gender | UnknownValue | Unset | None:
    return value if value is None or value is UNSET else check_choice("gender", GENDERS, value)


def _is_in_wardrobe(value: bool | Unset) -> bool | Unset:  # noqa: FBT001  # a converter has one argument
    return value if value is UNSET else check_flag("is_in_wardrobe", value)


def _project_ids(value: Collection[int] | Unset) -> tuple[int, ...] | Unset:
    return value if value is UNSET else check_project_ids("project_ids", value)


def _sku_category_name(value: SkuCategory | str | Unset | None) -> SkuCategory | UnknownValue | Unset | None:
    return value if value is None or value is UNSET else check_choice("sku_category_name", CATEGORIES, value)


@attrs.frozen(kw_only=True)
class SkuCreate:
    """The body of "Create SKU". A field left out (`UNSET`) is not sent; ``None`` is sent as ``null``.

    Attributes:
        name: what to call it; not blank.
        front_image: the image identifier of the front view, from ``images.upload``.
        back_image: the image identifier of the back view.
        gender: a `Gender` or its string.
        is_in_wardrobe: whether it stands in the wardrobe.
        project_ids: the projects that it belongs to: positive integers.
        sku_category_name: a `SkuCategory` or its string.

    Raises:
        RequestValidationError: a field cannot be right; it is named.
    """

    name: str = attrs.field(converter=_name)
    front_image: str = attrs.field(converter=_front_image)
    back_image: str | Unset | None = attrs.field(default=UNSET, converter=_back_image)
    gender: Gender | UnknownValue | Unset | None = attrs.field(default=UNSET, converter=_gender)
    is_in_wardrobe: bool | Unset = attrs.field(default=UNSET, converter=_is_in_wardrobe)
    project_ids: tuple[int, ...] | Unset = attrs.field(default=UNSET, converter=_project_ids)
    sku_category_name: SkuCategory | UnknownValue | Unset | None = attrs.field(
        default=UNSET, converter=_sku_category_name
    )


class SkuUpdate(SkuCreate):
    """The body of "Update SKU": a full replacement. What is left out, the service resets.

    ``is_in_wardrobe`` becomes false, ``project_ids`` empty, and the other optional fields may be erased. To change
    single fields use ``skus.edit``, or `from_sku`.
    """

    # It has no field of its own, so what attrs has made for `SkuCreate` is all that it needs.
    __slots__ = ()

    @classmethod
    def from_sku(cls, sku: Sku, **changes: Unpack[SkuChanges]) -> Self:
        """Carry over every documented field of a SKU, but those that are named.

        Raises:
            RequestValidationError: a change cannot be right, or a field cannot be carried over, because the service
                did not give it (``name``, ``front_image``) or gave it in a form that cannot be sent back.
        """
        check_changes(changes)
        unread = sku.extra
        fields: dict[str, Any] = dict(changes)
        for field, wire in WIRE_NAMES.items():
            if field in fields:
                continue
            if wire in unread or (field in {"name", "front_image"} and getattr(sku, field) is None):
                given = f"as {unread[wire]!r}" if wire in unread else "not at all"
                msg = f"{field} cannot be carried over: the service gave it {given}; name it yourself"
                raise RequestValidationError(msg, field=field)
            if getattr(sku, field) is not None:
                fields[field] = getattr(sku, field)
        return cls(**fields)


def check_changes(changes: SkuChanges) -> None:
    """Check what can be checked before anything is read.

    Raises:
        RequestValidationError: a name is no field of a SKU, or its value cannot be right.
    """
    for field in changes:
        if field not in WIRE_NAMES:
            msg = f"{field} is no field of a SKU; there are {', '.join(WIRE_NAMES)}"
            raise RequestValidationError(msg, field=field)
    whole: SkuChanges = {"name": "-", "front_image": "-", **changes}
    SkuUpdate(**whole)
