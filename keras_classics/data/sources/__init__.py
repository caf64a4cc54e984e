"""Where images and labels come from."""

from keras_classics.data.sources.files import FileSource
from keras_classics.data.sources.load import load
from keras_classics.data.sources.memory import Source
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.sources.splitting import hold_out

__all__ = ["FileSource", "RecordSource", "Source", "hold_out", "load"]
