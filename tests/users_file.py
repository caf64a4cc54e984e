"""What somebody writes with this package; test_types.py shows it to mypy, and nobody runs it."""

from functools import partial
from pathlib import Path

import numpy as np

import keras_classics
from keras_classics import cifar_resnet20, get_model, lenet5, list_models, model_card, resnet50
from keras_classics.data.image_files import read_image
from keras_classics.data.sources import Source, load
from keras_classics.data.transforms.crops import RandomAreaCrop, RandomCrop, RandomFlip
from keras_classics.evaluation import TenCrop, evaluate
from keras_classics.layers import LocalResponseNormalization, Subsampling
from keras_classics.runs import train
from keras_classics.training import CoupledSGD, DivideOnPlateau, MeanImage, Recipe, vary


def right() -> None:
    lenet5(output="softmax", num_classes=26).summary()
    resnet50(10, input_shape=(None, None, 3), stem="cifar", weights=None)
    keras_classics.vgg16_1x1(weights=Path("vgg.weights.h5"), batch_norm="conv")
    keras_classics.plain34(include_top=False, pooling="avg", name="plain")
    cifar_resnet20(shortcut="projection", pad="both", weights="cifar10")
    keras_classics.googlenet(auxiliary_heads=True, module="naive", last_module="4e")
    keras_classics.alexnet(local_response_norm="mean", kernel_initializer="he_normal")
    parameters: int = model_card("lenet5").parameters
    names: list[str] = list_models("resnet*")
    get_model(names[0], num_classes=10)
    pixels, done = read_image("two.png", (28, 28, 1), digits=True)
    images = np.zeros((2, 28, 28, 1), "uint8")
    source = Source("mine", "train", images, np.array([0, 1]), ("cat", "dog"))
    side: int = source.image_shape[0]
    brightness = float(load("mnist_5k", "train").images.mean())
    error: float = evaluate(lenet5(), load("mnist", "test"), TenCrop(size=28), batch_size=10).error
    Subsampling(2, activation="tanh", data_format="channels_first")
    LocalResponseNormalization(depth_radius=2, alpha_convention="mean")
    schedule: float = DivideOnPlateau()(3, [{"error": 2.0}])
    recipe = Recipe(
        name="mine",
        model=partial(cifar_resnet20, shortcut="projection"),
        dataset="cifar10",
        normalization=MeanImage(),
        train_transforms=(RandomCrop(32, padding=4), RandomFlip()),
        shuffle="every_epoch",
        loss=lambda: None,
        optimizer=partial(CoupledSGD, momentum=0.9, weight_decay={"*/kernel": 1e-4}),
        learning_rate=0.1,
        schedule=DivideOnPlateau(),
        batch_size=128,
        epochs=2,
    )
    train(
        vary(recipe, {"optimizer.momentum": 0.8}, seed=1), Path("runs"), cache="ram", log_steps=10
    )


def wrong(recipe: Recipe) -> None:
    lenet5(oops=3)  # refused: call-arg
    resnet50(10, (224, 224, 3))  # refused: call-arg
    resnet50(pooling="sum")  # refused: arg-type
    resnet50(num_classes="ten")  # refused: arg-type
    keras_classics.vgg16(batch_norm=True)  # refused: arg-type
    keras_classics.plain34(shortcut="identity")  # refused: call-arg
    keras_classics.cifar_plain20(pad="end")  # refused: call-arg
    cifar_resnet20(depth=32)  # refused: call-arg
    keras_classics.resnet51()  # refused: attr-defined
    keras_classics.mnist_cnn(weights=1)  # refused: arg-type
    lenet5(connections="tabel")  # refused: arg-type
    print(model_card("lenet5").parametres)  # refused: attr-defined
    list_models(3)  # refused: arg-type
    Subsampling("2")  # refused: arg-type
    RandomAreaCrop(224, interpolation="cubik")  # refused: arg-type
    CoupledSGD(decay="everything")  # refused: arg-type
    evaluate(lenet5())  # refused: call-arg
    train(recipe)  # refused: call-arg
    train(recipe, "runs", cache="memory")  # refused: arg-type
    print(vary(recipe, seed=1).sead)  # refused: attr-defined
