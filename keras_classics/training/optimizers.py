"""The update rules that the papers write down and Keras does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import keras
from keras import ops

from keras_classics import checks, compat
from keras_classics.training.curvature import diagonal_curvature

if TYPE_CHECKING:
    import numpy as np

    from keras_classics.types import Tensor


def _checked_rate(learning_rate):
    if callable(learning_rate):  # as Keras' schedules are
        return learning_rate
    checks.number("learning_rate", learning_rate, 0)
    return float(learning_rate)


def _names_of(variables):
    """Returns the "layer/weight" of variables as `build` gets them, whose paths are whole."""
    return ["/".join(variable.path.split("/")[-2:]) for variable in variables]


def _matches(patterns, names):
    """Returns the value of the first pattern, of `fnmatch`, that each name matches, or None."""
    return [
        next((value for pattern, value in patterns.items() if fnmatchcase(name, pattern)), None)
        for name in names
    ]


def _decays_of(weight_decay, decay, names):
    """Returns the decay of each weight: of one constant, or of {pattern: constant}."""
    if not isinstance(weight_decay, dict):
        weight_decay = {"*" if decay == "all" else "*kernel": weight_decay}
    return [constant or 0.0 for constant in _matches(weight_decay, names)]


def _with_decay(gradient, variable, decay):
    if gradient is None or not decay:
        return gradient
    return ops.cast(gradient, variable.dtype) + ops.cast(decay, variable.dtype) * variable


def _with_decays(variables, decays, gradients):
    triples = zip(list(gradients), variables, decays, strict=True)
    return [_with_decay(*one) for one in triples]


@keras.saving.register_keras_serializable(package="keras_classics")
class CoupledSGD(keras.optimizers.SGD):
    """Momentum SGD whose weight decay is part of the gradient, so that it passes through momentum.

    v ← momentum · v − learning_rate · (gradient + weight_decay · w);  w ← w + v.
    `keras.optimizers.SGD(weight_decay=…)` shrinks w beside the momentum instead, and an L2
    regulariser would enter the reported loss, with a factor of two.

    Args:
        learning_rate: float.
        momentum: float in [0, 1).
        weight_decay: float; the constant of the papers, e.g. 5e-4 for AlexNet. Or one for each
            kind of weights: {pattern: constant}, where the patterns are those of `fnmatch` for
            "layer/weight", such as "conv*/kernel"; the first that matches counts, and what none
            matches is not decayed.
        decay: "kernels" (every weight whose name ends in "kernel"; not biases, normalisation
            parameters or sub-sampling coefficients) or "all"; of one constant alone.
        rate_factors: {pattern: factor of the learning rate}; what none matches has 1. The authors
            of AlexNet train biases with twice the rate of the weights: `{"*/bias": 2.0}`.
        nesterov: whether to look ahead; no paper here does.
        name: the optimizer's name.
        **kwargs: as for `keras.optimizers.Optimizer`.

    Raises:
        ValueError: if `decay` is neither, a number is negative or no number, `momentum` is not
            below 1, or `nesterov` is neither True nor False.

    Reference:
        Krizhevsky et al. 2012, section 5.

    Example:
        >>> import keras
        >>> from keras_classics.training.optimizers import CoupledSGD
        >>> kernel = keras.Variable([1.0], name="kernel")
        >>> optimizer = CoupledSGD(0.1, momentum=0.9, weight_decay=0.5)
        >>> optimizer.apply([keras.ops.zeros((1,))], [kernel])
        >>> round(float(kernel.value[0]), 3)     # 1 − 0.1 · 0.5 · 1
        0.95
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float | Mapping[str, float] = 0.0,
        decay: Literal["kernels", "all"] = "kernels",
        nesterov: bool = False,
        rate_factors: Mapping[str, float] | None = None,
        name: str = "coupled_sgd",
        **kwargs: Any,
    ) -> None:
        checks.rate("momentum", momentum)
        if isinstance(weight_decay, dict):
            checks.patterns("weight_decay", weight_decay)
        else:
            checks.number("weight_decay", weight_decay, 0)
        checks.choice("decay", decay, ("kernels", "all"))
        checks.flags(nesterov=nesterov)
        checks.patterns("rate_factors", {} if rate_factors is None else rate_factors)
        super().__init__(
            learning_rate=_checked_rate(learning_rate),
            momentum=float(momentum),
            nesterov=nesterov,
            name=name,
            **kwargs,
        )
        # Not `self.weight_decay`: that one is Keras' decoupled decay and would act a second time.
        self.coupled_weight_decay = weight_decay
        self.decay = decay
        self.rate_factors = rate_factors

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        if keras.backend.backend() == "torch" and self.momentum:
            # In the order of the weights in memory, which is not that of their shape (Conv2D).
            import torch

            for velocity, variable in zip(self.momentums, variables, strict=True):
                velocity.value.data = torch.empty_like(variable.value).copy_(velocity.value)
        # Not the variables: Keras would count them among those of the optimizer.
        self._names = _names_of(variables)
        # By position: inside `update_step` TensorFlow's variables have other names.
        self._decays = _decays_of(self.coupled_weight_decay, self.decay, self._names)
        factors = _matches(self.rate_factors or {}, self._names)
        self._factors = [1.0 if factor is None else factor for factor in factors]
        self._own_rates: list[float | None] = [None] * len(self._factors)

    def set_own_rates(self, rates: Mapping[str, float]) -> bool:
        """Gives some weights a rate of their own, in the place of `learning_rate` and its factor.

        The rates become part of a compiled step: what was compiled before does not know them. A
        rate of 0 freezes a weight where it is, whatever momentum it had.

        Args:
            rates: {pattern: rate}, as `rate_factors`; what none matches has no rate of its own.

        Returns:
            Whether one of them changed.

        Raises:
            ValueError: if a pattern matches none of the weights.
        """
        for pattern in rates:
            if not any(_matches({pattern: True}, self._names)):
                raise ValueError(
                    f'"{pattern}" shall have a rate of its own, and no weight has such a name: '
                    'they are named by their layer and themselves, such as "conv1/kernel".'
                )
        before = self._own_rates
        self._own_rates = _matches(rates, self._names)
        return before != self._own_rates

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        place = compat.place_of(self, variable)
        own = self._own_rates[place]
        if own == 0:
            return
        gradient = _with_decay(gradient, variable, self._decays[place])
        if own is not None:
            learning_rate = own
        elif self._factors[place] != 1.0:
            learning_rate = learning_rate * self._factors[place]
        super().update_step(gradient, variable, learning_rate)

    # Private to Keras, which has no public place for a step on all variables; its own optimizers
    # override it for PyTorch too. tests/test_compat.py holds that Keras still calls it.
    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if keras.backend.backend() == "torch":
            self._update_together(list(grads), trainable_variables, learning_rate)
        else:
            super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _update_together(self, gradients, variables, learning_rate):
        """The steps of `update_step` on all variables at once, as Keras' own SGD does on PyTorch.

        One by one it takes about three times as long for 161 variables of 2 million numbers.
        """
        import torch

        groups = {}  # of variables with the same decay and rate
        for gradient, variable in zip(gradients, variables, strict=True):
            place = compat.place_of(self, variable)
            rate = self._own_rates[place]
            if rate == 0:
                continue
            if rate is None:
                rate = float(learning_rate) * self._factors[place]
            group = groups.setdefault((self._decays[place], rate), [])
            group.append((gradient.to(variable.value.dtype), variable.value, place))
        with torch.no_grad():
            for (decay, rate), group in groups.items():
                gradients, weights, places = map(list, zip(*group, strict=True))
                if decay:
                    gradients = compat.sums_of_all(gradients, weights, decay)
                self._update_group(gradients, weights, places, rate)

    def _update_group(self, gradients, weights, places, rate):
        if not self.momentum:
            compat.add_to_all(weights, gradients, -rate)
            return
        velocities = [self.momentums[place].value for place in places]
        compat.scale_all(velocities, self.momentum)
        compat.add_to_all(velocities, gradients, -rate)
        if self.nesterov:
            compat.add_to_all(weights, gradients, -rate)
            compat.add_to_all(weights, velocities, self.momentum)
        else:
            compat.add_to_all(weights, velocities)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "decay": self.decay,
            "weight_decay": self.coupled_weight_decay,
            "rate_factors": self.rate_factors,
        }


@keras.saving.register_keras_serializable(package="keras_classics")
class CoupledAdam(keras.optimizers.Adam):
    """Adam whose weight decay is part of the gradient, as `torch.optim.Adam` has it.

    The moments are those of gradient + weight_decay · w; Keras' own `weight_decay` (AdamW) shrinks
    w beside them instead.

    Args:
        learning_rate: float.
        weight_decay: float.
        decay: "all", as PyTorch does, or "kernels" (every weight whose name ends in "kernel").
        name: the optimizer's name.
        **kwargs: as for `keras.optimizers.Adam`.

    Raises:
        ValueError: if `weight_decay` is negative or no number, or `decay` neither.

    Example:
        >>> import keras
        >>> from keras_classics.training import CoupledAdam
        >>> kernel = keras.Variable([1.0], name="kernel")
        >>> CoupledAdam(0.1, weight_decay=0.5).apply([keras.ops.zeros((1,))], [kernel])
        >>> round(float(kernel.value[0]), 3)     # the first step of Adam is the rate itself
        0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        decay: Literal["kernels", "all"] = "all",
        name: str = "coupled_adam",
        **kwargs: Any,
    ) -> None:
        checks.number("weight_decay", weight_decay, 0)
        checks.choice("decay", decay, ("all", "kernels"))
        super().__init__(learning_rate=_checked_rate(learning_rate), name=name, **kwargs)
        self.coupled_weight_decay = weight_decay
        self.decay = decay

    def build(self, variables: Sequence[keras.Variable]) -> None:
        super().build(variables)
        decays = _decays_of(self.coupled_weight_decay, self.decay, _names_of(variables))
        # In a list Keras would take the network's variables for the optimizer's own.
        self._decayed = partial(_with_decays, list(variables), decays)

    def apply(
        self, grads: Sequence[Tensor], trainable_variables: Sequence[keras.Variable] | None = None
    ) -> Any:
        if not self.built:
            self.build(trainable_variables or ())
        return super().apply(self._decayed(grads), trainable_variables)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "decay": self.decay}
        return {**config, "weight_decay": self.coupled_weight_decay}


@keras.saving.register_keras_serializable(package="keras_classics")
class StochasticDiagonalLM(keras.optimizers.Optimizer):
    """Stochastic diagonal Levenberg–Marquardt, the optimiser that trained LeNet-5.

    w_k ← w_k − η/(μ + h_kk) · ∂E/∂w_k. The curvatures h_kk are estimated before each pass by
    `keras_classics.training.curvature.diagonal_curvature` and frozen during it; until they
    are set they are zero, and the step is η/μ.

    An optimizer with the methods `looks_at` and `look` is shown some training pictures by the run,
    where it says so, before a step.

    Args:
        learning_rate: η.
        mu: μ; keeps the step finite where the curvature is small. The paper uses 0.02.
        samples: pictures on which the curvature is estimated. The paper uses 500.
        warm_up: in the first pass the curvature is estimated again after this many patterns and
            whenever their number has doubled since: small initial weights have curvatures that
            say little of those a moment later. None estimates before each pass only, the paper.
        name: the optimizer's name.
        **kwargs: as for `keras.optimizers.Optimizer`.

    Raises:
        ValueError: if `mu` is not positive, `samples` or `warm_up` no positive integer, or
            `learning_rate` negative.

    Reference:
        LeCun et al. 1998, section III-B and appendix C, eqs. 18 and 21.

    Example:
        >>> import keras
        >>> from keras_classics.training.optimizers import StochasticDiagonalLM
        >>> weight = keras.Variable([1.0])
        >>> optimizer = StochasticDiagonalLM(0.01, mu=0.02)
        >>> optimizer.build([weight])
        >>> optimizer.set_curvature([[0.08]])
        >>> optimizer.apply([keras.ops.ones((1,))], [weight])
        >>> round(float(weight.value[0]), 3)     # 1 − 0.01 / (0.02 + 0.08)
        0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.0005,
        mu: float = 0.02,
        samples: int = 500,
        warm_up: int | None = None,
        name: str = "stochastic_diagonal_lm",
        **kwargs: Any,
    ) -> None:
        checks.positive("mu", mu)
        checks.integer("samples", samples)
        if warm_up is not None:
            checks.integer("warm_up", warm_up)
        super().__init__(learning_rate=_checked_rate(learning_rate), name=name, **kwargs)
        self.mu = mu
        self.samples = samples
        self.warm_up = warm_up

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.curvatures = self.add_optimizer_variables(variables, "curvature")

    def look(
        self, network: keras.Model, inputs: np.ndarray, labels: np.ndarray, loss: keras.losses.Loss
    ) -> None:
        """Estimates the curvatures anew.

        Args:
            network: the network, a chain of layers.
            inputs: array (n, height, width, channels), what the network takes, of `samples`
                pictures.
            labels: array (n,) of classes.
            loss: the Keras loss.
        """
        self.set_curvature(diagonal_curvature(network, inputs, labels, loss))

    def set_curvature(self, values: Sequence[np.ndarray]) -> None:
        """Sets h_kk, one array for each trained variable, in their order."""
        for curvature, value in zip(self.curvatures, values, strict=True):
            curvature.assign(ops.convert_to_tensor(value, curvature.dtype))

    def looks_at(self, epoch: int, step: int, batch_size: int) -> bool:
        """Whether the curvature is estimated after `step` steps of an epoch.

        Before each pass, as in the paper; and in the first pass also after `warm_up` patterns and
        whenever their number has doubled since.
        """
        if step == 0:
            return True
        if epoch or not self.warm_up:
            return False
        before, now = (step - 1) * batch_size // self.warm_up, step * batch_size // self.warm_up
        return before.bit_length() < now.bit_length()

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        curvature = self.curvatures[compat.place_of(self, variable)]
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(learning_rate, variable.dtype) / (self.mu + curvature)
        self.assign_sub(variable, step * gradient)

    def get_config(self) -> dict[str, Any]:
        own = {"mu": self.mu, "samples": self.samples, "warm_up": self.warm_up}
        return {**super().get_config(), **own}
