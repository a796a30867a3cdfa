"""Bulk reading: all results of a brief into a file."""

from ._export import ExportProgress, ExportReport, export_results
from ._jsonl import lines

__all__ = ["ExportProgress", "ExportReport", "export_results", "lines"]
