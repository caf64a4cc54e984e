"""The base of all errors that a user can do something about, and how full memory is told."""

import re

# How TensorFlow, JAX, PyTorch on a GPU and on a processor, cuDNN and cuBLAS, and NumPy say it.
_NO_MEMORY = (
    r"(?i)OOM when allocating|RESOURCE_EXHAUSTED|out.of.memory|allocate memory|_ALLOC_FAILED|"
    "Unable to all"
)


class UserError(Exception):
    """Something that its user can put right; the message is one sentence that says how.

    The sentence names arguments, in backticks; the command lines put their flags in the place of
    them. Each room derives its own: `except UserError` is all that a caller needs.
    """


def lacks_memory(error: BaseException) -> bool:
    """Tells whether an error of Python, NumPy or a backend says that memory is full.

    Example:
        >>> from keras_classics.errors import lacks_memory
        >>> lacks_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."))
        True
    """
    return isinstance(error, MemoryError) or bool(re.search(_NO_MEMORY, str(error)))
