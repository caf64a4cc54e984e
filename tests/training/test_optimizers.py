import re

import keras
import numpy as np
import pytest

from keras_classics.training import CoupledAdam, CoupledSGD, StochasticDiagonalLM

pytestmark = pytest.mark.backend

# A few float32 operations on numbers near 1 for each step.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
NAMES = ("kernel", "recurrent_kernel", "bias", "gamma", "coefficient")
RATES = (0.1, 0.1, 0.01, 0.01)  # the drop is where other forms of momentum differ


def examples():
    """Starting weights, and a gradient for each weight in each of the steps."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(len(NAMES), 3)), rng.normal(size=(len(RATES), len(NAMES), 3))


def train(optimizer, weights, gradients, curvatures=None):
    variables = [
        keras.Variable(w.astype("float32"), name=name)
        for w, name in zip(weights, NAMES, strict=True)
    ]
    optimizer.build(variables)
    if curvatures is not None:
        optimizer.set_curvature(curvatures)
    for rate, step in zip(RATES, gradients, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in step], variables)
    return np.array([keras.ops.convert_to_numpy(v) for v in variables])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(
    ("weight_decay", "decay", "decayed"),
    [(0.0, "all", []), (0.05, "all", NAMES), (0.05, "kernels", NAMES[:2])],
)
def test_coupled_sgd_is_the_rule_of_the_paper(momentum, weight_decay, decay, decayed):
    weights, gradients = examples()
    found = train(CoupledSGD(0.1, momentum, weight_decay, decay), weights, gradients)
    for w, name, steps, final in zip(weights, NAMES, gradients.swapaxes(0, 1), found, strict=True):
        d = weight_decay if name in decayed else 0.0
        v = np.zeros(3)
        for rate, gradient in zip(RATES, steps, strict=True):
            v = momentum * v - d * rate * w - rate * gradient
            w = w + v
        np.testing.assert_allclose(final, w, **CLOSE, err_msg=name)


def test_nesterov_looks_ahead():
    weights, gradients = examples()
    found = train(CoupledSGD(0.1, 0.9, 0.05, "all", nesterov=True), weights, gradients)
    w, v = weights, np.zeros_like(weights)
    for rate, gradient in zip(RATES, gradients, strict=True):
        step = -rate * (gradient + 0.05 * w)
        v = 0.9 * v + step
        w = w + 0.9 * v + step
    np.testing.assert_allclose(found, w, **CLOSE)


def test_each_kind_of_weights_has_its_own_decay_and_rate():
    """The parameter file of the authors' CIFAR-10 network, on variables of such names."""
    names = ("conv1/kernel", "conv1/bias", "fc10/kernel", "fc10/bias", "bn/gamma")
    optimizer = CoupledSGD(
        momentum=0.9,
        weight_decay={"conv*/kernel": 0.0, "*/kernel": 0.04},
        rate_factors={"*/bias": 2.0},
    )
    variables = []
    for name in names:
        layer = keras.layers.Layer(name=name.split("/")[0])
        variables.append(layer.add_weight(shape=(3,), name=name.split("/")[1]))
    assert [v.path for v in variables] == list(names)
    weights, gradients = examples()
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(weight)
    optimizer.build(variables)
    for rate, step in zip(RATES, gradients, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in step], variables)
    kinds = [(0.0, 1.0), (0.0, 2.0), (0.04, 1.0), (0.0, 2.0), (0.0, 1.0)]
    for w, kind, steps, final in zip(
        weights, kinds, gradients.swapaxes(0, 1), variables, strict=True
    ):
        (decay, factor), v = kind, np.zeros(3)
        for rate, gradient in zip(RATES, steps, strict=True):
            v = 0.9 * v - factor * rate * (gradient + decay * w)
            w = w + v
        np.testing.assert_allclose(keras.ops.convert_to_numpy(final), w, **CLOSE)


@pytest.mark.parametrize(("decay", "decayed"), [("all", NAMES), ("kernels", NAMES[:2])])
def test_coupled_adam_is_pytorch_s(decay, decayed):
    torch = pytest.importorskip("torch")
    weights, gradients = examples()
    found = train(CoupledAdam(weight_decay=0.05, decay=decay, epsilon=1e-8), weights, gradients)
    theirs = [torch.nn.Parameter(torch.tensor(w, dtype=torch.float64)) for w in weights]
    groups = [
        {"params": [p], "weight_decay": 0.05 if name in decayed else 0.0}
        for p, name in zip(theirs, NAMES, strict=True)
    ]
    adam = torch.optim.Adam(groups)
    for rate, step in zip(RATES, gradients, strict=True):
        for group in adam.param_groups:
            group["lr"] = rate
        for parameter, gradient in zip(theirs, step, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        adam.step()
    expected = np.array([p.detach().numpy() for p in theirs])
    # Where epsilon stands differs: 1e-8 beside √v, bias corrected there and not here.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("optimizer", [CoupledSGD, CoupledAdam])
def test_fit_by_optimizers_that_hold_their_own_state_alone(optimizer):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(optimizer(0.01, weight_decay=0.1), "mse")
    # JAX gives all its buffers to a step, each once.
    model.fit(np.ones((8, 4)), np.ones((8, 3)), epochs=2, verbose=0)
    own, weights = model.optimizer.variables, model.trainable_variables
    assert not {id(v) for v in own} & {id(v) for v in weights}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay": {"*": -1}}, "`weight_decay['*']` must be a finite number of at least 0"),
        ({"weight_decay": {3: 0.1}}, "`weight_decay` must be a dict of patterns"),
        ({"rate_factors": 2.0}, "`rate_factors` must be a dict of patterns"),
        ({"rate_factors": {"*/bias": "2"}}, "`rate_factors['*/bias']` must be a finite number"),
    ],
)
def test_patterns_that_are_none(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        CoupledSGD(**options)


class OneByOne(CoupledSGD):
    """Updates variable after variable, as all backends but PyTorch do."""

    _backend_update_step = keras.optimizers.SGD._backend_update_step


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(
    ("weight_decay", "decay"), [(0.0, "all"), (0.05, "all"), (0.05, "kernels")]
)
def test_all_variables_at_once_is_one_after_the_other(momentum, weight_decay, decay, nesterov):
    weights, gradients = examples()
    arguments = (0.1, momentum, weight_decay, decay, nesterov)
    together, one_by_one = (
        train(kind(*arguments), weights, gradients) for kind in (CoupledSGD, OneByOne)
    )
    np.testing.assert_allclose(together, one_by_one, **CLOSE)


def test_decay_goes_through_momentum_in_fit():
    """Two steps of a compiled model; the inputs are zero, so that only the decay moves it."""
    layer = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="zeros")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(CoupledSGD(0.1, momentum=0.9, weight_decay=0.5), "mse")
    for _ in range(2):
        model.train_on_batch(np.zeros((4, 3)), np.zeros((4, 2)))
    # v = −0.05, w = 0.95; then v = −0.045 − 0.1·0.5·0.95 = −0.0925, w = 0.8575
    np.testing.assert_allclose(layer.get_weights()[0], np.full((3, 2), 0.8575), **CLOSE)
    assert not layer.get_weights()[1].any()


def test_levenberg_marquardt_divides_by_the_curvature():
    weights, gradients = examples()
    curvatures = np.random.default_rng(1).uniform(0, 5, weights.shape)
    found = train(StochasticDiagonalLM(0.1, mu=0.02), weights, gradients, curvatures)
    w = weights
    for rate, gradient in zip(RATES, gradients, strict=True):
        w = w - rate / (0.02 + curvatures) * gradient
    np.testing.assert_allclose(found, w, **CLOSE)


def test_levenberg_marquardt_starts_with_no_curvature():
    weights, gradients = examples()
    found = train(StochasticDiagonalLM(0.1, mu=0.5), weights, gradients)
    expected = weights - np.tensordot(RATES, gradients, axes=1) / 0.5
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_levenberg_marquardt_wants_a_curvature_for_every_weight():
    optimizer = StochasticDiagonalLM()
    optimizer.build([keras.Variable([1.0]), keras.Variable([2.0])])
    with pytest.raises(ValueError, match="shorter"):
        optimizer.set_curvature([np.ones(1)])


@pytest.mark.parametrize(
    ("warm_up", "batch_size", "first_pass"),
    [
        (None, 1, [0]),
        (3, 1, [0, 3, 6, 12, 24]),
        (100, 32, [0, 4, 7, 13, 25]),
        (10, 64, [0, 1, 2, 3]),
    ],
)
def test_curvature_is_estimated_again_whenever_the_patterns_have_doubled(
    warm_up, batch_size, first_pass
):
    optimizer = StochasticDiagonalLM(warm_up=warm_up)
    steps = range(first_pass[-1] + 1)
    for epoch, expected in ((0, first_pass), (1, [0])):
        found = [step for step in steps if optimizer.looks_at(epoch, step, batch_size)]
        assert found == expected


def test_curvature_survives_a_saved_model(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(StochasticDiagonalLM(0.3, mu=0.05, samples=7), "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.set_curvature([np.array([[1.0], [2.0]]), np.array([3.0])])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert again.get_config() == model.optimizer.get_config()
    kernel, bias = (keras.ops.convert_to_numpy(c).tolist() for c in again.curvatures)
    assert (kernel, bias) == ([[1.0], [2.0]], [3.0])


COUPLED = {
    "learning_rate": 0.3,
    "momentum": 0.5,
    "weight_decay": 0.01,
    "decay": "all",
    "nesterov": True,
    "clipnorm": 1.0,
    "name": "sgd",
}
LEVENBERG_MARQUARDT = {"learning_rate": 0.3, "mu": 0.05, "samples": 7, "warm_up": 9, "name": "lm"}


@pytest.mark.parametrize(
    ("kind", "options"), [(CoupledSGD, COUPLED), (StochasticDiagonalLM, LEVENBERG_MARQUARDT)]
)
def test_survives_its_configuration(kind, options):
    again = keras.optimizers.deserialize(keras.optimizers.serialize(kind(**options)))
    assert type(again) is kind
    config = again.get_config()
    assert {name: config[name] for name in options} == pytest.approx(options)


def test_configuration_keeps_the_decay():
    weights, gradients = examples()
    optimizer = CoupledSGD(0.1, 0.9, 0.05, "all")
    again = CoupledSGD.from_config(optimizer.get_config())
    np.testing.assert_array_equal(
        train(again, weights, gradients), train(optimizer, weights, gradients)
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: CoupledSGD(decay="biases"),
            '`decay` must be one of "kernels", "all". Received: decay=\'biases\'',
        ),
        (
            lambda: CoupledSGD(weight_decay=-0.1),
            "`weight_decay` must be a finite number of at least 0. Received: weight_decay=-0.1",
        ),
        (
            lambda: StochasticDiagonalLM(mu=0),
            "`mu` must be a finite number above 0. Received: mu=",
        ),
        (lambda: CoupledSGD(momentum=1), "`momentum` must be in 0 … 1, without 1. Received: mom"),
        (lambda: CoupledSGD(None), "`learning_rate` must be a finite number of at least 0."),
        (lambda: CoupledSGD(nesterov=1), "`nesterov` must be one of True, False. Received: "),
        (lambda: StochasticDiagonalLM(samples=0), "`samples` must be a positive integer."),
        (lambda: StochasticDiagonalLM(warm_up=-1), "`warm_up` must be a positive integer."),
    ],
    ids=["decay", "weight_decay", "mu", "momentum", "rate", "nesterov", "samples", "warm_up"],
)
def test_errors_say_what_is_legal(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()
