"""The one exception of this package's data."""


class DataError(ValueError):
    """Data that cannot be had or used; its message is one sentence that says what to do."""
