"""The subjects of `benchmarks.gpu`: two times of a training step, on one backend.

On the device: the step alone, called on a batch that lies there. From the host: `fit`, or PyTorch's
usual loop from pinned memory, on the same batch in host memory.
"""

import gc
import itertools
import time

import numpy as np

from benchmarks import train_step

WARM_UP = 3  # `torch.compile` and XLA compile in the first ones
SECONDS = 1.5  # that are counted, of each of the two times


def batch(network, count):
    """The batch of `benchmarks.train_step`, again and again until there are so many pictures."""
    x, labels = train_step.batch(network)
    return np.resize(x, (count, *x.shape[1:])), np.resize(labels, count)


def timed(run, wait):
    """Returns the seconds of one of the steps that `run(count)` does; `wait` ends the last one."""

    def seconds(count):
        start = time.perf_counter()
        run(count)
        wait()
        return time.perf_counter() - start

    seconds(WARM_UP)
    count = max(2, min(300, round(SECONDS / (seconds(2) / 2))))
    return seconds(count) / count


def measure_pytorch(network, count, dtype, device, compiled):
    """Returns the two times of a step, on the device and from the host."""
    import torch

    model = train_step.build_pytorch(network).train()
    model = model.to(device, memory_format=torch.channels_last)
    run_model = torch.compile(model) if compiled else model
    x, labels = map(torch.from_numpy, batch(network, count))
    x, labels = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), labels.long()
    if device == "cuda":
        x, labels = x.pin_memory(), labels.pin_memory()
    optimizer = torch.optim.SGD(model.parameters(), lr=train_step.LEARNING_RATE, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    mixed = torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")

    def run(count, x, labels):
        for _ in range(count):
            near = (part.to(device, non_blocking=True) for part in (x, labels))
            optimizer.zero_grad()
            with mixed:
                images, classes = near
                loss = criterion(run_model(images), classes)
            loss.backward()
            optimizer.step()
        assert np.isfinite(loss.item())  # waits

    there = x.to(device), labels.to(device)
    return [
        timed(lambda n, data=data: run(n, *data), lambda: None) for data in (there, (x, labels))
    ]


def measure_ours(network, count, dtype, compiled):
    """The same for a network of this package, on Keras' backend."""
    import keras

    from keras_classics.training import CoupledSGD

    keras.config.set_dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32")
    model = train_step.build_ours(network, "pytorch")
    model.compile(
        optimizer=CoupledSGD(train_step.LEARNING_RATE, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=compiled or "auto",
    )
    data = batch(network, count)

    def fit(count):
        batches = (data for _ in range(count))
        found = model.fit(batches, steps_per_epoch=count, verbose=0)
        assert np.isfinite(found.history["loss"]).all()  # `fit` reads it at the end: it waited

    host = timed(fit, lambda: None)
    # Behind `fit`: JAX takes the network's variables away.
    return [timed(*steps_alone(model, *data)), host]


def steps_alone(model, x, labels):
    """Returns what trains a number of steps on a batch on the device, and what waits for them."""
    import keras

    x, labels = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(labels)
    if keras.backend.backend() == "tensorflow":  # its train function takes nothing but iterators
        return lambda count: [model.train_on_batch(x, labels) for _ in range(count)], lambda: None
    last = []
    if keras.backend.backend() == "torch":

        def run(count):
            for _ in range(count):
                last[:] = [model.train_function([(x, labels)])["loss"]]

        return run, lambda: float(last[0])
    kinds = ("trainable_variables", "non_trainable_variables", "optimizer_variables")
    batches = itertools.repeat((x, labels))
    # As `fit` calls it, so that nothing is compiled anew; there is no public way to its arguments.
    state = model._get_jax_state(**dict.fromkeys((*kinds, "metrics_variables"), True))

    def run(count):
        nonlocal state
        for _ in range(count):
            logs, state = model.train_function(state, batches)
        last[:] = [logs["loss"]]

    return run, lambda: float(last[0])


def device_of(backend):
    """Returns "cuda" or "cpu", where this backend would compute."""
    if backend == "jax":
        import jax

        return "cuda" if jax.default_backend() == "gpu" else "cpu"
    if backend == "torch":
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    import tensorflow as tf

    return "cuda" if tf.config.list_physical_devices("GPU") else "cpu"


def peak_bytes(backend):
    """Returns the largest memory that was allocated on the device, None on a processor."""
    if device_of(backend) == "cpu":
        return None
    if backend == "jax":
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    if backend == "torch":
        import torch

        found = torch.cuda.max_memory_allocated()
        gc.collect()
        torch.cuda.reset_peak_memory_stats()
        return found
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"]
