"""The output layer of LeNet-5: Euclidean radial basis functions with fixed centres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_classics.layers.common import activation_of, finite_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    from keras_classics.types import Activation, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class EuclideanRBF(keras.layers.Layer):
    """Returns −‖x − c_i‖² for every centre c_i, so that the largest output is the nearest centre.

    The paper's y_i = Σ_j (x_j − w_ij)² (eq. 7) is a penalty: the smallest wins. This layer
    returns −y_i, a logit like any other: argmax predicts, and softmax(−y_i) is the probability
    of class i under equal priors. The centres are weights, but not trained.

    Args:
        centers: array-like of shape (classes, features).
        activation: applied to −y_i, e.g. "softmax"; None for the logits.

    Input shape:
        (batch, features).

    Output shape:
        (batch, classes).

    Raises:
        ValueError: if `centers` is not a matrix of finite numbers, `activation` is unknown, or
            the input does not have the width of `centers`.

    Reference:
        LeCun et al. 1998, section II-B, eq. 7.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from keras_classics.layers import EuclideanRBF
        >>> layer = EuclideanRBF(centers=[[1, 1], [-1, -1]])
        >>> keras.ops.convert_to_numpy(layer(np.array([[1.0, 0.0]]))).tolist()
        [[-1.0, -5.0]]
    """

    def __init__(
        self, centers: npt.ArrayLike, activation: Activation = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        rule = "of shape (classes, features)"
        self.centers_value = finite_numbers("centers", centers, rule)
        if self.centers_value.ndim != 2:
            raise ValueError(
                "`centers` must have shape (classes, features). "
                f"Received: an array of shape {self.centers_value.shape}"
            )
        self.activation = activation_of("activation", activation)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 2 or input_shape[-1] != self.centers_value.shape[1]:
            raise ValueError(
                f"The input must have shape (batch, {self.centers_value.shape[1]}), the width of "
                f"`centers`. Received: input_shape={tuple(input_shape)}"
            )
        self.centers = self.add_weight(
            shape=self.centers_value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(self.centers_value, dtype),
            trainable=False,
            dtype="float32",
            autocast=False,
            name="centers",
        )

    def call(self, inputs: Tensor) -> Tensor:
        # Squared distances near 100 need float32, also under mixed precision. The difference is
        # taken before squaring: ‖x‖² − 2x·c + ‖c‖² would cancel where the answer is decided.
        difference = ops.expand_dims(ops.cast(inputs, "float32"), 1) - self.centers
        return self.activation(-ops.sum(ops.square(difference), axis=-1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.centers_value.shape[0])

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "centers": self.centers_value.tolist(),
            "activation": keras.activations.serialize(self.activation),
        }
