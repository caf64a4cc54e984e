"""What does not fit together is refused before any work."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from keras_classics import lenet5
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.errors import DataError
from keras_classics.data.sharding import Shard
from keras_classics.data.sources import load
from keras_classics.runs import train
from keras_classics.runs.assembly import assemble, check_pixels
from keras_classics.runs.compute import check_memory, errors_of_memory, threads
from keras_classics.trained_model import network_of
from keras_classics.training import RecipeError, vary
from tests.runs import small_recipes


@pytest.mark.parametrize("name", ["resnet50_imagenet", "vgg16_imagenet"])
def test_published_weights_on_other_pixels_are_refused(tmp_path, name):
    recipe = load_recipe(name).RECIPE
    recipe = vary(recipe, {"model.weights": "imagenet", "normalization": recipe.normalization})
    network = recipe.model.func.__name__
    message = (
        r'^`model.weights` is "imagenet", whose pixels are blue, green, red in 0 … 255 minus '
        r"\(103.939, 116.779, 123.68\), nothing divided; Mean\w+ gives others: set `normalization` "
        rf'to WeightsPixels\("{network}", "imagenet"\), or write one that gives those\.$'
    )
    with pytest.raises(RecipeError, match=message):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pictures of 20×30 pixels in each of two classes."""
    root = tmp_path_factory.mktemp("pictures")
    for part in ("train/a", "train/b", "val/a", "val/b"):
        (root / part).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (30, 20)).save(root / part / f"{number}.png")
    return f"folder:{root}"


SIZES = "behind `train_transforms` and {} behind `test_transforms`, and must be of one and the same"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"test_transforms": ()},
            SIZES.format("any×any×3") + " size; end `test_transforms` in a crop, such as "
            "CenterCrop(28), in the recipe's file.",
        ),
        (
            {"test_transforms.1.size": 24},
            SIZES.format("24×24×3")
            + " size; set `train_transforms.0.size` or `test_transforms.1.size`.",
        ),
        (
            {"dataset": "mnist_5k"},
            "^`train_transforms` does not fit the pictures of mnist_5k: `images` must have three",
        ),
        ({"protocol.size": 24}, "TenCrop makes crops of (24, 24, 3); set `protocol.size`."),
        (
            {"dataset": "mnist_5k", "limit_train": 3},
            "^`limit_train` is 3, but mnist_5k has 10 classes",
        ),
        (
            {"dataset": "mnist_5k", "validation": 4500},
            "^`validation` is 4,500, which leaves none of",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_sentences_name_what_is_typed_and_what_helps(tmp_path, folder, changes, sentence):
    recipe = vary(small_recipes.FILES, {"dataset": folder, **changes})
    with pytest.raises((RecipeError, DataError)) as raised:
        train(recipe, tmp_path / "run")
    message = str(raised.value)
    if sentence.startswith("^"):
        assert message.startswith(sentence[1:])
    else:
        assert message.endswith(sentence)
    assert not (tmp_path / "run").exists()


@pytest.mark.backend
def test_weights_that_come_with_the_package_start_a_run():
    recipe = vary(small_recipes.LENET5, {"model.weights": "mnist"})
    check_pixels(recipe)
    training, _ = assemble(recipe, load("mnist_5k", "train"))
    expected = lenet5(weights="mnist").get_weights()
    for ours, theirs in zip(network_of(training).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_that_come_with_the_package_want_the_pixels_of_their_card():
    recipe = vary(
        load_recipe("lenet5_mnist").RECIPE, {"model.weights": "mnist", "normalization.low": 0.0}
    )
    message = (
        '^`model.weights` is "mnist", whose pixels are light ink on dark, .*; PixelRange gives '
    )
    with pytest.raises(RecipeError, match=message):
        check_pixels(recipe)


def blue_green_red(statistics):
    return keras.layers.Lambda(lambda pixels: pixels[..., ::-1])


def test_a_normalization_of_ones_own_is_ones_own_business():
    recipe = vary(load_recipe("resnet50_imagenet").RECIPE, {"model.weights": "imagenet"})
    check_pixels(dataclasses.replace(recipe, normalization=blue_green_red))
    check_pixels(vary(recipe, {"model.weights": "mine.weights.h5"}))
    check_pixels(load_recipe("lenet5_mnist").RECIPE)


@pytest.mark.backend
@pytest.mark.parametrize(("pieces", "fits"), [(1, False), (10**7, True)])
def test_batches_that_no_memory_holds_are_refused(pieces, fits):
    recipe = vary(small_recipes.PLAIN, {"batch_size": 2 * 10**9})
    network = recipe.model(num_classes=10, classifier_activation=None)
    # 2 · 4 bytes of 28² pixels, 8·8·4 values behind the convolution, 16 and 10 behind the others.
    message = "^`batch_size` of 2,000,000,000 pictures needs 17,056 GB of memory or more, and "
    with contextlib.nullcontext() if fits else pytest.raises(RecipeError, match=message):
        check_memory(recipe, network, Shard(pieces=pieces), pictures=10**12)
    check_memory(recipe, network, Shard(), pictures=1000)  # as many as there are


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="threads are PyTorch's")
@pytest.mark.parametrize(
    ("batch_size", "given", "inside"), [(32, None, 1), (100_000, None, 2), (32, "2", 2)]
)
def test_a_small_step_has_one_thread(monkeypatch, batch_size, given, inside):
    import torch

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads(vary(small_recipes.PLAIN, {"batch_size": batch_size}), lenet5(), Shard()):
            assert torch.get_num_threads() == inside
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("size", "pieces", "words"),
    [
        (32, 1, "try 16, or each batch in 2 pieces (`gradient_accumulation_steps`)."),
        (24, 4, "try 12, or each batch in 8 pieces (`gradient_accumulation_steps`)."),
        (33, 1, "try 16."),
        (33, 3, "try 15."),  # which divides into three pieces
        (4, 4, "take smaller pictures or a smaller network."),
    ],
)
def test_full_memory_is_one_sentence_with_the_batch_to_try(size, pieces, words):
    changes = {"batch_size": size, "gradient_accumulation_steps": pieces}
    recipe = vary(small_recipes.PLAIN, changes)
    message = f"`batch_size` of {size} pictures needs more memory than there is; {words}"
    with pytest.raises(RecipeError) as caught, errors_of_memory(recipe):
        np.zeros((10**6, 10**8))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [  # what libraries say of GPUs, which no processor can be made to say
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 3.81 GiB",
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 2147483648 bytes.",
        "OOM when allocating tensor with shape[512,64,224,224] and type float on …/GPU:0",
        "failed to allocate memory: CUDA_ERROR_OUT_OF_MEMORY",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_full_memory_of_a_gpu_is_told_by_its_words(text):
    message = "^`batch_size` of 32 pictures needs more memory"
    with pytest.raises(RecipeError, match=message), errors_of_memory(small_recipes.PLAIN):
        raise RuntimeError(text)


def test_other_errors_stay_what_they_are():
    with pytest.raises(ValueError, match="^another$"), errors_of_memory(small_recipes.PLAIN):
        raise ValueError("another")


class TooMuch(keras.layers.Layer):
    """Asks in training for more than any machine has."""

    def call(self, x, training=False):
        if not training:
            return x
        row = keras.ops.stop_gradient(keras.ops.tile(x[0], 10_000))
        # Sorted, since a compiler needs no memory for what it can fuse: 4 · 7,840,000² bytes.
        return x + keras.ops.mean(keras.ops.sort(keras.ops.outer(row, row)))


def too_large(num_classes, classifier_activation):
    inputs = keras.Input((28, 28, 1))
    x = TooMuch()(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Dense(num_classes, activation=classifier_activation)(x)
    return keras.Model(inputs, outputs, name="small")


@pytest.mark.backend
def test_a_step_that_finds_no_memory_ends_the_run_with_that_sentence(tmp_path):
    recipe = vary(small_recipes.PLAIN, {"model": too_large, "validation": 0})
    with pytest.raises(RecipeError, match="needs more memory than there is; try 16, or"):
        train(recipe, tmp_path, verbose=0)
