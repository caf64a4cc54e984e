"""What every builder does the same way: checks at its start, the model at its end, its variants."""

import functools
import inspect
import os
import re
from pathlib import Path

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import BatchNormalization
from keras_classics.layers.common import activation_of

# With more of them a slip fills the memory: 100,000 classes have 1.6 GB of weights behind VGG.
_MOST_CLASSES = 100_000
_MOST_CHANNELS = 4096
# Of a side, where layers have weights for each pixel of their maps (VGG: 8.6 GB), and elsewhere.
_LARGEST_KNOWN, _LARGEST = 1024, 16_384


def check_common(
    *, num_classes, include_top, pooling, classifier_activation, weights, name, application=None
):
    """Checks the arguments that all builders share, before any layer is built."""
    checks.flags(include_top=include_top)
    if include_top:
        checks.integer("num_classes", num_classes, most=_MOST_CLASSES)
        activation_of("classifier_activation", classifier_activation)
    checks.choice("pooling", pooling, (None, "avg", "max"))
    if name is not None and not (isinstance(name, str) and name and "/" not in name):
        checks.refuse("name", 'a text without "/", or None', name)
    check_weights(weights, ("imagenet",) if application else ())


def check_weights(weights, names=()):
    """Raises unless `weights` is None, one of some names, or the path of a file."""
    if weights is None or (type(weights) is str and weights in names):
        return
    if not isinstance(weights, str | Path) or not os.path.isfile(os.path.expanduser(weights)):
        listed = "".join(f', "{name}"' for name in names)
        came = str(weights) if isinstance(weights, Path) else weights
        checks.refuse("weights", f"None{listed} or the path of a file", came)


def picture_shape(input_shape, default, *, smallest=1, known=False, largest=None):
    """Returns the checked shape of one picture, or the default in Keras' data format.

    Args:
        input_shape: what the user gave, in Keras' data format; None for the default.
        default: (height, width, channels).
        smallest: side in pixels below which the network has nothing left to look at.
        known: whether height and width must be given, as dense layers on maps need it.
        largest: side in pixels above which the network has more weights than fit into memory, or
            its maps more pixels; None for one that suits most.
    """
    channels_last = keras.config.image_data_format() == "channels_last"
    if input_shape is None:
        return default if channels_last else (default[2], *default[:2])

    def is_size(value, least):
        return type(value) is int and value >= least

    shape = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
    fits = False
    if len(shape) == 3:
        *sizes, channels = shape if channels_last else (*shape[1:], shape[0])
        fits = all((s is None and not known) or is_size(s, smallest) for s in sizes)
        fits = fits and is_size(channels, 1)
    if not fits:
        order = "(height, width, channels)" if channels_last else "(channels, height, width)"
        or_any = "" if known else ", or None for any"
        rule = f"{order}, at least {smallest} pixels high and wide{or_any}"
        checks.refuse("input_shape", rule, input_shape)
    largest = largest or (_LARGEST_KNOWN if known else _LARGEST)
    if max(size or 0 for size in sizes) > largest or channels > _MOST_CHANNELS:
        rule = f"at most {largest:,} pixels high and wide, with {_MOST_CHANNELS:,} channels"
        why = ", as this network has weights for every pixel of a map" if known else ""
        checks.refuse("input_shape", f"{rule} or less{why}", input_shape)
    return shape


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
