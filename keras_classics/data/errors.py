"""The one exception of this package's data."""

from keras_classics.errors import UserError


class DataError(UserError, ValueError):
    """Data that cannot be had or used; its message is one sentence that says what to do."""
