"""Runs on several devices and in several processes, which end as a run on one device does."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_classics  # noqa: F401  registers the layers of the saved models
from benchmarks.machine import photographs
from keras_classics.errors import UserError
from keras_classics.evaluation import evaluate
from keras_classics.runs import train
from keras_classics.runs.compute import Compute
from keras_classics.runs.devices import MultiMachine
from keras_classics.runs.distribution import DistributionError, _choose, distribute
from keras_classics.runs.sources import load_sources
from keras_classics.training import RecipeError, StochasticDiagonalLM, vary
from tests import ROOT
from tests.faults.sameness import last_checkpoint
from tests.runs import small_recipes

STRATEGY = {"tensorflow": "mirrored", "jax": "data_parallel"}
only = {
    name: pytest.mark.skipif(keras.backend.backend() != name, reason=f"{name} only")
    for name in ("tensorflow", "jax")
}


# By the watch, or aborted by the library that lost its peer, whichever is first.
ENDED = (-signal.SIGTERM, -signal.SIGABRT)


def environment(devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    return {**os.environ, "KERAS_BACKEND": keras.backend.backend(), "XLA_FLAGS": flags}


def start(recipe, run_dir, devices=1, **options):
    command = [
        *(sys.executable, "-m", "tests.runs.distributed_run", recipe, str(run_dir), str(devices)),
        json.dumps(options),
    ]
    return subprocess.Popen(
        command, env=environment(devices), cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(*arguments, **options):
    process = start(*arguments, **options)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def run_processes(recipe, run_dir, kill=None, count=2, **options):
    """So many processes with two devices each; returns their statuses and outputs."""
    address = f"127.0.0.1:{port()}"
    processes = [
        start(
            recipe, run_dir, 2, strategy="multi_machine", peers=[address, count, number],
            **options, **({"kill": 15} if number == kill else {}),
        )
        for number in range(count)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    return [process.returncode for process in processes], outputs


def deviation(run_dir, other_dir):
    """Returns the largest difference of two runs' weights, of the largest weight."""
    model, other = (keras.models.load_model(d / "model.keras") for d in (run_dir, other_dir))
    pairs = [
        tuple(map(keras.ops.convert_to_numpy, pair))
        for pair in zip(model.weights, other.weights, strict=True)
    ]
    largest = max(np.abs(one).max() for one, _ in pairs)
    return max(np.abs(one - other).max() for one, other in pairs) / largest


def history(run_dir):
    with open(run_dir / "history.csv") as file:
        return np.array([[float(v) for v in row.values()] for row in csv.DictReader(file)])


def assert_same_run(run_dir, other_dir, tolerance):
    # Sums in float32 in another order, over 33 updates.
    assert deviation(run_dir, other_dir) <= tolerance
    np.testing.assert_allclose(history(run_dir), history(other_dir), rtol=1e-5)
    metrics = [json.loads((d / "metrics.json").read_text()) for d in (run_dir, other_dir)]
    assert metrics[0]["wrong"] == metrics[1]["wrong"]
    np.testing.assert_allclose(metrics[0]["loss"], metrics[1]["loss"], rtol=1e-5)


@pytest.mark.backend
def test_replicas_train_as_one_device_does(backend, tmp_path):
    if backend not in STRATEGY:
        pytest.skip("PyTorch's backend has one device")
    run("PLAIN", tmp_path / "one", strategy="none")
    run("PLAIN", tmp_path / "four", 4, strategy=STRATEGY[backend])
    assert_same_run(tmp_path / "one", tmp_path / "four", 1e-5)
    facts = json.loads((tmp_path / "four" / "environment.json").read_text())
    assert facts["devices"] == f"{STRATEGY[backend]}, 4 replicas in 1 process"


@pytest.mark.backend
def test_batch_normalization(backend, tmp_path):
    if backend not in STRATEGY:
        pytest.skip("PyTorch's backend has one device")
    run("NORMALIZED", tmp_path / "one", strategy="none")
    sync = {"sync_batch_norm": True}
    run("NORMALIZED", tmp_path / "sync", 2, strategy=STRATEGY[backend], changes=sync)
    run("NORMALIZED", tmp_path / "own", 2, strategy=STRATEGY[backend])
    assert_same_run(tmp_path / "one", tmp_path / "sync", 1e-4)
    if backend == "tensorflow":  # each replica normalises its own part
        assert deviation(tmp_path / "one", tmp_path / "own") > 1e-3
    else:  # JAX computes the batch as a whole
        assert deviation(tmp_path / "one", tmp_path / "own") <= 1e-4


@pytest.mark.backend
@only["jax"]
def test_processes_train_as_one_does_and_continue(tmp_path):
    run("PLAIN", tmp_path / "one", strategy="none")
    statuses, outputs = run_processes("PLAIN", tmp_path / "two")
    assert statuses == [0, 0], outputs
    assert_same_run(tmp_path / "one", tmp_path / "two", 1e-6)
    statuses, outputs = run_processes("PLAIN", tmp_path / "killed", kill=1, checkpoint_minutes=0)
    assert statuses[0] in ENDED and statuses[1] == -signal.SIGKILL, outputs
    assert_one_sentence(outputs[0], "process 1")
    statuses, outputs = run_processes("PLAIN", tmp_path / "killed", checkpoint_minutes=0)
    assert statuses == [0, 0] and "after epoch 1, step" in outputs[0]
    assert deviation(tmp_path / "two", tmp_path / "killed") == 0


def assert_one_sentence(output, name):
    told = f"error: {name} of this run has ended; start all processes again with the same commands"
    assert told in output and output.count("has ended") == 1 and "Traceback" not in output


@pytest.mark.slow
@pytest.mark.backend
@only["jax"]
@pytest.mark.parametrize("lost", [0, 2])
def test_one_of_three_is_killed(tmp_path, lost):
    # Nine batches that divide by six devices, and what is left.
    changes = {"batch_size": 36, "limit_train": 330, "epochs": 2}
    options = {"checkpoint_minutes": 0, "count": 3, "changes": changes}
    statuses, outputs = run_processes("PLAIN", tmp_path / "killed", kill=lost, **options)
    for number, (status, output) in enumerate(zip(statuses, outputs, strict=True)):
        if number == lost:
            assert status == -signal.SIGKILL
            continue
        assert status in ENDED, output
        name = "process 2" if lost else r"process 0 at 127.0.0.1:\d+"
        assert_one_sentence(re.sub(name, "process n", output), "process n")
    statuses, outputs = run_processes("PLAIN", tmp_path / "killed", **options)
    assert statuses == [0, 0, 0], outputs
    run("PLAIN", tmp_path / "one", strategy="none", changes=changes)
    assert_same_run(tmp_path / "one", tmp_path / "killed", 1e-6)


@pytest.mark.slow
@pytest.mark.backend
@only["jax"]
def test_processes_share_what_a_protocol_measures(tmp_path, monkeypatch):
    folder = photographs(tmp_path, 41)  # 20 and 21
    monkeypatch.setenv("SMALL_FILES", folder)
    statuses, outputs = run_processes("FILES", tmp_path / "run")
    assert statuses == [0, 0], outputs
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    recipe = vary(small_recipes.FILES, {"dataset": f"folder:{folder}"})
    whole = evaluate(model, load_sources(recipe, None, "none")["final"], recipe.protocol)
    with np.load(tmp_path / "run" / "predictions.npz") as shared:
        np.testing.assert_array_equal(shared["labels"], whole.labels)
        # Batches of other sizes, in float32.
        np.testing.assert_allclose(shared["probabilities"], whole.probabilities, atol=1e-6)


@pytest.mark.slow
@pytest.mark.backend
@only["jax"]
def test_slurm_needs_no_flags(tmp_path, monkeypatch):
    job = next(job for job in range(os.getpid(), os.getpid() + 4096) if is_free(61440 + job % 4096))
    variables = {"JOB_ID": job, "STEP_NODELIST": "localhost", "NTASKS": 2}
    processes = []
    for number in range(2):
        for name, value in {**variables, "PROCID": number, "LOCALID": number}.items():
            monkeypatch.setenv(f"SLURM_{name}", str(value))
        processes.append(start("PLAIN", tmp_path / "run", 2, strategy="multi_machine"))
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert facts["devices"] == "multi_machine, 4 replicas in 2 processes"


def is_free(number):
    try:
        for near in (number, number + 1):
            socket.create_server(("127.0.0.1", near)).close()
    except (OSError, OverflowError):
        return False
    return True


def test_fewer_pictures_than_processes():
    devices = MultiMachine.__new__(MultiMachine)  # the others are not needed to count
    devices.processes = 11
    sources = load_sources(vary(small_recipes.PLAIN, {"validation": 10}), None, "none")
    with pytest.raises(DistributionError) as raised:
        devices.share(sources["validation"])
    assert str(raised.value) == (
        "11 processes cannot share 10 held-out training pictures; start fewer."
    )


@pytest.mark.backend
@only["jax"]
def test_devices_that_do_not_divide_among_processes(tmp_path):
    """A failure of all before the run begins: each tells its own user."""
    peers = [f"127.0.0.1:{port()}", 2]
    processes = [
        start(
            "PLAIN", tmp_path / "run", devices, strategy="multi_machine", peers=[*peers, number]
        )
        for number, devices in enumerate((1, 2))
    ]  # fmt: skip
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert "error: 3 devices do not divide among 2 processes; give each as many." in output
        assert "has ended" not in output
    assert not (tmp_path / "run").exists()


@pytest.mark.backend
@only["jax"]
@pytest.mark.parametrize("edition", ["paper", "code_2012"])
def test_two_towers_meet_where_the_paper_says(edition):
    """Fig. 2 of Krizhevsky et al.: the towers meet in front of conv3, fc6, fc7 and fc8."""
    script = [sys.executable, "-m", "tests.runs.two_towers_step", edition]
    printed = subprocess.check_output(script, env=environment(2), cwd=ROOT, timeout=300)
    report = json.loads(printed)
    units = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
    units |= {"fc6": 4096, "fc7": 4096}
    for path, places in report["weights"].items():
        layer = re.search(r"conv\d|fc\d|seed_generator", path)[0]
        n = units.get(layer)
        halves = [[0, n // 2], [n // 2, n]] if n else [places["0"]] * 2
        assert [places["0"], places["1"]] == halves, path
    weights = {f"{layer}/{kind}" for layer in (*units, "fc8") for kind in ("kernel", "bias")}
    momenta = {f"coupled_sgd/{name.replace('/', '_')}_momentum" for name in weights}
    assert report["weights"].keys() > weights | momenta
    # The maps are put side by side in front of fc6, in `flatten`. Backward the same way.
    met = {re.search(r"conv\d|fc\d|flatten", name)[0] for name in report["exchanges"]}
    assert met == {"conv3", "flatten", "fc6", "fc7", "fc8"}


@pytest.mark.backend
@only["jax"]
@pytest.mark.parametrize("recipe", ["TOWERS", pytest.param("TOWERS_2012", marks=pytest.mark.full)])
def test_two_towers_train_as_one_device_does(recipe, tmp_path):
    run(recipe, tmp_path / "one", strategy="none", changes={"model.towers": "grouped"})
    run(recipe, tmp_path / "two", 2, strategy="two_towers")
    assert_same_run(tmp_path / "one", tmp_path / "two", 1e-5)
    recipe = json.loads((tmp_path / "two" / "recipe.json").read_text())
    assert recipe["recipe"]["model"]["towers"] == "grouped"


@pytest.mark.backend
@only["jax"]
def test_processes_with_different_recipes(tmp_path):
    address = f"127.0.0.1:{port()}"
    processes = [
        start(
            "PLAIN", tmp_path / "run", 2, strategy="multi_machine", peers=[address, 2, number],
            changes={"seed": number},
        )
        for number in range(2)
    ]  # fmt: skip
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1
        assert "error: The processes do not run the same (recipe: " in output
    assert not (tmp_path / "run").exists()


@pytest.mark.backend
def test_a_batch_in_pieces(tmp_path):
    """Also killed inside an epoch: what is added up begins anew with each batch."""
    run("PLAIN", tmp_path / "whole")
    changes = {"gradient_accumulation_steps": 4}
    process = start("PLAIN", tmp_path / "pieces", changes=changes, kill=71, checkpoint_minutes=0)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    output = run("PLAIN", tmp_path / "pieces", changes=changes)
    assert "after epoch 1, step 6" in output
    assert_same_run(tmp_path / "whole", tmp_path / "pieces", 1e-5)


@pytest.mark.backend
def test_pieces_on_replicas(backend, tmp_path):
    if backend not in STRATEGY:
        pytest.skip("PyTorch's backend has one device")
    changes = {"gradient_accumulation_steps": 2}
    both = start("PLAIN", tmp_path / "both", 2, strategy=STRATEGY[backend], changes=changes)
    output, _ = both.communicate(timeout=300)
    if backend == "tensorflow":
        assert "`gradient_accumulation_steps` does not go with `strategy` mirrored" in output
        assert not (tmp_path / "both").exists()
    else:
        run("PLAIN", tmp_path / "one", strategy="none")
        assert_same_run(tmp_path / "one", tmp_path / "both", 1e-5)


@pytest.mark.backend
def test_half_precision_continues(tmp_path):
    """The scale of the loss is part of the state: it doubles after so many good steps."""
    options = {"changes": {"precision": "mixed_float16"}, "checkpoint_minutes": 0}
    run("NORMALIZED", tmp_path / "whole", **options)
    killed = start("NORMALIZED", tmp_path / "killed", kill=16, **options)
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert "after epoch 1, step 4" in run("NORMALIZED", tmp_path / "killed", **options)
    assert deviation(tmp_path / "whole", tmp_path / "killed") == 0
    (one, state), (two, other) = (last_checkpoint(tmp_path / name) for name in ("whole", "killed"))
    scales = [name for name in one if one[name].size == 1 and one[name] == 2.0**15]
    assert scales  # the scale begins at 2¹⁵ and grows after 2,000 steps
    assert state == other and one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    losses = history(tmp_path / "whole")[:, 2]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]


@pytest.mark.backend
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"strategy": "both"},
            '`strategy` must be one of "auto", "none", "mirrored", "data_parallel", "two_towers", '
            "\"multi_machine\". Received: strategy='both'",
        ),
        (
            {"strategy": "two_towers"},
            {
                "jax": "`strategy` two_towers needs two devices; this machine has one (cpu:0).",
                "tensorflow": "`strategy` two_towers needs the jax backend; set "
                "KERAS_BACKEND=jax. Received: tensorflow",
                "torch": "`strategy` two_towers needs the jax backend; set KERAS_BACKEND=jax. "
                "Received: torch",
            },
        ),
        ({"replicas": 0}, "`replicas` must be a positive integer. Received: replicas=0"),
        (
            {"strategy": "none", "replicas": 2},
            "`replicas` 2 needs `strategy` mirrored (TensorFlow) or data_parallel (JAX).",
        ),
        (
            {"strategy": "multi_machine"},
            {
                "jax": "`strategy` multi_machine needs --coordinator, --processes and --process, "
                "or to be started by SLURM's srun or Open MPI's mpirun, of which nothing is seen "
                "here.",
                "tensorflow": "`strategy` multi_machine needs the jax backend (TensorFlow's own "
                "for several machines does not work with Keras 3); set KERAS_BACKEND=jax. "
                "Received: tensorflow",
                "torch": "`strategy` multi_machine needs the jax backend; set KERAS_BACKEND=jax. "
                "Received: torch",
            },
        ),
    ],
    ids=["unknown", "one device for two", "no replicas", "one device", "no address"],
)
def test_devices_that_cannot_be_had(asked, message, backend):
    expected = message if isinstance(message, str) else message[backend]
    with pytest.raises(UserError) as raised:
        distribute(Compute(**asked))
    assert str(raised.value) == expected


@pytest.mark.parametrize(
    ("backend", "count", "changes", "chosen"),
    [
        ("tensorflow", 4, {}, ("mirrored", 4)),
        ("jax", 4, {}, ("data_parallel", 4)),
        ("torch", 4, {}, ("none", 1)),
        ("tensorflow", 1, {}, ("none", 1)),
        ("tensorflow", 6, {}, ("mirrored", 4)),  # 32 does not divide by 5 or 6
        ("tensorflow", 4, {"batch_size": 31}, ("none", 1)),
        ("tensorflow", 4, {"gradient_accumulation_steps": 4}, ("none", 1)),
        ("jax", 4, {"gradient_accumulation_steps": 16}, ("data_parallel", 2)),
        ("jax", 4, {"optimizer": StochasticDiagonalLM}, ("none", 1)),
    ],
)
def test_what_is_chosen_automatically(backend, count, changes, chosen):
    recipe = vary(small_recipes.PLAIN, changes)
    gpus = [f"gpu:{number}" for number in range(count)]
    assert _choose(backend, gpus, None, recipe) == chosen
    assert _choose(backend, gpus, 1, recipe) == ("none", 1)
    assert _choose(backend, [f"cpu:{number}" for number in range(count)], None, recipe)[1] == 1


@pytest.mark.backend
def test_more_replicas_than_devices(backend):
    if backend not in STRATEGY:
        pytest.skip("PyTorch's backend has one device")
    with pytest.raises(DistributionError, match="^`replicas` 64 is more than the . devices of"):
        distribute(Compute(strategy=STRATEGY[backend], replicas=64))


@pytest.mark.backend
@pytest.mark.parametrize(
    ("changes", "options", "error", "message"),
    [
        (
            {"gradient_accumulation_steps": 5},
            {},
            DistributionError,
            "Batches of 32 do not divide by 5, the number of replicas (1) times "
            "`gradient_accumulation_steps` (5); the nearest `batch_size` that does: 30 or 35.",
        ),
        (
            {"gradient_accumulation_steps": 0},
            {},
            RecipeError,
            "`gradient_accumulation_steps` must be a positive integer. Received: "
            "gradient_accumulation_steps=0",
        ),
        (
            {"precision": "float16"},
            {},
            RecipeError,
            '`precision` must be one of "float32", "mixed_float16", "mixed_bfloat16". Received: '
            "precision='float16'",
        ),
        (
            {},
            {"jit": "yes"},
            DistributionError,
            '`jit` must be one of "auto", "on", "off". Received: jit=\'yes\'',
        ),
        (
            {},
            {"steps_per_execution": 2**31},
            DistributionError,
            "`steps_per_execution` must be below 2**31. Received: steps_per_execution=2147483648",
        ),
        (
            {},
            {"steps_per_execution": 0},
            DistributionError,
            "`steps_per_execution` must be a positive integer. Received: steps_per_execution=0",
        ),
        *(
            (
                {"optimizer": StochasticDiagonalLM, **change},
                {},
                RecipeError,
                "StochasticDiagonalLM trains in float32, on one device and in whole batches; "
                "leave out `strategy`, `gradient_accumulation_steps` and `precision`.",
            )
            for change in ({"precision": "mixed_float16"}, {"gradient_accumulation_steps": 4})
        ),
    ],
    ids=[
        "pieces",
        "no pieces",
        "precision",
        "jit",
        "many steps",
        "steps",
        "half curvature",
        "part curvature",
    ],
)
def test_refused_before_any_work(changes, options, error, message, tmp_path):
    from tests.runs import small_recipes

    with pytest.raises(error) as raised:
        train(
            vary(small_recipes.PLAIN, changes),
            tmp_path / "run",
            compute=Compute(strategy="none", **options),
        )
    assert str(raised.value) == message
    assert not (tmp_path / "run").exists()


def varied(*words):
    from keras_classics.cli.flags import recipe_parser
    from keras_classics.cli.recipe_flags import _apply
    from tests.runs import small_recipes

    return _apply(small_recipes.PLAIN, {}, recipe_parser(small_recipes.PLAIN, {}).parse_args(words))


def test_flags(capsys):
    from keras_classics.cli.recipe_flags import _scaling

    plain = varied()
    assert (plain.precision, plain.gradient_accumulation_steps) == ("float32", 1)
    assert not plain.sync_batch_norm
    recipe = varied("--precision", "mixed_bfloat16", "--accumulate", "4", "--sync-batch-norm")
    assert (recipe.precision, recipe.gradient_accumulation_steps) == ("mixed_bfloat16", 4)
    assert recipe.sync_batch_norm
    assert capsys.readouterr().out == ""
    recipe = varied("--batch-size", "128", "--linear-scaling")
    assert (recipe.batch_size, recipe.learning_rate) == (128, 4 * plain.learning_rate)
    assert _scaling(recipe) == (
        "Learning rate 0.02 × 4 = 0.08: batches of 128 in place of 32 (--linear-scaling)."
    )
