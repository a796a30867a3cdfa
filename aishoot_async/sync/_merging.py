"""Pure: the body of an update. A PUT replaces the whole SKU, so what is not to be changed has to be carried over."""

from typing import Any

from ..errors import RequestValidationError
from ..models import WIRE_NAMES, Sku, SkuUpdate
from ._fields import (
    FIELDS,
    IMAGES,
    Fields,
    matches_desired,
    project_numbers,
    remote_fields,
    request_fields,
    without_query,
)
from ._operations import TrackedSku
from ._plan import SyncEntry

Rendering = tuple[str, str]
"""What the service puts before and after an image's identifier."""


def update_body(entry: SyncEntry, fresh: Sku, item: TrackedSku) -> SkuUpdate:
    """Return the body of an update: what the catalog states, and everything else as the service has it.

    What the service does not show is sent as it was last applied, if it ever was.

    Raises:
        RequestValidationError: a field cannot be carried over, because it was shown in a form that cannot be sent.
    """
    row = remote_fields(fresh)
    fields: dict[str, Any] = {field: value for field, value in entry.wanted.items() if field not in entry.left}
    rendering = _rendering(item)
    for field in FIELDS:
        if field in fields:
            continue
        if row.get(field) is None:
            if field not in row and field in item.applied:
                fields[field] = item.applied[field]
        elif field in IMAGES and isinstance(row[field], str):
            fields[field] = _identifier(field, row[field], item.applied, rendering)
        elif (
            field == "project_ids"
            and fresh.project_ids is None
            and (numbers := project_numbers(row[field])) is not None
        ):
            fields[field] = sorted(numbers)
    return SkuUpdate.from_sku(fresh, **request_fields(fields))


def _rendering(item: TrackedSku) -> Rendering:
    """Learn from an image that was sent what the service puts around identifiers."""
    for field in IMAGES:
        sent, seen = item.sent.get(field), (item.row or {}).get(field)
        if isinstance(sent, str) and isinstance(seen, str):
            for form in (without_query(seen), seen):
                if form.count(sent) == 1:
                    before, _, behind = form.partition(sent)
                    return before, behind
    return "", ""


def _identifier(field: str, value: str, applied: Fields, rendering: Rendering) -> str:
    """Return the identifier in an image as the service shows it."""
    if matches_desired(field, applied.get(field), value):
        return str(applied[field])
    before, behind = rendering
    form = without_query(value) if before or behind else value
    if not form.endswith(behind):
        form = value  # the identifier stands in the query
    inside = form.removeprefix(before).removesuffix(behind)
    is_signed = rendering == ("", "") and without_query(value) != value
    if len(inside) != len(form) - len(before) - len(behind) or not inside.strip() or is_signed:
        msg = (
            f"{field} cannot be carried over: the service shows {WIRE_NAMES[field]} as {value!r}, and it cannot be "
            f"told which identifier that is; state it in the catalog"
        )
        raise RequestValidationError(msg, field=field)
    return inside
