"""The operations of the API, as typed verbs."""

from .briefs import BriefResource
from .skus import SkuResource

__all__ = ["BriefResource", "SkuResource"]
