"""What every builder does the same way: checks at its start, the model at its end, its variants."""

import functools
import inspect
import re
from pathlib import Path

import keras
from keras import layers

from keras_classics.layers import BatchNormalization


def check_choice(argument, value, choices):
    """Raises a ValueError that names the argument, what is legal and what came."""
    # By type too: True would pass for 1.
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        legal = ", ".join(f'"{c}"' if isinstance(c, str) else repr(c) for c in choices)
        raise ValueError(f"`{argument}` must be one of {legal}. Received: {argument}={value!r}")


def check_rate(argument, value):
    """Raises a ValueError unless the value is a rate of dropout: 0 or more, below 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(
            f"`{argument}` must be in 0 … 1, without 1. Received: {argument}={value!r}"
        )


def check_common(num_classes, include_top, pooling, weights, application=None):
    """Checks the arguments that all builders share."""
    is_count = isinstance(num_classes, int) and not isinstance(num_classes, bool)
    if include_top and (not is_count or num_classes < 1):
        raise ValueError(
            f"`num_classes` must be a positive integer. Received: num_classes={num_classes!r}"
        )
    check_choice("pooling", pooling, (None, "avg", "max"))
    if weights is None or (application and weights == "imagenet"):
        return
    if not isinstance(weights, str | Path) or not Path(weights).expanduser().is_file():
        imagenet = ', "imagenet"' if application else ""
        raise ValueError(
            f"`weights` must be None{imagenet} or the path of a file. "
            f"Received: weights={str(weights)!r}"
        )


def picture_shape(input_shape, default, *, smallest=1, known=False):
    """Returns the checked shape of one picture, or the default in Keras' data format.

    Args:
        input_shape: what the user gave, in Keras' data format; None for the default.
        default: (height, width, channels).
        smallest: side in pixels below which the network has nothing left to look at.
        known: whether height and width must be given, as dense layers on maps need it.
    """
    channels_last = keras.config.image_data_format() == "channels_last"
    if input_shape is None:
        return default if channels_last else (default[2], *default[:2])

    def is_size(value, least):
        return type(value) is int and value >= least

    shape = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
    if len(shape) == 3:
        *sizes, channels = shape if channels_last else (*shape[1:], shape[0])
        fits = all((s is None and not known) or is_size(s, smallest) for s in sizes)
        if fits and is_size(channels, 1):
            return shape
    order = "(height, width, channels)" if channels_last else "(channels, height, width)"
    raise ValueError(
        f"`input_shape` must be {order}, at least {smallest} pixels high and wide"
        f"{'' if known else ', or None for any'}. Received: input_shape={input_shape!r}"
    )


def channel_axis():
    """Returns the axis of the channels in Keras' data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def sides(x):
    """Returns (height, width) of maps in Keras' data format."""
    return tuple(x.shape[1:3] if channel_axis() == -1 else x.shape[2:4])


def batch_norm_relu(x, name):
    """Batch normalisation and ReLU behind the convolution of that name."""
    x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def finish(inputs, outputs, *, include_top, pooling, weights, name, application=None):
    """Returns the model, pooled if it has no top, with weights loaded if there are any."""
    if not include_top and pooling:
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
        outputs = pool(name=f"{pooling}_pool")(outputs)
    model = keras.Model(inputs, outputs, name=name)
    if weights is None:
        return model
    from keras_classics import weights as published

    if application and weights == "imagenet":
        published.load_keras_applications(model, application)
    else:
        published.load_weights_file(model, weights)
    return model


def variant(builder, **fixed):
    """Makes a builder of its own out of a docstring: `builder` with some arguments fixed.

    The function has the remaining arguments as its signature, its own name as the model's, and
    below its own docstring the builder's from "Args:" to the example.

        @variant(resnet, depth=18)
        def resnet18():
            '''Builds ResNet-18.'''
    """

    def decorate(function):
        signature = inspect.signature(builder)
        parameters = [
            p.replace(default=function.__name__) if p.name == "name" else p
            for p in signature.parameters.values()
            if p.name not in fixed
        ]
        signature = signature.replace(parameters=parameters)

        @functools.wraps(function)
        def build(*arguments, **options):
            try:
                bound = signature.bind(*arguments, **options)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            return builder(**fixed, **{"name": function.__name__, **bound.arguments})

        del build.__wrapped__  # else its signature would be shown
        build.__signature__ = signature
        rest = inspect.cleandoc(builder.__doc__)
        rest = rest[rest.index("Args:") : rest.index("Example:")].rstrip()
        for name in fixed:  # an entry with the lines that continue it
            rest = re.sub(rf"\n    {name}: .*(\n     .*)*", "", rest)
        own, _, example = inspect.cleandoc(function.__doc__).partition("Example:")
        parts = [own.strip(), rest] + ([f"Example:{example}"] if example else [])
        build.__doc__ = "\n\n".join(parts)
        return build

    return decorate
