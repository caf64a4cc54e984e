"""Training on a GPU: pictures per second, peak memory and how long the device waits.

    python -m benchmarks.gpu [--networks resnet50 alexnet] [--subjects pytorch torch jax]
    python -m benchmarks.gpu > benchmarks/results/gpu.md

The networks of `benchmarks.train_step` in float32 and bfloat16, SGD with momentum 0.9,
on one batch:

    pytorch           plain PyTorch, channels-last, as it is; bfloat16 by `torch.autocast`
    torch             ours on the PyTorch backend; bfloat16 by Keras' policy "mixed_bfloat16"
    jax               ours on the JAX backend, as above
    pytorch_compiled  plain PyTorch by `torch.compile`
    torch_compiled    ours on the PyTorch backend by Keras' `jit_compile`, which is the same
    tensorflow        ours on TensorFlow, only when asked for; nothing else imports it

float32 may use TensorFloat-32 everywhere: PyTorch is told so, for JAX and TensorFlow it is the
default. Two times of a step are measured. "On the device": the training step alone, called on a
batch that lies on the device, in a queue that is waited for at its end only. "From the host":
`fit`, or PyTorch's usual loop from pinned memory, on the same batch in host memory, copied in each
step. The device waits for 1 − on the device / from the host of the time. It also waits where one
call to the device takes longer than the work it asks for; that lies in both times, and shows by
comparison of a network's compiled and plain rows.

Each subject is a process of its own, bfloat16 before float32 since JAX's peak memory cannot be set
back. Two processes run at a time, of which one imports and builds while the other computes: the
device is one subject's at a time, for at most --limit seconds. After --budget seconds nothing new
is measured, and what was not reached is named. Rows without figures say why there are none.

Ends with status 1 where there is no GPU. --smoke runs on the processor.
"""

import argparse
import contextlib
import fcntl
import gc
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import machine
from benchmarks.gpu_steps import device_of, measure_ours, measure_pytorch, peak_bytes

# The papers' where these fit into 16 GB in float32: VGG and ResNet used several devices.
BATCHES = {"alexnet": 128, "vgg16": 64, "googlenet": 128, "resnet50": 64, "cifar_resnet20": 128}
DTYPES = ("bfloat16", "float32")
SUBJECTS = {  # name -> what it needs
    "pytorch": "torch",
    "torch": "torch",
    "jax": "jax",
    "pytorch_compiled": "torch",
    "torch_compiled": "torch",
    "tensorflow": "tensorflow",
}
SMOKE = 2  # pictures


class NotMeasured(Exception):
    """Why a row has no figures."""


def run_subject(subject, network, options):
    """What one process does: prints a line of JSON for each type of numbers."""
    backend, compiled = SUBJECTS[subject], subject.endswith("_compiled")
    if not subject.startswith("pytorch"):
        import keras_classics  # noqa: F401
    device = device_of(backend)
    if device == "cpu" and not options.smoke:
        raise NotMeasured(f"{backend} sees no GPU")
    if backend == "torch":
        import torch

        torch.set_float32_matmul_precision("high")
        if options.smoke:  # more wait for each other on a busy machine
            torch.set_num_threads(1)
    count = SMOKE if options.smoke else BATCHES[network]
    with Path(options.lock).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        signal.alarm(options.limit)  # ends the process, wherever it is
        for dtype in DTYPES:
            if subject.startswith("pytorch"):
                there, host = measure_pytorch(network, count, dtype, device, compiled)
            else:
                there, host = measure_ours(network, count, dtype, compiled)
            gc.collect()
            row = {"there": count / there, "host": count / host, "peak": peak_bytes(backend)}
            print(json.dumps({dtype: row}), flush=True)


def reason(error, count):
    """One line on why a row has no figures."""
    text = str(error)
    if "out of memory" in text.lower() or "RESOURCE_EXHAUSTED" in text:
        return f"no memory for {count} pictures: try {max(1, count // 2)}"
    if isinstance(error, NotMeasured):
        return text
    return f"{type(error).__name__}: {text.splitlines()[0][:80] if text else ''}"


def in_a_process(subject, network, options):
    """Returns {type of numbers: figures, or why there are none} of a process of its own."""
    left = options.end - time.monotonic()
    if left < 5:
        return dict.fromkeys(DTYPES, f"not reached in {options.budget} s")
    command = machine.command("gpu", "--subject", subject, "--networks", network)
    command += ["--lock", options.lock, "--limit", str(options.limit)]
    command += ["--smoke"] * options.smoke
    environment = {
        **os.environ,
        "KERAS_BACKEND": SUBJECTS[subject],
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # another process builds at the same time
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=left
        )
        out, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        out, status = (error.stdout or b"").decode(), None
    print(network, subject, "ended with status", status, file=sys.stderr, flush=True)
    found = {}
    for line in out.splitlines():
        with contextlib.suppress(ValueError):
            found.update(json.loads(line))
    why = found.pop("why", None) or {
        None: f"not reached in {options.budget} s",
        -signal.SIGALRM: f"over {options.limit} s",
        -signal.SIGKILL: "killed, as where host memory ends",
    }.get(status, f"status {status}")
    return {dtype: found.get(dtype, why) for dtype in DTYPES}


def rows_of(network, count, found):
    """Yields the table's rows of a network, from {subject: {type of numbers: figures or why}}."""
    for dtype in reversed(DTYPES):
        plain = found.get("pytorch", {}).get(dtype)
        for subject, of_dtype in found.items():
            figures = of_dtype[dtype]
            if isinstance(figures, str):
                cells = [figures, "–", "–", "–", "–"]
            else:
                there, host, peak = (figures[name] for name in ("there", "host", "peak"))
                cells = [
                    f"{there:,.0f}",
                    f"{there / plain['there']:.2f}" if isinstance(plain, dict) else "–",
                    f"{host:,.0f}",
                    f"{100 * max(0.0, 1 - host / there):.0f} %",
                    f"{peak / 2**20:,.0f}" if peak else "–",
                ]
            yield f"| {network} | {count} | {dtype} | {subject} | {' | '.join(cells)} |"


def gpu_name():
    """Returns the name of the GPU that PyTorch or JAX sees, None without one.

    Asked in a process of its own, since the first question takes memory on the device.
    """
    for package, question in (
        ("torch", "import torch; print(torch.cuda.get_device_name(0))"),
        ("jax", "import jax; print(jax.devices('gpu')[0].device_kind)"),
    ):
        if importlib.util.find_spec(package):
            asked = subprocess.run(
                [sys.executable, "-c", question], capture_output=True, text=True, check=False
            )
            if asked.returncode == 0:
                return asked.stdout.splitlines()[-1]
    return None


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--networks", nargs="+", choices=BATCHES, default=list(BATCHES))
    asked = [name for name in SUBJECTS if name != "tensorflow"]
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=asked)
    parser.add_argument("--budget", type=int, default=500, help="seconds for everything")
    parser.add_argument("--limit", type=int, default=90, help="seconds of the device for each")
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    parser.add_argument("--lock", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subject:
        try:
            run_subject(options.subject, options.networks[0], options)
        except Exception as error:
            traceback.print_exc()
            print(json.dumps({"why": reason(error, BATCHES[options.networks[0]])}))
            sys.exit(1)
        return
    name = "no GPU: on the processor" if options.smoke else gpu_name()
    if name is None:
        sys.exit("No GPU is here that PyTorch or JAX can use; --smoke runs on the processor.")
    if options.smoke:
        options.networks, options.subjects = ["cifar_resnet20"], ["pytorch", "torch"]
    for subject in [s for s in options.subjects if not importlib.util.find_spec(SUBJECTS[s])]:
        print(f"{subject} is left out: {SUBJECTS[subject]} is not installed", file=sys.stderr)
        options.subjects.remove(subject)
    options.end = time.monotonic() + options.budget
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        options.lock = str(Path(folder, "device"))
        # All networks of a subject, then the next subject: what is not reached is the last ones'.
        jobs = [(network, subject) for subject in options.subjects for network in options.networks]
        results = pool.map(lambda job: in_a_process(job[1], job[0], options), jobs)
        found = dict(zip(jobs, results, strict=True))
    print(f"# Training on a GPU\n\nWritten by `python -m benchmarks.gpu`. {name}.\n")
    print(f"{machine.described()}\n")
    print("| network | batch | numbers | subject | pictures/s, on the device | of pytorch | "
          "from the host | device waits | peak, MiB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for network in options.networks:
        of_network = {subject: found[network, subject] for subject in options.subjects}
        count = SMOKE if options.smoke else BATCHES[network]
        print("\n".join(rows_of(network, count, of_network)))
    measured = [isinstance(cell, dict) for row in found.values() for cell in row.values()]
    if not (all if options.smoke else any)(measured):
        sys.exit("Nothing could be measured.")


if __name__ == "__main__":
    main()
