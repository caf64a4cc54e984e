"""LeNet-5, the network of LeCun, Bottou, Bengio and Haffner, 1998.

"Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE, section II-B
and Fig. 2.

    layer   what                                        output      parameters
    C1      5×5 convolution                             28×28×6            156
    S2      2×2 average · coefficient + bias, squashed  14×14×6             12
    C3      5×5 convolution, connected by Table I       10×10×16         1,516
    S4      as S2                                        5×5×16             32
    C5      5×5 convolution (covers the whole map)       1×1×120        48,120
    F6      fully connected                                 84          10,164
    OUTPUT  Euclidean RBF, fixed 7×12 bitmaps               10     0 (+840 fixed)
    total                                                               60,000

Every layer up to F6 is squashed by 1.7159·tanh(2a/3). Weights start uniform in ±2.4/fan-in, which
goes with that function: under plain tanh or ReLU it is too small to learn from, so that
`kernel_initializer` is then Glorot's or He's unless told otherwise.

Not stated in the paper, assumed here: biases start at zero; the sub-sampling averages (section
II-A; II-B has the sum, the same functions with other coefficients), its coefficients start at one.

Deviations, each an option: `connections="full"`, `subsampling="average" | "max"`,
`activation="tanh" | "relu"`, `output="softmax"`, another `kernel_initializer`, 28×28 input. The
first four at once make the network that most tutorials call LeNet-5: 61,706 parameters, 44,426 at
28×28.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras
import numpy as np
from keras import layers

from keras_classics import checks
from keras_classics.layers import (
    Conv2D,
    EuclideanRBF,
    FanInUniform,
    MaxPooling2D,
    PartiallyConnectedConv2D,
    Subsampling,
    WholeMapConv2D,
    scaled_tanh,
)
from keras_classics.layers.common import copy_of, initializer_of
from keras_classics.models.common import (
    channel_axis,
    check_common,
    finish,
    last_activation,
    picture_shape,
)
from keras_classics.models.pretrained import comes_trained

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Pooling, Shape, Weights

# Table I: the maps of S2 that each map of C3 sees.
TABLE_I = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# Fig. 3: the stylised digits 0 … 9, 7 wide and 12 high, that the RBF units have as centres.
_FIGURE_3 = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def digit_bitmaps() -> np.ndarray:
    """Returns the ten bitmaps of Fig. 3 as rows of 84 values: +1 is ink, −1 background.

    Returns:
        float32 array of shape (10, 84), each row the 12 rows of 7 pixels one after the other.

    Example:
        >>> from keras_classics.models.lenet import digit_bitmaps
        >>> digit_bitmaps().shape
        (10, 84)
    """
    rows = [line.split() for line in _FIGURE_3.split("\n") if line]
    ink = np.array([[list(row[digit]) for row in rows] for digit in range(10)]) == "#"
    return np.where(ink, 1, -1).reshape(10, 84).astype("float32")


# Appendix A for its own function; for the others, which it does not fit, what was made for them.
_STARTS = {"scaled_tanh": FanInUniform, "tanh": "glorot_uniform", "relu": "he_uniform"}


def _start_of(kernel_initializer, activation):
    """Returns a function that gives each layer an initialiser of its own."""
    if kernel_initializer is None:
        kernel_initializer = _STARTS[activation]
    if isinstance(kernel_initializer, keras.Initializer):
        return lambda: copy_of(kernel_initializer)
    return lambda: initializer_of("kernel_initializer", kernel_initializer)


def _convolution(x, filters, activation, start, name):
    return Conv2D(filters, 5, activation=activation, kernel_initializer=start(), name=name)(x)


def _subsample(x, subsampling, activation, name):
    if subsampling == "trainable":
        return Subsampling(2, activation=activation, name=name)(x)
    pool = {"average": layers.AveragePooling2D, "max": MaxPooling2D}[subsampling]
    return pool(2, name=name)(x)


def _connect_c3(x, connections, activation, start):
    if connections == "full":
        return _convolution(x, len(TABLE_I), activation, start, "C3")
    return PartiallyConnectedConv2D(
        TABLE_I, 5, activation=activation, kernel_initializer=start(), name="C3"
    )(x)


def _classify(x, num_classes, output, activation, start):
    if output == "rbf":
        return EuclideanRBF(digit_bitmaps(), activation=activation, name="OUTPUT")(x)
    return layers.Dense(
        num_classes, activation=activation, kernel_initializer=start(), name="OUTPUT"
    )(x)


@comes_trained
def lenet5(
    num_classes: int = 10,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "lenet5",
    connections: Literal["table", "full"] = "table",
    subsampling: Literal["trainable", "average", "max"] = "trainable",
    activation: Literal["scaled_tanh", "tanh", "relu"] = "scaled_tanh",
    output: Literal["rbf", "softmax"] = "rbf",
    kernel_initializer: Initializer | None = None,
) -> keras.Model:
    """Builds LeNet-5 as published.

    With the RBF output and `classifier_activation=None` the outputs are −‖x − c‖², the paper's
    penalties with their sign changed: argmax predicts, and `MaximumAPosteriori` trains on them.

    Args:
        num_classes: number of classes; ten unless `output="softmax"`. Ignored without the top.
        input_shape: shape of one picture without the batch: 32×32 (unless told, one channel), or
            28×28, where C5 then covers the 4×4 maps of S4.
        include_top: whether the network ends in F6 and OUTPUT, or in the maps of C5.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of the last layer; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None, the path of a `.weights.h5` file, or "mnist": trained as published, for
            light ink on dark, pixels p of 0 … 255 with two of 0 on every side, as
            −0.1 + 1.275·p/255; `shipped.card` says more.
        with_preprocessing: whether the model takes pixels 0 … 255 as they are, with the layer of
            `preprocessing` for its `weights` in front.
        name: the model's name.
        connections: "table", C3 connected by Table I, or "full".
        subsampling: "trainable" (coefficient, bias, squashing), "average" or "max".
        activation: "scaled_tanh", "tanh" or "relu".
        output: "rbf", the ten fixed bitmaps, or "softmax", a dense layer.
        kernel_initializer: start of the weights, as Keras names it; None for the one that goes with
            the activation: `FanInUniform()`, the paper's, with "scaled_tanh", "glorot_uniform" with
            "tanh", "he_uniform" with "relu".

    Returns:
        A `keras.Model` with layers C1, S2, C3, S4, C5, F6, OUTPUT.

    Raises:
        ValueError: for an argument that is none of the above, a picture that is neither 32×32 nor
            28×28, another number of classes than ten with `output="rbf"`, or with weights that come
            trained an option that was another in their training.
        UserError: if the file of these weights is damaged.

    Reference:
        LeCun et al. 1998, section II-B.

    Example:
        >>> import math
        >>> import keras_classics
        >>> model = keras_classics.lenet5()
        >>> sum(math.prod(weight.shape) for weight in model.trainable_weights)
        60000

        Trained, and for pixels as they come, in the model that `shipped.folder` names:

        >>> import numpy as np
        >>> pixels = np.zeros((1, 28, 28, 1))
        >>> x = -0.1 + 1.275 * np.pad(pixels, ((0, 0), (2, 2), (2, 2), (0, 0))) / 255
        >>> keras_classics.lenet5(weights="mnist")(x).shape[1]
        10
    """
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
    )
    checks.choice("connections", connections, ("table", "full"))
    checks.choice("subsampling", subsampling, ("trainable", "average", "max"))
    checks.choice("activation", activation, ("scaled_tanh", "tanh", "relu"))
    checks.choice("output", output, ("rbf", "softmax"))
    if include_top and output == "rbf" and num_classes != 10:
        raise ValueError(
            '`output="rbf"` has centres for the ten digits only; use output="softmax" for another '
            f"number of classes. Received: num_classes={num_classes!r}"
        )
    shape = picture_shape(input_shape, (32, 32, 1), smallest=28, known=True)
    picture = shape[:2] if channel_axis() == -1 else shape[1:]
    if picture not in ((32, 32), (28, 28)):
        checks.refuse("input_shape", "pictures of 32×32 or 28×28 pixels", input_shape)
    start = _start_of(kernel_initializer, activation)
    squash = scaled_tanh if activation == "scaled_tanh" else activation

    inputs = keras.Input(shape)
    x = _convolution(inputs, 6, squash, start, "C1")  # 28×28×6
    x = _subsample(x, subsampling, squash, "S2")  # 14×14×6
    x = _connect_c3(x, connections, squash, start)  # 10×10×16
    x = _subsample(x, subsampling, squash, "S4")  # 5×5×16
    x = WholeMapConv2D(120, activation=squash, kernel_initializer=start(), name="C5")(x)  # 1×1×120
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(84, activation=squash, kernel_initializer=start(), name="F6")(x)
        x = _classify(x, num_classes, output, last_activation(classifier_activation), start)
    return finish(
        inputs,
        x,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
    )
