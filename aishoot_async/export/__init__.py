"""Bulk reading: all results of many briefs, or all SKUs, into files. It can be killed at any time, and goes on."""

from ._claims import claims, needed_folder
from ._encoders import lines
from ._export import export_results, export_skus
from ._report import BriefOutcome, ExportProgress, ExportReport

__all__ = [
    "BriefOutcome",
    "ExportProgress",
    "ExportReport",
    "claims",
    "export_results",
    "export_skus",
    "lines",
    "needed_folder",
]
