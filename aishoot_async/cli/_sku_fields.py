"""The fields of SKUs, read from options or from JSON (camelCase or snake_case), and printed."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import Group, Parameter

from aishoot_async import Gender, RequestValidationError, Sku, SkuCategory, SkuCreate
from aishoot_async.export import lines

from ._context import Context
from ._files import read_object
from ._options import INTEGER
from ._output import print_data, print_rows


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


WIRE_FIELDS: Final = {_camel(field.name): field.name for field in attrs.fields(SkuCreate)}
FIELDS: Final = WIRE_FIELDS | {field: field for field in WIRE_FIELDS.values()}
_COLUMNS: Final = ("id", "name", "gender", "category", "wardrobe", "projects", "front image", "back image")
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
    is_in_wardrobe: Annotated[bool | None, Parameter("--in-wardrobe", negative="--not-in-wardrobe")] = None
    "Whether it stands in the wardrobe."
    project_ids: Annotated[list[int] | None, INTEGER, Parameter("--project")] = None
    "A project that it belongs to; may be repeated."
    sku_category_name: Annotated[SkuCategory | None, Parameter("--category")] = None
    "What kind of garment it is."
    body: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None
    "A file with the fields as a JSON object, or - for stdin; null erases a field."

    def named(self) -> dict[str, Any]:
        """Return the fields that are named; an option goes before the JSON object.

        Raises:
            RequestValidationError: the JSON cannot be read, or names what is no field.
        """
        named = {} if self.body is None else _read_body(self.body)
        for field in WIRE_FIELDS.values():
            if (value := getattr(self, field)) is not None:
                named[field] = value
        return named


def _read_body(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in read_object(path).items():
        if name not in FIELDS:
            raise RequestValidationError(f"{name} is no field of a SKU{_suggestion(name)}", field="body")
        if FIELDS[name] in fields:
            raise RequestValidationError(f"{name} is there twice, in two spellings", field="body")
        fields[FIELDS[name]] = value
    return fields


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, WIRE_FIELDS, n=1)
    return f". Did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(WIRE_FIELDS))}"


def print_skus(found: Sequence[Sku], context: Context) -> None:
    """Print SKUs: a table, or with --json each SKU's own JSON on a line."""
    if context.json:
        print_data(lines([sku.raw or _to_json(sku) for sku in found]))
    else:
        print_rows([_row(sku) for sku in found], _COLUMNS)


def _to_json(sku: Sku) -> bytes:
    """Encode a SKU that the service did not send back: what was asked of it."""
    known = {"id": sku.id, **{wire: getattr(sku, field) for wire, field in WIRE_FIELDS.items()}}
    told = {wire: value for wire, value in known.items() if value is not None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _row(sku: Sku) -> dict[str, Any]:
    return {
        "id": sku.id,
        "name": sku.name,
        "gender": sku.gender,
        "category": sku.sku_category_name,
        "wardrobe": sku.is_in_wardrobe,
        "projects": ";".join(map(str, sku.project_ids or ())),
        "front image": sku.front_image,
        "back image": sku.back_image,
    }
