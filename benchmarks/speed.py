"""The set of speed benchmarks, one after the other, written to benchmarks/results/speed.md.

    make bench DATA=DIR
    python -m benchmarks.speed DIR [--only lenet5_epoch train_step …]

DIR holds imagenet_sample/ (a folder of photographs, train/<class>/*.JPEG) and tfds/ (prepared data
sets of TensorFlow Datasets); what needs a part that is missing is left out and named. Nothing else
should run: before and after each benchmark all cores spin for two seconds, and its table is marked
"loaded" where that is more than 5 % slower than the fastest spin. With --only the other tables of
the page stay as they are.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "benchmarks" / "results" / "speed.md"
SLOW = 0.95  # of the fastest spin

# Name -> title, environment and words of the command; FOLDER and DATA are put in.
SET = {
    "pass_end": ("The end of a pass", {}, "pass_end FOLDER --data mnist --data-dir DATA"),
    "memory": ("Memory over 200 passes", {}, "pass_end FOLDER --memory"),
    "pipeline": ("Picture pipelines", {}, "pipeline FOLDER"),
    "calls": ("Pictures at a time", {}, "pipeline FOLDER --calls 1 2 4 8"),
    "lenet5_epoch": ("An epoch of LeNet-5", {}, "lenet5_epoch --data-dir DATA"),
    "lenet5_passes": (
        "Twenty passes of the published LeNet-5",
        {},
        "lenet5_epoch --data-dir DATA --published --rounds 2",
    ),
    "epoch_parts": ("Parts of an epoch", {}, "epoch_parts --data-dir DATA"),
    "train_step": ("A training step, against PyTorch", {}, "train_step"),
    "train_step_torch": (
        "A training step on the PyTorch backend, against PyTorch",
        {},
        "train_step --backend torch",
    ),
    "train_step_compiled": (
        "The same, both sides by torch.compile",
        {},
        "train_step --backend torch --compiled --networks cifar_resnet20 alexnet",
    ),
    "step_profile": ("Where a step of ResNet-50 goes, PyTorch backend", {}, "step_profile"),
    "train_step_jax": (
        "A training step on JAX, against jax.lax by hand",
        {},
        "train_step --backend jax --against jax",
    ),
    "applications": (
        "A training step, against keras.applications",
        {},
        "train_step --against applications --rounds 3",
    ),
    "memory_peak": ("Peak memory of a process that trains", {}, "memory"),
    "layers": ("Layers, TensorFlow", {"KERAS_BACKEND": "tensorflow"}, "layer_speed"),
    "layers_torch": ("Layers, PyTorch", {"KERAS_BACKEND": "torch"}, "layer_speed"),
    "layers_jax": ("Layers, JAX", {"KERAS_BACKEND": "jax"}, "layer_speed"),
    "runtimes": ("Other runtimes", {}, "runtimes FOLDER"),
    "command_time": ("Commands that only look", {}, "command_time"),
    "build_time": ("Time to build", {"KERAS_BACKEND": "tensorflow"}, "build_time"),
    "import_time": ("Time to import", {}, "import_time"),
    "start_time": ("Time to the first step", {}, "start_time"),
    "beside_load": ("LeNet-5 beside a busy process", {}, "beside_load"),
    "live_pad": ("A stroke on the report's pad", {}, "live_pad"),
    "growth": ("As work grows", {}, "growth --largest"),
}


def command_of(name, data):
    """Returns the environment and the words of a benchmark, or None where its data is missing."""
    _, environment, words = SET[name]
    folders = {"FOLDER": Path(data, "imagenet_sample"), "DATA": Path(data, "tfds")}
    if any(word in words.split() and not path.is_dir() for word, path in folders.items()):
        return None
    script, *rest = [str(folders.get(word, word)) for word in words.split()]
    return environment, machine.command(script, *rest)


def measure(name, environment, command, idle):
    """Runs one benchmark between two spins; returns its section of the page and the best spin."""
    title, _, words = SET[name]
    print(f"{title}: load {machine.load_average():.2f} ...", file=sys.stderr, flush=True)
    spins = [machine.spin()]
    load = machine.load_average()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    spins.append(machine.spin())
    idle = max(idle, *spins)
    shares = ", ".join(f"{100 * spin / idle:.0f} %" for spin in spins)
    state = "idle" if min(spins) >= SLOW * idle else "**loaded**"
    if done.returncode:
        state += f", status {done.returncode}"
    shown = " ".join([*(f"{k}={v}" for k, v in SET[name][1].items()), "python -m benchmarks."])
    table = "\n".join(line for line in done.stdout.splitlines() if line.startswith("|"))
    section = (
        f"## {title}\n\n`{shown}{words}`\n\n{machine.described()} Load before: {load:.2f}; spins "
        f"before and after: {shares} of the fastest: {state}.\n\n{table}\n"
    )
    return section, idle


def sections_of(text):
    """Returns {title: section} of a page."""
    parts = re.split(r"(?m)^(?=## )", text)[1:]
    return {part.splitlines()[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("data", nargs="?", default=os.environ.get("KERAS_CLASSICS_DATA", ""))
    parser.add_argument("--only", nargs="+", choices=SET, help="these benchmarks")
    options = parser.parse_args()
    if options.smoke:
        rate = machine.spin(0.1)
        print(f"{machine.described()} {rate:,.0f} turns a second; would run:")
        print("\n".join(f"python -m benchmarks.{shlex.join(SET[n][2].split())}" for n in SET))
        return
    found = sections_of(PAGE.read_text()) if PAGE.exists() else {}
    idle = max(machine.spin() for _ in range(3))
    for name in options.only or SET:
        command = command_of(name, options.data)
        if command is None:
            print(f"{name} is left out: {options.data or 'no DIR'} lacks its data", file=sys.stderr)
            continue
        found[SET[name][0]], idle = measure(name, *command, idle)
        order = [title for title, *_ in SET.values() if title in found]
        head = "# Speed\n\nWritten by `make bench`; see benchmarks/speed.py.\n\n"
        PAGE.write_text(head + "\n".join(found[title] for title in order))
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
