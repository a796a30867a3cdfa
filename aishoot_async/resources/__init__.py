"""The operations of the API, as typed verbs."""

from .briefs import BriefResource
from .images import ImageResource
from .skus import SkuResource

__all__ = ["BriefResource", "ImageResource", "SkuResource"]
