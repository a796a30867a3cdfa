"""Which operation a request is: by the raw segments of its path, each percent-decoded exactly once.

A client library may tidy a path, a server library may tidy it again; an id is only what it is when nobody does.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from aishoot_async.sandbox._wire import PlatformError

_ID: Final = "{id}"
_ROUTES: Final[dict[tuple[str, ...], dict[str, str]]] = {
    ("ai-shoot", "skus"): {"GET": "list_skus", "POST": "create_sku"},
    ("ai-shoot", "skus", "global"): {"GET": "list_global_skus", "PUT": "update_sku", "DELETE": "delete_sku"},
    ("ai-shoot", "skus", _ID): {"PUT": "update_sku", "DELETE": "delete_sku"},
    ("ai-shoot", "briefs", _ID, "results"): {"GET": "brief_results"},
    ("upload",): {"POST": "upload", "HEAD": "upload_exists"},
    ("images", _ID): {"GET": "image"},
    ("oauth", "device", "code"): {"POST": "device_code"},
    ("oauth", "token"): {"POST": "token"},
    ("oauth", "revoke"): {"POST": "revoke"},
    ("activate",): {"GET": "activate"},
}
_ID_SEGMENT: Final = {"update_sku": 2, "delete_sku": 2, "brief_results": 2, "image": 1}
UNKNOWN: Final = "unknown"


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Split a request target into its raw path and its query (of a name that is repeated, the first value)."""
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    return path, dict(reversed(parse_qsl(query, keep_blank_values=True)))


def _fits(pattern: tuple[str, ...], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        part in {_ID, segment} for part, segment in zip(pattern, segments, strict=True)
    )


def find_operation(method: str, path: str, form: Mapping[str, str]) -> tuple[str, str]:
    """Return the operation, and the id that the path names (or an empty string).

    Raises `PlatformError`: 404 for an unknown path, 405 for a known one, 400 for an id that is not UTF-8.
    """
    segments = path.removeprefix("/").split("/")
    pattern = next((pattern for pattern in _ROUTES if _fits(pattern, segments)), None)
    if pattern is None:
        raise PlatformError(404, "No endpoint for this path")
    operation = _ROUTES[pattern].get(method)
    if operation is None:
        raise PlatformError(405, f"Request method '{method}' is not supported", {"Allow": ", ".join(_ROUTES[pattern])})
    if operation == "token" and form.get("grant_type") == "refresh_token":
        return "refresh", ""
    place = _ID_SEGMENT.get(operation)
    if place is None:
        return operation, ""
    try:
        return operation, unquote(segments[place], errors="strict")
    except UnicodeDecodeError:
        raise PlatformError(400, "The path is not valid UTF-8") from None
