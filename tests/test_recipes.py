"""Every published recipe: it describes itself, its flags fit it, its pictures fit its network."""

import json
import math

import keras
import numpy as np
import pytest
from PIL import Image

from keras_classics.cli.flags import recipe_parser
from keras_classics.cli.recipe_files import load_recipe, recipe_paths
from keras_classics.cli.recipe_flags import _apply
from keras_classics.data.pipeline import in_order
from keras_classics.data.sources import Source, load
from keras_classics.layers import BatchNormalization, LocalResponseNormalization
from keras_classics.runs.assembly import assemble
from keras_classics.trained_model import network_of
from keras_classics.training import RecipeError, changes_of, vary
from keras_classics.training.fields import describe, identity

NAMES = list(recipe_paths())
OWN = [name for name in NAMES if not name.startswith("tune_")]  # those vary another
# The sizes of the pictures of the data sets that hold all of one size.
DIGIT = (28, 28, 1)
SHAPES = {"mnist": DIGIT, "mnist_5k": DIGIT, "fashion_mnist": DIGIT, "cifar10": (32, 32, 3)}


def every_choice(module):
    """The words of the command line that choose each option once, and none."""
    yield []
    for flag, options in getattr(module, "CHOICES", {}).items():
        switch = set(options) == {"off", "on"}
        for option in options:
            if option != "off":
                yield [f"--{flag}"] if switch else [f"--{flag}", option]


def with_flags(module, words):
    choices = getattr(module, "CHOICES", {})
    return _apply(module.RECIPE, choices, recipe_parser(module.RECIPE, choices).parse_args(words))


def pictures_for(recipe):
    """Two pictures of the size that the recipe's data set has, of two of ten classes."""
    images = np.random.RandomState(0).randint(0, 255, (2, *SHAPES[recipe.dataset]), "uint8")
    return Source("noise", "train", images, np.array([1, 7]), tuple("0123456789"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    for split in ("train", "val"):
        folder = root / split / "class"
        folder.mkdir(parents=True)
        pixels = np.random.RandomState(0).randint(0, 255, (300, 400, 3), "uint8")
        Image.fromarray(pixels).save(folder / "one.jpg")
    return load(f"folder:{root}", "train")


@pytest.mark.parametrize("name", NAMES)
def test_recipe_is_plain_data_and_its_pictures_fit(name, photographs):
    module = load_recipe(name)
    for words in every_choice(module):
        recipe = with_flags(module, words)
        assert name == recipe.name or name.startswith("tune_")
        json.dumps(describe(recipe))
        assert identity(recipe) == identity(with_flags(module, words))
        source = pictures_for(recipe) if recipe.dataset in SHAPES else photographs
        train, test = (
            tuple(in_order(source, 1, transforms).element_spec[0].shape)
            for transforms in (recipe.train_transforms, recipe.test_transforms)
        )
        assert train == test and None not in train[1:]


def options_of(recipe):
    return getattr(recipe.model, "keywords", {})


def networks_of(name):
    """A recipe for each network and way of training it that the choices of a file make."""
    module = load_recipe(name)
    found = {}
    for words in every_choice(module):
        recipe = with_flags(module, words)
        parts = (recipe.model, recipe.loss, recipe.optimizer, recipe.normalization)
        found.setdefault(json.dumps(describe(parts)), recipe)
    # It takes a minute to build, and is what 110 layers are.
    return [one for one in found.values() if options_of(one).get("depth") != 1202]


def is_small(recipe):
    shape = options_of(recipe).get("input_shape", (32, 32))
    return recipe.dataset in SHAPES and shape[0] <= 32


@pytest.fixture
def nothing_fetched(monkeypatch):
    """keras.applications gives networks with random weights in the place of ImageNet's."""
    for name in ("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"):
        build = getattr(keras.applications, name)

        def random(weights, build=build, **options):
            return build(weights=None, **options)

        monkeypatch.setattr(keras.applications, name, random)


@pytest.mark.usefixtures("nothing_drawn", "nothing_fetched")
@pytest.mark.parametrize("name", OWN)
def test_every_choice_builds(name, photographs):
    for recipe in networks_of(name):
        source = pictures_for(recipe) if recipe.dataset in SHAPES else photographs
        training, inference = assemble(recipe, source)
        assert inference.output_shape == (None, source.num_classes)
        assert training.input_shape == inference.input_shape


@pytest.mark.parametrize("name", [name for name in OWN if is_small(load_recipe(name).RECIPE)])
def test_every_small_choice_takes_a_step(name):
    for recipe in filter(is_small, networks_of(name)):
        source = pictures_for(recipe)
        # Without compiling, which takes longer than the step.
        training, _ = assemble(recipe, source, run_eagerly=True, jit_compile=False)
        before = [weight.numpy() for weight in training.trainable_weights]
        for images, labels in in_order(source, 2, recipe.train_transforms):
            loss = training.train_on_batch(images, labels)
        assert np.isfinite(loss).all()
        after = [weight.numpy() for weight in training.trainable_weights]
        changed = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
        assert sum(changed) >= len(changed) / 2


# Trainable parameters of the studies' networks, from the facts that the papers' tables give.
STUDIES = [
    ("lenet5_mnist", "--tutorial tanh", 61_706),
    ("lenet5_mnist", "--tutorial relu", 61_706),
    ("lenet5_mnist", "--tutorial max-pooling", 61_706),
    ("lenet5_mnist", "--tutorial sgd", 61_706),
    ("mnist_cnn", "--study", 50_186),
    ("alexnet_bn_cifar10", "--study two-towers", 56_909_194),
    ("alexnet_bn_cifar10", "--study plain", 62_378_344 - 990 * 4097),
    # A scale and a shift for each map, 96 + 256 + 384 + 384 + 256.
    ("alexnet_bn_cifar10", "--study batch-norm", 62_378_344 - 990 * 4097 + 2 * 1376),
    ("alexnet_fashion_mnist", "--study", 62_378_344 - 990 * 4097 - 2 * 96 * 11**2),
    ("vgg16_cifar10", "--study plain", 14_714_688 + 513 * 4096 + 4097 * 4096 + 40_970),
    (
        "vgg16_cifar10",
        "--study batch-norm",
        14_714_688 + 2 * (64 + 128 + 256 + 512 + 512) + 513 * 4096 + 4097 * 4096 + 40_970,
    ),
    ("googlenet_cifar10", "--study enlarged", 7_013_112 - 990 * 1025),
    ("googlenet_cifar10", "--study to-4e", 9_472 + 114_944 + 552_432 + 2_809_168 + 8_330),
    ("resnet50_cifar10", "--study", 23_528_522),
]


@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize(("name", "words", "parameters"), STUDIES)
def test_networks_of_the_studies(name, words, parameters):
    network = with_flags(load_recipe(name), words.split()).model(num_classes=10)
    assert sum(math.prod(weight.shape) for weight in network.trainable_weights) == parameters


def test_no_choice_of_a_study_is_without_its_count():
    studied = {(name, words) for name, words, _ in STUDIES}
    there = {
        (name, " ".join(words))
        for name in NAMES
        for words in every_choice(load_recipe(name))
        if words[:1] in (["--study"], ["--tutorial"]) and words[1:] != ["off"]
    }
    assert studied == there


def test_googlenet_to_4e_is_the_study_s_to_the_last_layer(tmp_path):
    recipe = with_flags(load_recipe("googlenet_cifar10"), ["--study", "to-4e"])
    network = recipe.model(num_classes=10, classifier_activation=None)
    last = [(layer.name, layer.output.shape[1:]) for layer in network.layers[-5:]]
    assert last[0] == ("inception_4e", (2, 2, 832)) and last[1] == ("pool4", (1, 1, 832))
    assert [name for name, _ in last[2:]] == ["flatten", "dropout", "fc"]
    assert network.get_layer("dropout").rate == 0
    for convolution in ("conv1", "conv2_reduce", "conv2"):
        assert network.get_layer(convolution).activation.__name__ == "linear"
    kinds = (BatchNormalization, LocalResponseNormalization)
    assert not [layer for layer in network.layers if isinstance(layer, kinds)]
    assert not network.get_layer("inception_3a").batch_norm
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.RandomState(0).rand(2, 32, 32, 3).astype("float32")
    np.testing.assert_array_equal(np.array(again(x)), np.array(network(x)))
    assert recipe.keep_epochs == (300, 500, 700, 900) and recipe.paper is None
    fewer = with_flags(load_recipe("googlenet_cifar10"), ["--study", "to-4e", "--epochs", "600"])
    assert fewer.keep_epochs == (300, 500)


def test_fashion_alexnet_s_study_starts_every_dense_bias_at_one():
    recipe = with_flags(load_recipe("alexnet_fashion_mnist"), ["--study"])
    training, _ = assemble(recipe, pictures_for(recipe))
    starts = {
        layer.name: set(layer.bias.numpy().tolist())
        for layer in network_of(training).layers
        if layer.weights
    }
    assert {name for name, values in starts.items() if values == {0.0}} == {"conv1", "conv3"}
    ones = {"conv2", "conv4", "conv5", "fc6", "fc7", "fc8"}
    assert {name for name, values in starts.items() if values == {1.0}} == ones


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        (
            "alexnet_cifar10",
            "--no-lrn --unregularised",
            "--no-lrn does not go with --unregularised, which sets model.local_response_norm too; "
            "leave one of them out.",
        ),
        (
            "lenet5_mnist",
            "--tutorial sgd --optimizer sdlm",
            "--optimizer sdlm does not go with --tutorial sgd, which sets optimizer too; leave one "
            "of them out.",
        ),
        ("lenet5_mnist", "--simplify 28px --tutorial relu", "--simplify 28px does not go with"),
        ("vgg16_cifar10", "--start from-a --study plain", "--start from-a does not go with --stud"),
        ("googlenet_cifar10", "--image-px 224 --study to-4e", "--image-px 224 does not go with"),
    ],
)
def test_flags_that_undo_each_other_are_refused(name, words, sentence):
    with pytest.raises(RecipeError) as refused:
        with_flags(load_recipe(name), words.split())
    assert str(refused.value).startswith(sentence)


def test_a_flag_may_say_more_exactly_what_another_says():
    lenet = with_flags(load_recipe("lenet5_mnist"), ["--tutorial", "sgd", "--rate", "falling"])
    assert lenet.schedule.at == (12, 16) and lenet.epochs == 40 and lenet.paper is None
    net = with_flags(load_recipe("googlenet_cifar10"), ["--no-heads", "--image-px", "224"])
    assert net.model.keywords["auxiliary_heads"] is False
    assert net.model.keywords["input_shape"] == (224, 224, 3) and net.auxiliary_weight is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lenet5_mnist", "--rate falling"),
        ("vgg16_imagenet", "--stage a --scale jitter"),  # Table 3 has D's
        ("alexnet_cifar10", "--no-lrn --no-overlap"),
    ],
)
def test_a_variation_shows_no_figure_of_the_paper(name, words):
    assert with_flags(load_recipe(name), words.split()).paper is None


def test_choices_change_what_they_name():
    module = load_recipe("cifar_resnet_cifar10")
    plain = with_flags(module, ["--depth", "56", "--plain"])
    assert plain.model.keywords == {"depth": 56, "residual": False}
    assert plain.paper is None
    deep = with_flags(module, ["--depth", "110"])
    assert deep.schedule(0, []) == 0.1 and deep.paper.test_error == 6.43
    assert with_flags(module, ["--split", "45k"]).validation == 5000
    module = load_recipe("vgg16_imagenet")
    jitter = with_flags(module, ["--scale", "jitter"])
    assert jitter.protocol.shorter_sides == (384,) and jitter.train_transforms[0].high == 512


def test_the_2012_code_of_alexnet_is_an_edition_of_its_own():
    module = load_recipe("alexnet_imagenet")
    recipe = with_flags(module, ["--edition", "code_2012"])
    assert changes_of(recipe) == [] and recipe.model.keywords == {"edition": "code_2012"}
    assert (recipe.batch_size, recipe.epochs, recipe.protocol) == (128, 90, module.RECIPE.protocol)
    assert recipe.optimizer is module.RECIPE.optimizer  # whose decay is of kernels alone
    assert (recipe.paper.test_error, recipe.paper.top5_error) == (40.664, 18.21)
    assert [one.crop_chunk for one in recipe.train_transforms[2:4]] == [32, 32]
    # What somebody changes, the sentence about it no longer says.
    changed = with_flags(module, ["--edition", "code_2012", "--set", "schedule.biases=1.0"])
    assert len(changed.deviations) == len(recipe.deviations) - 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--set schedule.biases=0", "`schedule.biases` cannot be 0: `biases` must be a finite num"),
        ("--batch-size 31", "`crop_chunk` 32 is more than a batch: `batch_size` is 31; "),
        ("--set train_transforms.2.crop_chunk=0", "`train_transforms.2.crop_chunk` cannot be 0: "),
        ("--set train_transforms.4.epoch=-1", "`train_transforms.4.epoch` cannot be -1: `epoch` "),
    ],
)
def test_the_2012_code_of_alexnet_refuses(words, sentence):
    with pytest.raises(RecipeError) as refused:
        with_flags(load_recipe("alexnet_imagenet"), ["--edition", "code_2012", *words.split()])
    assert str(refused.value).startswith(sentence) and len(str(refused.value)) < 260


@pytest.mark.parametrize("name", NAMES)
def test_deviations_name_fields_that_exist(name):
    module = load_recipe(name)
    for words in every_choice(module):
        recipe = with_flags(module, words)
        for sentence in recipe.deviations:
            for field in getattr(sentence, "about", ()):
                with pytest.raises(RecipeError, match="there is no 'no_such'"):
                    vary(recipe, {f"{field}.no_such": 1})


def test_a_choice_is_an_experiment_of_its_own():
    module = load_recipe("lenet5_mnist")
    assert changes_of(with_flags(module, ["--distort", "--seed", "2"])) == []
    changed = changes_of(with_flags(module, ["--distort", "--set", "train_transforms.0.scale=0.5"]))
    assert changed == [{"field": "train_transforms.0.scale", "published": 0.1, "here": 0.5}]
