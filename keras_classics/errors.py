"""The base of all errors that a user can do something about."""


class UserError(Exception):
    """Something that its user can put right; the message is one sentence that says how.

    The sentence names arguments, in backticks; the command lines put their flags in the place of
    them. Each room derives its own: `except UserError` is all that a caller needs.
    """
