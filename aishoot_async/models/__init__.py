"""What goes over the wire, as typed values: keyword-only, immutable, snake_case here and camelCase there."""

from collections.abc import Mapping
from typing import Any, Final

from ._paging import EnvelopePaths, Page, PagingOptions, PagingReport
from ._raw import LazyRaw
from ._result import BRIEF_RESULT, BriefResult
from ._sku import SKU, WIRE_NAMES, Sku, SkuChanges, SkuCreate, SkuUpdate, check_changes
from ._spec import ModelSpec
from ._values import CATEGORIES, GENDERS, UNSET, Gender, SkuCategory, UnknownValue, Unset

__all__ = [
    "BRIEF_RESULT",
    "CATEGORIES",
    "GENDERS",
    "MODELS",
    "SKU",
    "UNSET",
    "WIRE_NAMES",
    "BriefResult",
    "EnvelopePaths",
    "Gender",
    "LazyRaw",
    "ModelSpec",
    "Page",
    "PagingOptions",
    "PagingReport",
    "Sku",
    "SkuCategory",
    "SkuChanges",
    "SkuCreate",
    "SkuUpdate",
    "UnknownValue",
    "Unset",
    "check_changes",
]

MODELS: Final[Mapping[type, ModelSpec[Any]]] = {spec.model: spec for spec in (SKU, BRIEF_RESULT)}
"""One row a model: what a listing can give, and what ``into`` can name."""
