"""Bulk reading: all results of many briefs, or all SKUs, into files. It can be killed at any time, and goes on."""

from ..jobs import BriefOutcome, claims
from ._export import (
    ExportOptions,
    ExportProgress,
    ExportReport,
    ResultsExport,
    SkuExport,
    export_results,
    export_skus,
    needed_folder,
    results_export,
)
from .formats import lines

__all__ = [
    "BriefOutcome",
    "ExportOptions",
    "ExportProgress",
    "ExportReport",
    "ResultsExport",
    "SkuExport",
    "claims",
    "export_results",
    "export_skus",
    "lines",
    "needed_folder",
    "results_export",
]
