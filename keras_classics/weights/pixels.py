"""The pixels that belong to weights: a network sees nothing of value through others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics import checks, shipped
from keras_classics.layers import PixelNormalization
from keras_classics.trained_model import load_model, network_of
from keras_classics.weights.own_models import model_file

if TYPE_CHECKING:
    import numpy.typing as npt

    from keras_classics.types import AnyPath

# Red, green, blue; the layer turns them round where `reverse_channels` says so.
_CAFFE: dict[str, Any] = {"mean": (123.68, 116.779, 103.939), "reverse_channels": True}
_TORCHVISION: dict[str, Any] = {
    "mean": tuple(255 * mean for mean in (0.485, 0.456, 0.406)),
    "deviation": tuple(255 * deviation for deviation in (0.229, 0.224, 0.225)),
}
# The mean colour of Caffe's mean image of ILSVRC-2012's training pictures (python/caffe/imagenet/
# ilsvrc_2012_mean.npy), and what models/bvlc_googlenet/train_val.prototxt has in its place.
_BVLC_ALEXNET: dict[str, Any] = {
    "mean": (122.6789143406786, 116.66876761696767, 104.0069879317889),
    "reverse_channels": True,
}
_BVLC_GOOGLENET: dict[str, Any] = {"mean": (123.0, 117.0, 104.0), "reverse_channels": True}

_NO_NETWORKS = ("fully_convolutional", "pretrained")
# Weights that others publish -> network -> how the layer is made.
_PUBLISHED: dict[str, dict[str, dict[str, Any]]] = {
    "imagenet": dict.fromkeys(("vgg16", "vgg19", "resnet50", "resnet101", "resnet152"), _CAFFE),
    "torchvision": dict.fromkeys(
        (
            *("vgg11", "vgg13", "vgg16", "vgg19"),
            *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
        ),
        _TORCHVISION,
    ),
    "bvlc": {"alexnet": _BVLC_ALEXNET, "googlenet": _BVLC_GOOGLENET},
}


def preprocessing(name: str, weights: AnyPath = "imagenet") -> keras.layers.Layer:
    """Returns the layer that makes, of pixels 0 … 255, what a network's weights expect.

    It can stand in front of any model, and is saved with it.

    Args:
        name: the network, as in `list_models()`.
        weights: "imagenet", those of keras.applications; "torchvision", also timm's; "bvlc",
            Caffe's AlexNet and GoogLeNet; the name of weights that come with the network, as
            "mnist"; or the path of a run directory or of a `.keras` file that training made, whose
            own layer it is then.

    Returns:
        A `keras.layers.Layer`.

    Input shape:
        (batch, height, width, channels) with channels last: red, green, blue in 0 … 255, or grey.

    Output shape:
        That of the network's input.

    Raises:
        ValueError: if the network has no weights of that name, with those that it has.
        UserError: if a file that comes with the package is missing or damaged.

    Reference:
        `preprocess_input` of keras.applications (its mode "caffe"), `transforms` of torchvision's
        weights, BVLC's `deploy.prototxt` and mean image.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> layer = keras_classics.preprocessing("resnet50", weights="imagenet")
        >>> [round(float(x), 3) for x in layer(np.array([[[[255, 0, 0]]]]))[0, 0, 0]]
        [-103.939, -116.779, 131.32]
    """
    check_pixels_known(name, weights)
    if isinstance(weights, str) and name in _PUBLISHED.get(weights, {}):
        return PixelNormalization(**_PUBLISHED[weights][name], name="preprocessing")
    if isinstance(weights, str) and weights in shipped.names(name):
        return front_of(shipped.folder(name, weights) / "model.keras")
    return front_of(Path(weights))


def preprocess_input(
    pixels: npt.ArrayLike, name: str, weights: AnyPath = "imagenet"
) -> npt.NDArray[np.float32]:
    """Returns pixels 0 … 255 as a network's weights expect them.

    Args:
        pixels: (batch, height, width, channels) in Keras' data format; they stay as they are.
        name: as for `preprocessing`.
        weights: as for `preprocessing`.

    Returns:
        A float32 array.

    Raises:
        ValueError, UserError: as `preprocessing`; also if the pixels have another shape.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> pixels = np.full((1, 224, 224, 3), 255, "uint8")
        >>> keras_classics.preprocess_input(pixels, "vgg16")[0, 0, 0].round(3).tolist()
        [151.061, 138.221, 131.32]
    """
    layer = preprocessing(name, weights)
    array = np.asarray(pixels)
    if array.ndim != 4 or array.dtype.kind not in "uif":
        raise ValueError(
            "`pixels` must be numbers of shape (batch, height, width, channels). Received: an "
            f"array of shape {array.shape} and type {array.dtype}"
        )
    axis = -1 if keras.config.image_data_format() == "channels_last" else 1
    channels = layer.input.shape[axis] if layer.built else len(layer.mean_value)
    if array.shape[axis] != channels:
        raise ValueError(f"`pixels` must have {channels} channels. Received: {array.shape}")
    # Their own type, float16 of a process of mixed precision, would come out.
    for one in (layer, *getattr(layer, "layers", ())):
        one.dtype_policy = "float32"
    return keras.ops.convert_to_numpy(layer(array.astype("float32")))


def front_of(path: Path) -> keras.layers.Layer:
    """Returns what stands before the network in a run directory or `.keras` file of training."""
    path = model_file(path) or path
    model = load_model(path, ValueError)
    network = network_of(model)
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            f"{path} prepares pixels with their channels last; call "
            'keras.config.set_image_data_format("channels_last") before.'
        )
    before = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    before = before[: before.index(network)] if network in before else []
    if not before:
        raise ValueError(
            f"{path} is no model that training made: nothing stands before its network, so "
            "nothing tells what pixels it expects."
        )
    return before[0] if len(before) == 1 else keras.Sequential(before, name="preprocessing")


def check_pixels_known(name: str, weights: AnyPath) -> None:
    """Raises a ValueError unless `preprocessing` knows the weights of that name, or such a file."""
    check_network("name", name)
    names = [one for one, networks in _PUBLISHED.items() if name in networks]
    names += shipped.names(name)
    if isinstance(weights, str) and weights in names:
        return
    if not isinstance(weights, str | Path) or model_file(weights) is None:
        listed = "".join(f'"{one}", ' for one in names)
        rule = f"{listed}a run directory or a `.keras` file that training made"
        checks.refuse("weights", rule, weights)


def check_network(argument: str, name: str) -> None:
    """Raises a ValueError unless a builder of the package has that name."""
    from keras_classics import EXPORTS

    module = EXPORTS.get(name, "") if isinstance(name, str) else ""
    if not module.startswith("keras_classics.models.") or name in _NO_NETWORKS:
        checks.refuse(argument, "a network of this package, see list_models()", name)
