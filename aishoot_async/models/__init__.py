"""What goes over the wire, as typed values: keyword-only, immutable, snake_case here and camelCase there."""

from ._paging import EnvelopePaths, Page, PagingOptions, PagingReport
from ._raw import draft
from ._result import Asked, BriefResult, Heard, Reading
from ._sku import WIRE_NAMES, Sku, SkuChanges, SkuCreate, SkuUpdate, check_changes
from ._values import UNSET, Gender, Known, SkuCategory, UnknownValue, Unset

__all__ = [
    "UNSET",
    "WIRE_NAMES",
    "Asked",
    "BriefResult",
    "EnvelopePaths",
    "Gender",
    "Heard",
    "Known",
    "Page",
    "PagingOptions",
    "PagingReport",
    "Reading",
    "Sku",
    "SkuCategory",
    "SkuChanges",
    "SkuCreate",
    "SkuUpdate",
    "UnknownValue",
    "Unset",
    "check_changes",
    "draft",
]
