"""The body of a create or an update: JSON in, complete fields out, 400 for what the documentation does not allow."""

import json
from collections.abc import Callable
from typing import Any, Final, cast

from aishoot_async.sandbox._wire import Call, PlatformError

GENDERS: Final = ("male", "female")
CATEGORIES: Final = ("top", "bottom", "outfit", "socks", "shoes", "hats")
_LARGEST: Final = 2**63 - 1


def _not_json(detail: str) -> PlatformError:
    return PlatformError(400, f"JSON parse error: {detail}")


def _no_constant(name: str) -> float:
    raise ValueError(f"Non-standard token '{name}'")


def read_object(call: Call) -> dict[str, Any]:
    """Return the JSON object that a call holds; `PlatformError` 415 for another media type, 400 for anything else."""
    if call.content_type != "application/json":
        raise PlatformError(415, f"Content-Type '{call.content_type}' is not supported")
    try:
        document = json.loads(call.body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _not_json(str(error)) from None
    if not isinstance(document, dict):
        raise _not_json("Cannot deserialize value: an object is expected")
    return cast("dict[str, Any]", document)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _not_json(f"{name} must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _not_json(f"{name} holds a lone surrogate") from None
    return value


def _required_text(name: str, value: object) -> str:
    if value is None or not _text(name, value).strip():
        raise PlatformError(400, f"{name}: must not be blank")
    return _text(name, value)


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _flag(name: str, value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise _not_json(f"{name} must be a boolean")
    return bool(value)


def _project_ids(name: str, value: object) -> list[int]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _not_json(f"{name} must be an array")
    projects = cast("list[Any]", value)
    for project in projects:
        if isinstance(project, bool) or not isinstance(project, int) or project > _LARGEST:
            raise _not_json(f"{name} must hold integers")
        if project < 1:
            raise PlatformError(400, f"{name}: must be greater than 0")
    return projects


def _word(words: tuple[str, ...]) -> Callable[[str, object], str | None]:
    def check(name: str, value: object) -> str | None:
        if value is not None and value not in words:
            raise _not_json(f"{name} must be one of {', '.join(words)}")
        return _optional_text(name, value)

    return check


_FIELDS: Final[dict[str, Callable[[str, object], Any]]] = {
    "name": _required_text,
    "frontImage": _required_text,
    "backImage": _optional_text,
    "gender": _word(GENDERS),
    "isInWardrobe": _flag,
    "projectIds": _project_ids,
    "skuCategoryName": _word(CATEGORIES),
}


def complete_fields(document: dict[str, Any]) -> dict[str, Any]:
    """Every body field, checked; what is left out or null gets the documented default. Unknown members are ignored.

    The same for create and update: an update is a full replacement, so that leaving a field out erases it.
    """
    return {name: check(name, document.get(name)) for name, check in _FIELDS.items()}
