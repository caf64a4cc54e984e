"""What every builder does the same way: checks at its start, the model at its end, its variants."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import keras
from keras import layers

from keras_classics import checks
from keras_classics.compat import forget_used_tensors
from keras_classics.layers import BatchNormalization
from keras_classics.layers.common import activation_of

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Tensor, Weights

# What a variant gives its builder, and what is left to the caller.
_Given = TypeVar("_Given")
_Options = ParamSpec("_Options")

# With more of them a slip fills the memory: 100,000 classes have 1.6 GB of weights behind VGG.
_MOST_CLASSES = 100_000
_MOST_CHANNELS = 4096
# Of a side, where layers have weights for each pixel of their maps (VGG: 8.6 GB), and elsewhere.
_LARGEST_KNOWN, _LARGEST = 1024, 16_384


def check_common(
    *,
    num_classes: int,
    include_top: bool,
    pooling: Pooling,
    classifier_activation: Activation,
    weights: Weights,
    name: str | None,
    with_preprocessing: bool = False,
    application: str | None = None,
) -> None:
    """Checks the arguments that all builders share, before any layer is built."""
    checks.flags(include_top=include_top)
    if include_top:
        checks.integer("num_classes", num_classes, most=_MOST_CLASSES)
        activation_of("classifier_activation", last_activation(classifier_activation))
    checks.choice("pooling", pooling, (None, "avg", "max"))
    if name is not None and not (isinstance(name, str) and name and "/" not in name):
        checks.refuse("name", 'a text without "/", or None', name)
    check_weights(weights, ("imagenet",) if application else ())
    checks.flags(with_preprocessing=with_preprocessing)
    if with_preprocessing and (weights is None or str(weights).endswith(".weights.h5")):
        rule = "False where `weights` does not tell the pixels that it expects"
        checks.refuse("with_preprocessing", rule, with_preprocessing)


def last_activation(classifier_activation: Activation) -> Activation:
    """Returns the activation of the last layer with weights: "both" has its softmax behind it."""
    both = isinstance(classifier_activation, str) and classifier_activation == "both"
    return None if both else classifier_activation


def check_weights(weights: Weights, names: Sequence[str] = ()) -> None:
    """Raises unless `weights` is None, one of some names, a file, or a run directory."""
    if weights is None or (type(weights) is str and weights in names):
        return
    path = os.path.expanduser(weights) if isinstance(weights, str | Path) else ""
    if not os.path.isfile(path) and not os.path.isfile(os.path.join(path, "model.keras")):
        listed = "".join(f', "{name}"' for name in names)
        have = ""
        if isinstance(weights, str) and weights == "imagenet":
            have = " (ImageNet's are published for vgg16, vgg19, resnet50, resnet101, resnet152)"
        came = str(weights) if isinstance(weights, Path) else weights
        checks.refuse("weights", f"None{listed} or the path of a file or a run{have}", came)


def picture_shape(
    input_shape: Shape | None,
    default: Shape,
    *,
    smallest: int = 1,
    known: bool = False,
    largest: int | None = None,
) -> Shape:
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


def channel_axis() -> int:
    """Returns the axis of the channels in Keras' data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def sides(x: Tensor) -> Shape:
    """Returns (height, width) of maps in Keras' data format."""
    return tuple(x.shape[1:3] if channel_axis() == -1 else x.shape[2:4])


def batch_norm_relu(x: Tensor, name: str) -> Tensor:
    """Batch normalisation and ReLU behind the convolution of that name."""
    x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def finish(
    inputs: Tensor,
    outputs: Any,
    *,
    include_top: bool,
    pooling: Pooling,
    classifier_activation: Activation,
    weights: Weights,
    name: str | None,
    with_preprocessing: bool = False,
    application: str | None = None,
) -> keras.Model:
    """Returns the model, pooled if it has no top, with weights loaded if there are any."""
    if not include_top and pooling:
        pool = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}[pooling]
        outputs = pool(name=f"{pooling}_pool")(outputs)
    model = _frugal(keras.Model(inputs, outputs, name=name))
    if weights is not None:
        model = _load(model, weights, with_preprocessing, application)
    if include_top and classifier_activation == "both":
        softmax = layers.Softmax(axis=channel_axis(), name="probabilities")
        both = {"logits": model.output, "probabilities": softmax(model.output)}
        model = _frugal(keras.Model(model.inputs, both, name=name))
    return model


def _frugal(model):
    if keras.backend.backend() == "torch":
        forget_used_tensors(model)
    return model


def _load(model, weights, with_preprocessing, application):
    from keras_classics import weights as published
    from keras_classics.weights import own_models, pixels

    if application and weights == "imagenet":
        published.load_keras_applications(model, application)
        front = functools.partial(pixels.preprocessing, application.lower(), weights)
    elif file := own_models.model_file(weights):
        published.load_trained(model, weights)
        front = functools.partial(pixels.front_of, file)
    else:
        published.load_weights_file(model, weights)
        return model
    return complete(model, front()) if with_preprocessing else model


def complete(model: keras.Model, front: keras.layers.Layer) -> keras.Model:
    """Returns the model that takes pixels 0 … 255, with the layer of its weights in front."""
    pads = front.built and front.input.shape != front.output.shape
    shape = front.input.shape[1:] if pads else model.input_shape[1:]
    pixels = keras.Input(shape, name="pixels")
    return keras.Model(pixels, model(front(pixels)), name=model.name)


def variant(
    builder: Callable[Concatenate[_Given, _Options], keras.Model], given: _Given
) -> Callable[[Callable[[], keras.Model]], Callable[_Options, keras.Model]]:
    """Makes a builder of its own out of a name and a docstring: `builder` with its first argument.

    The rest of the signature is the builder's, but for the default of `name`, which is the
    function's own; so is what stands below the function's docstring, from "Args:" to the example.

        @variant(_resnet, 18)
        def resnet18() -> keras.Model:
            '''Builds ResNet-18.'''
    """

    def decorate(function: Callable[[], keras.Model]) -> Callable[_Options, keras.Model]:
        signature = inspect.signature(builder)
        _, *others = signature.parameters.values()
        named = {"name": function.__name__}
        signature = signature.replace(
            parameters=[p.replace(default=named.get(p.name, p.default)) for p in others]
        )

        @functools.wraps(function)
        def build(*arguments: _Options.args, **options: _Options.kwargs) -> keras.Model:
            try:
                signature.bind(*arguments, **options)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            options.setdefault("name", function.__name__)
            return builder(given, *arguments, **options)

        vars(build).pop("__wrapped__")  # else its signature would be shown
        vars(build)["__signature__"] = signature
        _, head, rest = inspect.cleandoc(builder.__doc__ or "").partition("Args:")
        build.__doc__ = f"{function.__doc__}\n\n{head}{rest.partition('Example:')[0].rstrip()}"
        return build

    return decorate
