"""Where pictures and labels come from."""

from keras_classics.data.sources.folder import FileSource
from keras_classics.data.sources.load import Source, hold_out, load
from keras_classics.data.sources.records import RecordSource

__all__ = ["FileSource", "RecordSource", "Source", "hold_out", "load"]
