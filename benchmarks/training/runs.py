"""Every training run behind a figure, and the record of what they gave.

    python -m benchmarks.training.runs --list
    python -m benchmarks.training.runs tuning --data-dir DIR     # choose, on pictures held out
    python -m benchmarks.training.runs published distorted       # then train and test, each seed
    python -m benchmarks.training.runs --record                  # nothing but the record

Runs go to runs/benchmarks/<group>/<name>, two at a time with one thread each (on two cores that is
twice the throughput of one run with two threads). Finished ones are skipped, interrupted ones
continue. What a finished run gave is recorded in benchmarks/results/training_runs.json, from which
`python -m benchmarks.training.tables` writes the pages; the run itself may then be deleted.
"""

import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import machine
from benchmarks.training.groups import GROUPS
from keras_classics.files import write_bytes

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "runs" / "benchmarks"
RECORD = ROOT / "benchmarks" / "results" / "training_runs.json"
SMOKE = ["--data", "mnist_5k", "--epochs", "1", "--set", "limit_train=500"]

_CURVES = ("error", "loss", "val_error")


def execute(group, name, data_dir, runs=RUNS, extra=()):
    """Runs or continues one experiment; its output goes to a log beside its folder."""
    folder = runs / group / name
    if (folder / "metrics.json").exists():
        return f"{group}/{name}: done before"
    command = [sys.executable, *GROUPS[group][name], *extra, "--run-dir", str(folder)]
    if data_dir:
        command += ["--data-dir", data_dir]
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
    }
    log_path = folder.parent / f"{folder.name}.log"
    with open(log_path, "a") as log:
        print(shlex.join(command), file=log, flush=True)
        code = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False
        ).returncode
    if code:
        return f"{group}/{name}: failed, see {log_path}"
    row = row_of(group, name, folder)
    return f"{group}/{name}: {row['split']} error {row['error']:.2f} %"


def row_of(group, name, folder):
    """Returns what the record says of a finished run."""
    metrics = json.loads((folder / "metrics.json").read_text())
    environment = json.loads((folder / "environment.json").read_text())
    history = _columns(folder / "history.csv")
    return {
        "group": group,
        "name": name,
        "command": "python " + shlex.join(GROUPS[group][name]),
        **{key: metrics[key] for key in ("split", "examples", "wrong", "seed")},
        "error": round(metrics["error"], 4),
        "train_error": round(metrics["train_error"], 4),
        "epochs": metrics["epochs"],
        "seconds": round(sum(map(float, _columns(folder / "timings.csv")["seconds"]))),
        "backend": environment["backend"],
        "commit": environment["commit"],
        "date": environment["date"][:10],
        "curves": {
            key: [float(f"{float(value):.4g}") for value in history[key]]
            for key in _CURVES
            if key in history
        },
    }


def _columns(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    return {key: [row[key] for row in rows] for key in rows[0]}


def recorded():
    """Returns the rows of the record, in the order of the groups."""
    return json.loads(RECORD.read_text("utf-8"))


def record(runs=RUNS):
    """Takes finished runs into the record; returns how many. What is recorded stays."""
    rows = {(row["group"], row["name"]): row for row in recorded()}
    new = {
        (group, name): row_of(group, name, runs / group / name)
        for group, experiments in GROUPS.items()
        for name in experiments
        if (runs / group / name / "metrics.json").exists()
    }
    rows |= new
    order = [(group, name) for group, experiments in GROUPS.items() for name in experiments]
    lines = [json.dumps(rows[key], ensure_ascii=False) for key in order if key in rows]
    write_bytes(RECORD, ("[\n" + ",\n".join(lines) + "\n]\n").encode())
    return len(new)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("wanted", nargs="*", help="groups, or group/name; all unless told")
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the runs lie")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    parser.add_argument("--record", action="store_true", help="record what is finished and stop")
    arguments = parser.parse_args()
    if arguments.smoke:
        with tempfile.TemporaryDirectory() as scratch:
            print(execute("cnn", "seed0", None, Path(scratch), SMOKE))
        return
    everything = [(group, name) for group in GROUPS for name in GROUPS[group]]
    wanted = [
        (group, name)
        for group, name in everything
        if not arguments.wanted or {group, f"{group}/{name}"} & set(arguments.wanted)
    ]
    if not wanted:
        parser.error(f"no such run; the groups are {', '.join(GROUPS)}, and --list names the runs")
    if arguments.list:
        for group, name in wanted:
            print(f"{group}/{name}: python {shlex.join(GROUPS[group][name])}")
        return
    if not arguments.record:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            jobs = lambda item: execute(*item, arguments.data_dir, arguments.runs)  # noqa: E731
            for line in pool.map(jobs, wanted):
                print(line, flush=True)
    print(f"Recorded: {record(arguments.runs)} runs in {RECORD}")


if __name__ == "__main__":
    main()
