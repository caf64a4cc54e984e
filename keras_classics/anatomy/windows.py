"""Windows that slide over maps: how many there are, and how much of a picture lies behind them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from keras_classics import checks


def output_size(
    size: int, kernel_size: int, strides: int = 1, padding: int | Literal["same", "valid"] = 0
) -> int:
    """Returns how many windows lie side by side: (size + 2 · padding − kernel) / stride + 1.

    A last window that does not fit is left out: the quotient is rounded down.

    Args:
        size: side of the picture or map in pixels.
        kernel_size: side of the window in pixels.
        strides: pixels from one window to the next.
        padding: pixels of border on either side; "valid" for none; "same" for as many as give
            size / stride, rounded up, where Keras puts an odd one behind.

    Raises:
        ValueError: for an argument that is none of the above, or a window larger than the picture.

    Reference:
        Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", section 2.

    Example:
        >>> from keras_classics import output_size
        >>> output_size(227, 11, strides=4)    # conv1 of AlexNet
        55
        >>> output_size(32, 5), output_size(28, 5, padding=2), output_size(224, 7, 2, "same")
        (28, 28, 112)
    """
    checks.integer("size", size)
    checks.integer("kernel_size", kernel_size)
    checks.integer("strides", strides)
    if isinstance(padding, str):
        checks.choice("padding", padding, ("same", "valid"))
        if padding == "same":
            return -(-size // strides)
        padding = 0
    checks.integer("padding", padding, 0)
    if kernel_size > size + 2 * padding:
        rule = f"at most {size + 2 * padding}, the size with its padding"
        checks.refuse("kernel_size", rule, kernel_size)
    return (size + 2 * padding - kernel_size) // strides + 1


class Side(NamedTuple):
    """What a unit sees along one side of the picture.

    Attributes:
        size: pixels that it depends on.
        step: pixels between what it sees and what its neighbour sees.
    """

    size: int = 1
    step: int = 1

    def behind(self, kernel_size: int, strides: int = 1, dilation: int = 1) -> Side:
        """Returns what a window of such units sees."""
        return Side(self.size + (kernel_size - 1) * dilation * self.step, self.step * strides)


# Of one unit: a `Side` for each side of the picture, "all" of it, or None where it is not known.
Field = tuple[Side, ...] | Literal["all"] | None
