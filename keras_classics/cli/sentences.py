"""How a command ends where it cannot go on: with one sentence, in the words of its command line."""

from __future__ import annotations

import argparse
import gc
import re
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any, NoReturn

from keras_classics.cli.signals import SIGINT_STATUS, stopped
from keras_classics.errors import UserError, lacks_memory

# Arguments of the library that have a flag of another name.
_FLAGS = {"dataset": "data", "gradient_accumulation_steps": "accumulate"}
_LONGEST = 260  # characters of a sentence with a long word; the program's name stands before it
_SHORTENED = 40  # characters of a word that are always left


class Parser(argparse.ArgumentParser):
    """Argparse's parser: no text is empty, and errors show what was typed on one line."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("type", None, _text)

    def error(self, message: str) -> NoReturn:
        """See `argparse.ArgumentParser`."""
        super().error(one_line(message))


def _text(value):
    """A text that was typed; none, where a variable of the shell was empty."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the text is empty")
    return value


def end_in_a_sentence(function: Callable[[], object], arguments: Namespace) -> None:
    """Calls a function; on the user's errors, and when interrupted, the process ends with why.

    An interrupt comes here where the process is not the command's own; see `signals`.

    Args:
        function: function ().
        arguments: what the command line was parsed to, whose flags the sentence names.
    """
    problem: str | int
    try:
        function()
        return
    except UserError as error:
        problem = f"error: {one_line(in_flags(str(error), arguments))}"
    except OSError as error:  # a path that no file system takes, a link to itself, no rights
        if error.filename is None:
            raise
        problem = f"error: {one_line(f'{error.filename} cannot be used ({error.strerror}).')}"
    except KeyboardInterrupt:
        print(stopped(), file=sys.stderr)
        problem = SIGINT_STATUS
    except Exception as error:  # as in measuring; training says which batch to try
        if not lacks_memory(error):
            raise
        rule = "; try a smaller `batch_size`" if hasattr(arguments, "batch_size") else ""
        problem = f"error: {in_flags(f'There is not enough free memory{rule}.', arguments)}"
    # The traceback held pipelines, whose threads call Python: they have to end while there is one,
    # or the process hangs or aborts instead of ending.
    gc.collect()
    sys.exit(problem)


def in_flags(text: str, arguments: Namespace) -> str:
    """Returns a sentence with flags in the place of the arguments that it names in backticks.

    Args:
        text: the sentence.
        arguments: an `argparse.Namespace`, whose names are those of the flags.

    Example:
        >>> import argparse
        >>> from keras_classics.cli.sentences import in_flags
        >>> in_flags("`batch_size` is 0, `j` is 1.", argparse.Namespace(batch_size=0))
        '--batch-size is 0, `j` is 1.'
    """

    def flag(match):
        name = _FLAGS.get(match[1], match[1])
        return f"--{name.replace('_', '-')}" if hasattr(arguments, name) else match[0]

    return re.sub(r"`(\w+)`", flag, text)


def one_line(text: str) -> str:
    r"""Returns a sentence as one line, for a terminal that obeys what it is sent.

    What cannot be shown is escaped. Where the line would be too long, the longest words lose their
    middle: somebody typed them, and they say nothing by their length.

    Example:
        >>> from keras_classics.cli.sentences import one_line
        >>> one_line("a red\n\x1b[31mword")
        'a red \\x1b[31mword'
    """
    text = "".join(c if c.isprintable() else _escaped(c) for c in " ".join(text.split()))
    while len(text) > _LONGEST:
        word = max(text.split(), key=len)
        kept = max(_SHORTENED, len(word) - (len(text) - _LONGEST)) // 2 - 1
        if len(word) <= _SHORTENED:
            break
        text = text.replace(word, f"{word[:kept]}…{word[-kept:]}")
    return text


def _escaped(character):
    """A byte of a name that is no UTF-8 as that byte, all else by its number."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:x}"
    return character.encode("unicode_escape").decode()
