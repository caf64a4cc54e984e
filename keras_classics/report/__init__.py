"""Run directories in, figures and one HTML page out."""

from keras_classics.report.page import write_report
from keras_classics.report.run_files import ReportError

__all__ = ["ReportError", "write_report"]
