"""What is to be written to a SKU, from options or from a JSON object; camelCase and snake_case names alike."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final, cast

import attrs
from cyclopts import Group, Parameter

from aishoot_async import Gender, RequestValidationError, SkuCategory, SkuCreate


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
    project: Annotated[list[int] | None, Parameter(name="--project")] = None
    "A project that it belongs to; may be repeated."
    category: SkuCategory | None = None
    "What kind of garment it is."
    body: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
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
        given = {} if self.body is None else _read(self.body)
        return given | {field: value for field, value in options.items() if value is not None}


def _read(place: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
        body: Any = json.loads(text)
    except OSError as error:
        raise _refusal(f"cannot read {place}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _refusal(f"{_named(place)} holds no JSON: {error}") from None
    if not isinstance(body, dict):
        raise _refusal(f"{_named(place)} must hold a JSON object")
    given = cast("dict[str, Any]", body)
    for name in given:
        if name not in FIELDS:
            raise _refusal(f"{name} is no field of a SKU; there are {', '.join(sorted(FIELDS))}")
    return {FIELDS[name]: value for name, value in given.items()}


def _refusal(problem: str) -> RequestValidationError:
    return RequestValidationError(problem, field="body")


def _named(place: str) -> str:
    return "stdin" if place == "-" else place
