"""Pure: what the answers to a create, an update and a delete say. Their bodies are not documented."""

import re
from typing import Any, Final
from urllib.parse import unquote

import attrs

from .. import codec, jsontext
from ..errors import UnexpectedResponseError
from ..models import UNSET, WIRE_NAMES, Sku, SkuCreate, SkuUpdate
from ..transport import Response

_SKUS: Final = "/ai-shoot/skus/"
_NOTHING: Final = (b"", b"null", b"{}")


def created(response: Response, request: SkuCreate) -> Sku:
    """Read a 201: the SKU, an object around it, its id alone, or a ``Location`` without a body.

    Raises:
        UnexpectedResponseError: it holds no id.
    """
    body = response.body.strip()
    if body in _NOTHING:
        return _completed(Sku(id=_located(response)), request)
    if jsontext.kind(body) not in {"a string", "a number"}:
        return _completed(codec.sku(_unwrapped(body)), request)
    identifier = jsontext.value(body)
    if identifier == "" or not isinstance(identifier, str | int):
        msg = "the answer to a create holds no id: a non-empty string or an integer"
        raise UnexpectedResponseError(msg, body=response.body)
    return _completed(Sku(id=str(identifier)), request)


def _located(response: Response) -> str:
    """Read the new SKU's id from the last segment of ``Location``."""
    path = re.split("[?#]", response.headers.get("Location", ""), maxsplit=1)[0]
    _, _, tail = path.partition(_SKUS)
    try:
        identifier = unquote(tail, errors="strict")
        identifier.encode()  # what was no text in the header is a lone surrogate here
    except UnicodeError:
        identifier = ""
    if not identifier or "/" in tail:
        msg = "the answer to a create has neither a body nor a Location, so the new SKU's id is not known"
        raise UnexpectedResponseError(msg, body=response.body)
    return identifier


def updated(response: Response, sku_id: str, request: SkuUpdate) -> Sku:
    """Read a 2xx to a PUT: the SKU, or nothing.

    Raises:
        UnexpectedResponseError: it is something else, or another SKU.
    """
    body = response.body.strip()
    if body in _NOTHING:
        return _completed(Sku(id=sku_id), request)
    text = _unwrapped(body)
    members = jsontext.members(text) if jsontext.kind(text) == "an object" else None
    if members is not None and not {"id", "skuId"} & members.keys() and WIRE_NAMES.values() & members.keys():
        return _completed(codec.sku(text, default_id=sku_id), request)
    sku = codec.sku(text)
    if sku.id != sku_id:
        msg = f"SKU {sku_id!r} was updated, and the answer is about {sku.id!r}"
        raise UnexpectedResponseError(msg, where="id", body=body)
    return _completed(sku, request)


def deleted(response: Response) -> None:
    """Read a 2xx to a DELETE: anything but a web page, which no API answers with.

    Raises:
        UnexpectedResponseError: it is one.
    """
    said = response.body.lstrip()
    if said.startswith(b"<") or (said and "html" in response.headers.get("Content-Type", "").lower()):
        msg = "the answer to a delete is a web page: is there a proxy or a login page in between?"
        raise UnexpectedResponseError(msg, body=response.body)


def _unwrapped(body: bytes) -> bytes:
    """Take a SKU out of an object that holds it and nothing else, such as ``{"sku": {...}}``."""
    jsontext.check_utf8(body)
    if jsontext.kind(body) == "an object" and codec.sku_row_id(body) is None:
        members = jsontext.members(body)
        inside = next(iter(members.values()), b"")
        if len(members) == 1 and jsontext.kind(inside) == "an object":
            return inside
    return body


def _completed(sku: Sku, request: SkuCreate) -> Sku:
    """Fill in what the service left out of its answer, from what it has just accepted."""
    missing: dict[str, Any] = {}
    for field in WIRE_NAMES:
        if getattr(sku, field) is None and (value := getattr(request, field)) is not UNSET:
            missing[field] = value
    # What it gave in a form that is not documented stands there; the id alone, one member, need not be looked through.
    unread = sku.extra if missing and sku.raw.count(b":") > 1 else {}
    filled = {field: value for field, value in missing.items() if WIRE_NAMES[field] not in unread}
    return attrs.evolve(sku, **filled) if filled else sku
