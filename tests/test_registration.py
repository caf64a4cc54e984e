"""A saved network loads in whichever order Keras and this package were imported."""

import subprocess
import sys

from keras_classics import lenet5

LOAD = """
import sys
import {first}
import {second}
model = keras.models.load_model(sys.argv[1])
print(model.count_params(), *(type(layer).__module__ for layer in model.layers[2:4]))
"""


def test_saved_network_loads_in_either_order_of_imports(tmp_path):
    path = tmp_path / "lenet5.keras"
    lenet5().save(path)
    orders = ("keras", "keras_classics"), ("keras_classics", "keras")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD.format(first=first, second=second), str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first, second in orders
    ]
    for process in processes:
        printed, errors = process.communicate()
        assert process.returncode == 0, errors
        assert printed.splitlines()[-1].split() == [
            "60840",
            "keras_classics.layers.pooling",
            "keras_classics.layers.partially_connected_conv",
        ]
