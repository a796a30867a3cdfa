"""An item of a catalog: what somebody wants the service to have."""

import attrs

from ..errors import CatalogError
from ..models import SkuCreate
from ._keys import clean_key


def _key(value: object) -> str:
    key = clean_key(value) if isinstance(value, str) else ""
    if not key:
        problem = f"key must be a string that shows something, not {value!r}"
    elif "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
        problem = f"key must be text without NUL and lone surrogates, not {value!r}"
    else:
        return key
    raise CatalogError(problem, field="key")


def _sku(_item: object, _field: "attrs.Attribute[SkuCreate]", value: object) -> None:
    if not isinstance(value, SkuCreate):
        raise CatalogError(f"sku must be a SkuCreate, not a {type(value).__name__}", field="sku")


@attrs.frozen
class CatalogItem:
    """What the service should have under a key.

    Attributes:
        key: your own stable name of the item; it never changes, whatever else does. White space and characters that
            show nothing are taken off its ends.
        sku: the SKU's fields. What is left out (`UNSET`) is not the catalog's business: it is never changed. The
            images are identifiers, or paths of pictures.
        line: where a file has it, from 1; ``None`` where there is no file.

    Raises:
        CatalogError: the key or the SKU cannot be one.
    """

    key: str = attrs.field(converter=_key)
    sku: SkuCreate = attrs.field(validator=_sku)
    line: int | None = attrs.field(default=None, kw_only=True)
