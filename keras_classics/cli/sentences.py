"""How a command ends where it cannot go on: with one sentence, in the words of its command line."""

import gc
import re
import sys

from keras_classics.cli.signals import SIGINT_STATUS, stopped
from keras_classics.errors import UserError

# Arguments of the library that have a flag of another name.
_FLAGS = {"dataset": "data", "gradient_accumulation_steps": "accumulate"}


def end_in_a_sentence(function, arguments):
    """Calls a function; on the user's errors, and when interrupted, the process ends with why.

    An interrupt comes here where the process is not the command's own; see `signals`.

    Args:
        function: function ().
        arguments: what the command line was parsed to, whose flags the sentence names.
    """
    try:
        function()
        return
    except UserError as error:
        # One line, also of Keras' own.
        problem = f"error: {' '.join(in_flags(str(error), arguments).split())}"
    except KeyboardInterrupt:
        print(stopped(), file=sys.stderr)
        problem = SIGINT_STATUS
    # The traceback held pipelines, whose threads call Python: they have to end while there is one,
    # or the process hangs or aborts instead of ending.
    gc.collect()
    sys.exit(problem)


def in_flags(text, arguments):
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
