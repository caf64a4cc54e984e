"""Writes the files here that pin the networks: for each layer its class, output and weights.

    python tests/models/golden/regenerate.py

Saved weights are found by these names and shapes: whoever changes them breaks users' files.
"""

import json
from pathlib import Path

import keras

import keras_classics

NETWORKS = {
    "lenet5": {},
    "mnist_cnn": {},
    "alexnet": {},
    "alexnet_145": {},
    "alexnet_147": {},
    "alexnet_150": {},
    "alexnet_cifar": {},
    "vgg16": {},
    "googlenet": {"auxiliary_heads": True},
    "resnet18": {},
    "resnet50": {},
    "cifar_resnet20": {},
}


def describe(model):
    """Returns {layer: {"class": …, "output": shape, weight: shape, …}} in the order of the model.

    Args:
        model: a network; its input layer is left out, since Keras numbers those.

    Returns:
        JSON data.
    """
    return {
        layer.name: {
            "class": type(layer).__name__,
            "output": list(layer.output.shape),
            **{_name(weight, layer): list(weight.shape) for weight in layer.weights},
        }
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }


def _name(weight, layer):
    """Returns "kernel", or "conv_1x1/kernel" for a layer within a layer."""
    return weight.path.partition(f"{layer.name}/")[2]


def main():
    """Writes one file for each network, one line for each layer."""
    for name, options in NETWORKS.items():
        described = describe(keras_classics.get_model(name, **options))
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in described.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        Path(__file__).with_name(f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
