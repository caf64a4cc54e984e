"""What every builder does the same way at its end."""

from pathlib import Path

import keras
from keras import layers


def check_choice(argument, value, choices):
    """Raises a ValueError that names the argument, what is legal and what came."""
    if value not in choices:
        legal = ", ".join(f'"{c}"' if isinstance(c, str) else repr(c) for c in choices)
        raise ValueError(f"`{argument}` must be one of {legal}. Received: {argument}={value!r}")


def finish(inputs, outputs, *, include_top, pooling, weights, name):
    """Returns the model, pooled if it has no top, with weights loaded if there are any."""
    check_choice("pooling", pooling, (None, "avg", "max"))
    if weights is not None and not Path(weights).is_file():
        raise ValueError(
            f"`weights` must be None or the path of a file. Received: weights={str(weights)!r}"
        )
    if not include_top and pooling:
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
        outputs = pool(name=f"{pooling}_pool")(outputs)
    model = keras.Model(inputs, outputs, name=name)
    if weights is not None:
        model.load_weights(weights)
    return model
