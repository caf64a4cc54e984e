"""Runs beside each other: those below a folder, and what several of them say together."""

from keras_classics.comparison.compare import ComparisonError, compare
from keras_classics.comparison.rows import Comparison, Row
from keras_classics.comparison.run_list import list_runs

__all__ = ["Comparison", "ComparisonError", "Row", "compare", "list_runs"]
