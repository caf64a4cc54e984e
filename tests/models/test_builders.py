"""What all builders promise alike: errors, tops and bottoms, data formats, any legal options."""

import re

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import keras_classics
from tests.models.one_call import of_keras

# Small forms of every family: (name, options) that build in a second.
SMALL = [
    ("lenet5", {}),
    ("mnist_cnn", {}),
    ("alexnet", {"stem": "cifar", "input_shape": (12, 12, 3)}),
    ("alexnet_145", {"stem": "cifar", "input_shape": (12, 12, 3)}),
    ("alexnet_cifar", {"input_shape": (12, 12, 3)}),
    ("vgg11", {"input_shape": (32, 32, 3)}),
    ("googlenet", {"stem": "cifar", "input_shape": (16, 16, 3), "last_module": "4e"}),
    ("resnet18", {"stem": "cifar", "input_shape": (8, 8, 3)}),
    ("resnet50", {"stem": "cifar", "input_shape": (8, 8, 3)}),
    ("cifar_resnet20", {"input_shape": (8, 8, 3)}),
]
FAMILIES = [name for name, _ in SMALL]


def as_numpy(y):
    return keras.ops.convert_to_numpy(y)


def built(name, **options):
    return getattr(keras_classics, name)(**{**dict(SMALL)[name], **options})


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("num_classes", [0, -1, 2.5, True, "10", None])
def test_number_of_classes_must_be_a_positive_integer(name, num_classes):
    message = f"`num_classes` must be a positive integer. Received: num_classes={num_classes!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        built(name, num_classes=num_classes)


# The smallest side, with which the network is built, and one pixel less, with which it is not.
SMALLEST = [
    ("mnist_cnn", {}, 4),
    ("alexnet", {}, 52),
    ("alexnet", {"overlapping_pooling": False}, 36),
    ("alexnet", {"stem": "cifar"}, 12),
    ("alexnet", {"stem": "cifar", "overlapping_pooling": False}, 8),
    ("alexnet", {"edition": "code_2012"}, 52),
    ("alexnet_147", {}, 72),
    ("alexnet_147", {"stem": "cifar"}, 17),
    ("alexnet_150", {"stem": "cifar"}, 12),
    ("alexnet_cifar", {}, 6),
    ("vgg11", {}, 32),
    ("googlenet", {}, 32),
    ("googlenet", {"auxiliary_heads": True}, 65),
    ("googlenet", {"stem": "cifar"}, 8),
    ("googlenet", {"stem": "cifar", "auxiliary_heads": True}, 17),
    ("resnet18", {}, 32),
    ("resnet18", {"stem": "cifar"}, 8),
    ("cifar_resnet20", {}, 4),
]


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_and_probabilities_from_one_call(name, tmp_path):
    keras.utils.set_random_seed(0)
    logits = built(name, classifier_activation=None)
    path = tmp_path / "both.keras"
    logits.save(path)
    both = built(name, classifier_activation="both", weights=path)
    x = np.random.default_rng(0).random((2, *both.input_shape[1:]), dtype="float32")
    found, wanted = of_keras(both, x), of_keras(logits, x)
    assert list(found) == ["logits", "probabilities"]
    np.testing.assert_array_equal(found["logits"], wanted)
    powers = np.exp(wanted - wanted.max(-1, keepdims=True))
    wanted = powers / powers.sum(-1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], wanted, atol=1e-6)  # float32's last bits


@pytest.mark.parametrize(("name", "options", "side"), SMALLEST)
def test_the_smallest_picture_is_named(name, options, side):
    build = getattr(keras_classics, name)
    model = build(10, input_shape=(side, side, 3), **options)
    assert model.input_shape == (None, side, side, 3)
    with pytest.raises(ValueError, match=f"at least {side} pixels high and wide"):
        build(10, input_shape=(side - 1, side, 3), **options)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "lenet5"])
@pytest.mark.parametrize(
    "input_shape",
    [(3, 224, 224), (224, 224), (224, 224, None), (64, 64, 0), "224", 224, (64.0, 64, 3)],
)
def test_shapes_that_are_no_pictures(name, input_shape):
    message = "`input_shape` must be (height, width, channels), at least "
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(keras_classics, name)(input_shape=input_shape)


WRONG = [
    (
        "googlenet",
        {"auxiliary_heads": True, "classifier_activation": "both"},
        '"both" is for a network without auxiliary ones. Received: classifier_activation=',
    ),
    (
        "alexnet",
        {"towers": 2},
        '`towers` must be one of "separate", "grouped", "merged". Received: towers=2',
    ),
    ("alexnet", {"halve_kernels": True}, '`halve_kernels=True` needs `towers="merged"`.'),
    (
        "alexnet",
        {"halve_kernels": True, "towers": "grouped"},
        '`halve_kernels=True` needs `towers="merged"`. Received: towers="grouped"',
    ),
    (
        "alexnet",
        {"local_response_norm": "sum"},
        '`local_response_norm` must be one of True, False, "mean", "caffe".',
    ),
    (
        "alexnet",
        {"edition": "2012"},
        '`edition` must be one of "paper", "code_2012". Received: edition=\'2012\'',
    ),
    (
        "alexnet",
        {"edition": "code_2012", "batch_norm": True},
        '`batch_norm=True` needs `edition="paper"`. Received: edition="code_2012"',
    ),
    (
        "alexnet",
        {"towers_meet": False, "towers": "grouped"},
        '`towers_meet=False` needs `towers="separate"`. Received: towers="grouped"',
    ),
    (
        "alexnet",
        {"conv345_stddev": 0.03, "kernel_initializer": "he_normal"},
        '`conv345_stddev` needs `kernel_initializer=None`. Received: kernel_initializer="he_',
    ),
    ("alexnet", {"conv345_stddev": 0}, "`conv345_stddev` must be a finite number above 0."),
    (
        "alexnet",
        {"spatial_response_norm": "mean"},
        "`spatial_response_norm` must be one of True, False, None.",
    ),
    (
        "alexnet",
        {"pool_before_activation": 1},
        "`pool_before_activation` must be one of True, False, None. Received: ",
    ),
    ("alexnet", {"normalize_conv2": None}, "`normalize_conv2` must be one of True, False."),
    (
        "alexnet",
        {"edition": "code_2012", "overlapping_pooling": False, "input_shape": (64, 64, 3)},
        "`input_shape` must be (height, width, channels), at least 72 pixels high and wide.",
    ),
    ("alexnet", {"stem": "mnist"}, '`stem` must be one of "imagenet", "cifar".'),
    ("alexnet", {"dropout": 1}, "`dropout` must be in 0 … 1, without 1. Received: dropout=1"),
    ("alexnet", {"input_shape": (64, 96, 3)}, "`input_shape` must be square."),
    ("alexnet_cifar", {"unshared": "no"}, "`unshared` must be one of True, False."),
    ("vgg16", {"batch_norm": True}, '`batch_norm` must be one of False, "conv", "block".'),
    ("vgg16", {"dropout": -0.5}, "`dropout` must be in 0 … 1, without 1. Received: dropout=-0.5"),
    ("vgg16", {"input_shape": (None, None, 3)}, "`input_shape` must be (height, width, channels)"),
    ("vgg11", {"weights": "imagenet"}, "`weights` must be None or the path of a file or a run"),
    (
        "vgg16",
        {"weights": "mnist"},
        '`weights` must be None, "imagenet" or the path of a file or a run',
    ),
    ("googlenet", {"module": "plain"}, '`module` must be one of "reduced", "naive".'),
    ("googlenet", {"last_module": "5c"}, '`last_module` must be one of "5b", "4e", "pool4".'),
    ("googlenet", {"stem_activation": "tanh"}, '`stem_activation` must be one of "relu", None.'),
    ("googlenet", {"average_pooling": 7}, "`average_pooling` must be one of True, False."),
    (
        "googlenet",
        {"average_pooling": False, "input_shape": (None, None, 3)},
        "`input_shape` must be (height, width, channels), at least 32 pixels high and wide. ",
    ),
    ("googlenet", {"use_bias": "auto"}, "`use_bias` must be one of None, True, False."),
    (
        "googlenet",
        {"auxiliary_heads": True, "include_top": False},
        "`auxiliary_heads=True` needs the top.",
    ),
    (
        "resnet50",
        {"shortcut": "D"},
        '`shortcut` must be one of "identity", "projection", "projection_all". '
        "Received: shortcut='D'",
    ),
    ("resnet50", {"stride_on": "2x2"}, '`stride_on` must be one of "1x1", "3x3".'),
    ("resnet50", {"pooling": "sum"}, '`pooling` must be one of None, "avg", "max".'),
    ("lenet5", {"input_shape": (32, 32, 0)}, "`input_shape` must be (height, width, channels)"),
    ("lenet5", {"input_shape": (32, 32, None)}, "`input_shape` must be (height, width, channels)"),
    ("lenet5", {"include_top": "foo"}, "`include_top` must be one of True, False. Received: "),
    (
        "lenet5",
        {"classifier_activation": "foo"},
        "`classifier_activation` must be the name of a Keras activation, a function, or None. "
        "Received: classifier_activation='foo'",
    ),
    ("lenet5", {"name": "a/b"}, '`name` must be a text without "/", or None. Received: name='),
    ("lenet5", {"name": ""}, '`name` must be a text without "/", or None. Received: name='),
    (
        "mnist_cnn",
        {"kernel_initializer": {}},
        "`kernel_initializer` must be the name of a Keras initializer, an initializer, or a "
        "function (shape, dtype). Received: kernel_initializer={}",
    ),
    ("mnist_cnn", {"num_classes": 10**9}, "`num_classes` must be at most 100,000. Received: "),
    ("alexnet", {"bias_value": None}, "`bias_value` must be a finite number. Received: "),
    (
        "alexnet",
        {"classifier_bias_value": "1"},
        "`classifier_bias_value` must be a finite number. Received: classifier_bias_value='1'",
    ),
    ("alexnet", {"kernel_initializer": "warm"}, "`kernel_initializer` must be the name of a Keras"),
    ("alexnet", {"activation": 10}, "`activation` must be the name of a Keras activation"),
    (
        "alexnet_cifar",
        {"input_shape": (10**9, 10**9, 3)},
        "`input_shape` must be at most 256 pixels high and wide, with 4,096 channels or less, as "
        "this network has weights for every pixel of a map. "
        "Received: input_shape=(1000000000, 1000000000, 3)",
    ),
    (
        "resnet18",
        {"input_shape": (28, 40, 3, 1)},
        "`input_shape` must be (height, width, channels), at least 32 pixels high and wide, or "
        "None for any. Received: input_shape=(28, 40, 3, 1)",
    ),
    (
        "resnet18",
        {"input_shape": (64, 20_000, 3)},
        "`input_shape` must be at most 16,384 pixels high and wide, with 4,096 channels or less. "
        "Received: input_shape=(64, 20000, 3)",
    ),
    ("cifar_resnet20", {"pad": "start"}, '`pad` must be one of "end", "both".'),
    ("cifar_resnet20", {"shortcut": None}, '`shortcut` must be one of "identity"'),
]


@pytest.mark.parametrize(("name", "options", "message"), WRONG)
def test_errors_say_what_is_legal(name, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(keras_classics, name)(**options)


@pytest.mark.parametrize("name", FAMILIES)
def test_without_the_top(name):
    for pooling, rank in ((None, 4), ("avg", 2), ("max", 2)):
        model = built(name, include_top=False, pooling=pooling, num_classes=0)
        assert len(model.output_shape) == rank
        assert not any(isinstance(layer, keras.layers.Dense) for layer in model.layers)


def test_any_size_without_dense_layers_on_maps():
    for name in ("resnet18", "cifar_resnet20", "googlenet"):
        model = getattr(keras_classics, name)(10, input_shape=(None, None, 3))
        assert model.output_shape == (None, 10)
    assert keras_classics.vgg11(include_top=False, input_shape=(None, None, 3)).output_shape == (
        *(None, None, None),
        512,
    )


@pytest.mark.backend
@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("lenet5", "mnist_cnn")])
def test_channels_first_computes_the_same(name, backend):
    if backend == "tensorflow":
        pytest.skip("TensorFlow does not convolve channels first on a CPU")
    options = {"num_classes": 10, "classifier_activation": None}
    last = built(name, **options)
    height, width, channels = last.input_shape[1:]
    keras.config.set_image_data_format("channels_first")
    try:
        first = built(name, input_shape=(channels, height, width), **options)
    finally:
        keras.config.set_image_data_format("channels_last")
    rng = np.random.default_rng(0)

    def drawn(shape):
        if len(shape) == 1:  # also scales and variances, which are positive
            return rng.uniform(0.5, 1.5, shape)
        return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)

    weights = [drawn(weight.shape) for weight in last.get_weights()]
    last.set_weights(weights)
    first.set_weights(weights)
    x = rng.normal(size=(2, height, width, channels)).astype("float32")
    expected = of_keras(last, x)
    y = of_keras(first, x.transpose(0, 3, 1, 2))
    assert np.abs(y - expected).max() <= 1e-4 * np.abs(expected).max()


# Legal values of every option, besides the default ones.
OPTIONS = {
    "alexnet": {
        "towers": ["separate", "grouped", "merged"],
        "local_response_norm": [True, False, "mean"],
        "spatial_response_norm": [None, True, False],
        "normalize_conv2": [True, False],
        "pool_before_activation": [None, True, False],
        "batch_norm": [True, False],
        "overlapping_pooling": [True, False],
        "activation": ["relu", "tanh"],
        "kernel_initializer": [None, "glorot_uniform"],
        "bias_value": [0.0, 0.1, 1.0],
        "classifier_bias_value": [0.0, 1.0],
        "dropout": [0, 0.5],
    },
    "alexnet_145": {"dropout": [0, 0.5]},
    "alexnet_cifar": {
        "local_response_norm": [True, False],
        "activation": ["relu", "tanh"],
        "unshared": [True, False],
    },
    "googlenet": {
        "batch_norm": [True, False],
        "use_bias": [None, True, False],
        "local_response_norm": [True, False],
        "module": ["reduced", "naive"],
        "last_module": ["4e", "5b", "pool4"],
        "stem_activation": ["relu", None],
        "average_pooling": [True, False],
        "dropout": [0, 0.4],
    },
    "resnet18": {"shortcut": ["identity", "projection", "projection_all"]},
    "resnet50": {
        "shortcut": ["identity", "projection", "projection_all"],
        "stride_on": ["1x1", "3x3"],
    },
    "cifar_resnet20": {
        "shortcut": ["identity", "projection", "projection_all"],
        "pad": ["end", "both"],
    },
}


def legal_options(name):
    choices = {option: st.sampled_from(values) for option, values in OPTIONS[name].items()}
    return st.fixed_dictionaries(
        {"num_classes": st.integers(1, 12)},
        optional={**choices, "classifier_activation": st.sampled_from(["softmax", None])},
    )


def check_options(name, options, folder):
    """Right shape, finite gradients, and the same network out of a file."""
    model = built(name, **options)
    x = np.random.default_rng(0).uniform(0, 255, (2, *model.input_shape[1:])).astype("float32")
    y = as_numpy(model(x))
    assert y.shape == (2, options["num_classes"])
    path = folder / "model.keras"
    model.save(path)
    np.testing.assert_array_equal(as_numpy(keras.models.load_model(path)(x)), y)
    before = model.get_weights()
    logits = options.get("classifier_activation", "softmax") is None
    model.compile(
        keras.optimizers.SGD(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
        run_eagerly=True,
    )
    model.train_on_batch(x, np.zeros(2, "int32"))
    after = model.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert options["num_classes"] == 1 or any(
        not np.array_equal(one, other) for one, other in zip(before, after, strict=True)
    )


RELAXED = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_legal_options_build_train_and_survive_a_file(name, tmp_path):
    @settings(max_examples=2, **RELAXED)
    @given(legal_options(name))
    def check(options):
        check_options(name, options, tmp_path)

    check()


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("name", OPTIONS)
def test_many_legal_options(name, tmp_path):
    @settings(max_examples=15, **RELAXED)
    @given(legal_options(name))
    def check(options):
        check_options(name, options, tmp_path)

    check()
