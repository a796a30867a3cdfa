"""The operations of the API, as typed verbs."""

from ._content import digest, look_at, open_file
from .briefs import BriefResource
from .images import ImageResource
from .skus import SkuResource

__all__ = ["BriefResource", "ImageResource", "SkuResource", "digest", "look_at", "open_file"]
