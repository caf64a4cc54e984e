"""What stands between the pixels 0 … 255 and the network, as a layer of the trained model."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class PixelRange:
    """Maps pixel 0 to `low` and pixel 255 to `high`, after a border of background pixels.

    Args:
        low: value of the background.
        high: value of the ink.
        padding: pixels of value 0 added on every side.

    Example:
        >>> import numpy as np
        >>> from keras_classics.training.normalization import PixelRange
        >>> layer = PixelRange(low=-0.1, high=1.175, padding=2)(source=None)
        >>> out = layer(np.full((1, 28, 28, 1), 255.0))
        >>> out.shape == (1, 32, 32, 1), round(float(out[0, 9, 9, 0]), 3)
        (True, 1.175)
    """

    low: float
    high: float
    padding: int = 0

    def __call__(self, source):
        steps = [keras.layers.ZeroPadding2D(self.padding)] if self.padding else []
        steps.append(keras.layers.Rescaling((self.high - self.low) / 255, offset=self.low))
        return keras.Sequential(steps, name="normalization")
