"""Prints, as JSON, where AlexNet's weights lie and what its devices tell each other; run by a test.

python two_towers_step.py EDITION

{"weights": {path: {device: [first, last + 1] along the last axis}},
 "exchanges": [where data moves between the devices, as layers of XLA's program]}
"""

import json
import re
import sys

import jax
import keras
import numpy as np

from keras_classics import alexnet
from keras_classics.runs import Compute
from keras_classics.runs.distribution import distribute
from keras_classics.training import CoupledSGD


def where(variable):
    """Returns {device: its part of the last axis}."""
    size = variable.shape[-1]
    return {
        shard.device.id: list(shard.index[-1].indices(size)[:2])
        for shard in variable.value.addressable_shards
    }


def program_of(model, devices):
    """The text of the compiled forward and backward pass."""
    images = np.zeros((2, *model.input_shape[1:]), "float32")
    layout = devices.distribution.get_data_layout(images.shape).backend_layout

    def loss(trained, others, images):
        logits, _ = model.stateless_call(trained, others, images, training=True)
        return (logits**2).sum()

    variables = (model.trainable_variables, model.non_trainable_variables)
    values = ([variable.value for variable in group] for group in variables)
    lowered = jax.jit(jax.grad(loss)).lower(*values, jax.device_put(images, layout))
    return lowered.compile().as_text()


def main(edition):
    devices = distribute(Compute(strategy="two_towers"))
    with devices.scope():
        model = alexnet(
            10,
            stem="cifar",
            input_shape=(28, 28, 1),
            classifier_activation=None,
            towers="grouped",
            edition=edition,
        )
        optimizer = CoupledSGD(0.01, momentum=0.9)
        optimizer.build(model.trainable_variables)
        program = program_of(model, devices)
    variables = [v for v in (*model.variables, *optimizer.variables) if len(v.shape)]
    moves = r" = \S+ (?:all-gather|all-reduce|all-to-all|collective-permute)\(.*op_name=\"([^\"]*)"
    places = {variable.path: where(variable) for variable in variables}
    print(json.dumps({"weights": places, "exchanges": re.findall(moves, program)}))


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    main(sys.argv[1])
