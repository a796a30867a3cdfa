"""What goes over the wire, as typed values: keyword-only, immutable, snake_case here and camelCase there."""

from ._asked import Asked, Heard, Reading
from ._paging import EnvelopePaths, Page, PagingOptions, PagingReport
from ._raw import draft
from ._result import BriefResult
from ._sku import WIRE_NAMES, Sku, SkuChanges, SkuCreate, SkuUpdate, check_changes
from ._values import CATEGORIES, GENDERS, UNSET, Gender, SkuCategory, UnknownValue, Unset

__all__ = [
    "CATEGORIES",
    "GENDERS",
    "UNSET",
    "WIRE_NAMES",
    "Asked",
    "BriefResult",
    "EnvelopePaths",
    "Gender",
    "Heard",
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
