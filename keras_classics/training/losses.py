"""The losses of LeNet-5, on logits −y where y are the penalties of its RBF units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_classics import checks

if TYPE_CHECKING:
    from keras_classics.types import Tensor


def _of_label(values, labels):
    """Picks from each row the value of its label."""
    labels = ops.expand_dims(ops.cast(ops.reshape(labels, (-1,)), "int32"), -1)
    return ops.squeeze(ops.take_along_axis(values, labels, axis=-1), -1)


@keras.saving.register_keras_serializable(package="keras_classics")
class MaximumAPosteriori(keras.losses.Loss):
    """Penalty of the right class, plus a push away from all the others.

    E = y_D + log(e^{−j} + Σ_i e^{−y_i}), with y = −logits. The constant j > 0 is the penalty of a
    "rubbish" class: classes that are farther than j are no longer pushed away.

    Args:
        j: penalty of the rubbish class. The paper does not give its value; 1.0 is the recipe's.

    Raises:
        ValueError: if `j` is not positive.

    Reference:
        LeCun et al. 1998, section II-C, eq. 9.

    Example:
        >>> import numpy as np
        >>> from keras_classics.training.losses import MaximumAPosteriori
        >>> loss = MaximumAPosteriori(j=1.0)
        >>> round(float(loss(np.array([0]), np.array([[0.0, -9.0]]))), 3)  # log(e^-1 + e^0 + e^-9)
        0.313
    """

    def __init__(self, j: float = 1.0, name: str = "maximum_a_posteriori", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        checks.positive("j", j)
        self.j = j

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        floor = ops.full_like(y_pred[:, :1], -self.j)
        competition = ops.logsumexp(ops.concatenate([floor, y_pred], axis=-1), axis=-1)
        return competition - _of_label(y_pred, y_true)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "j": self.j}


@keras.saving.register_keras_serializable(package="keras_classics")
class CorrectClassPenalty(keras.losses.Loss):
    """Penalty of the right class alone: E = y_D, with y = −logits.

    Usable only with fixed RBF centres: with trained ones the network collapses to a constant.

    Reference:
        LeCun et al. 1998, section II-C, eq. 8.

    Example:
        >>> import numpy as np
        >>> from keras_classics.training.losses import CorrectClassPenalty
        >>> float(CorrectClassPenalty()(np.array([1]), np.array([[-1.0, -4.0]])))
        4.0
    """

    def __init__(self, name: str = "correct_class_penalty", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return -_of_label(y_pred, y_true)
