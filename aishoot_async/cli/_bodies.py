"""What is to be written to a SKU, from options or from a JSON object; camelCase and snake_case names alike."""

import difflib
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import Group, Parameter

from aishoot_async import Gender, RequestValidationError, SkuCategory, SkuCreate

from ._inputs import read_object
from ._options import WHOLE


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


WIRE_FIELDS: Final = {_camel(field.name): field.name for field in attrs.fields(SkuCreate)}
FIELDS: Final = WIRE_FIELDS | {field: field for field in WIRE_FIELDS.values()}
_GROUP: Final = Group("Fields", sort_key=1)


@Parameter(name="*", group=_GROUP)
@attrs.frozen(kw_only=True)
class Fields:
    """The fields of a SKU; what is not named is left alone."""

    name: str | None = None
    "What to call it."
    front_image: str | None = None
    "The image identifier of the front view."
    back_image: str | None = None
    "The image identifier of the back view."
    gender: Gender | None = None
    "Whom it is for."
    in_wardrobe: Annotated[bool | None, Parameter(negative="--not-in-wardrobe")] = None
    "Whether it stands in the wardrobe."
    project: Annotated[list[int] | None, WHOLE] = None
    "A project that it belongs to; may be repeated."
    category: SkuCategory | None = None
    "What kind of garment it is."
    body: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None
    "A file with the fields as a JSON object, or - for stdin; null erases a field."

    def named(self) -> dict[str, Any]:
        """Give the fields that are named, those of the JSON object first.

        Raises:
            RequestValidationError: the JSON cannot be read, or names what is no field.
        """
        options = {
            "name": self.name,
            "front_image": self.front_image,
            "back_image": self.back_image,
            "gender": self.gender,
            "is_in_wardrobe": self.in_wardrobe,
            "project_ids": self.project,
            "sku_category_name": self.category,
        }
        given = {} if self.body is None else _given(self.body)
        return given | {field: value for field, value in options.items() if value is not None}


def _given(place: Path) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in read_object(place).items():
        if name not in FIELDS:
            raise RequestValidationError(f"{name} is no field of a SKU{_meant(name)}", field="body")
        if FIELDS[name] in fields:
            raise RequestValidationError(f"{name} is there twice, in two spellings", field="body")
        fields[FIELDS[name]] = value
    return fields


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, WIRE_FIELDS, n=1)
    return f". Did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(WIRE_FIELDS))}"
