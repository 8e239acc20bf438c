"""Operators that bring reports and counters into files."""

from .dataset import InsightsDatasetOperator
from .export import InsightsExportOperator
from .flowxo import FlowXoMetricsOperator

__all__ = ["FlowXoMetricsOperator", "InsightsDatasetOperator", "InsightsExportOperator"]
