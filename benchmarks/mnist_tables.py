"""Turns the runs of `mnist_runs.py` and the timings into benchmarks/results/mnist.md.

    python -m benchmarks.mnist_tables

Runs that are not there are left out of the tables, and said to be. The figures are also written as
benchmarks/results/mnist_runs.json, one row a run, with the command that made it. With --smoke it
prints the page and writes nothing.
"""

import csv
import json
import shlex
import statistics

from benchmarks import machine
from benchmarks.mnist_runs import GROUPS, ROOT, RUNS

RESULTS = ROOT / "benchmarks" / "results"


def read_runs():
    """Returns one dict for each finished run."""
    rows = []
    for group, experiments in GROUPS.items():
        for name, arguments in experiments.items():
            folder = RUNS / group / name
            if not (folder / "metrics.json").exists():
                continue
            metrics = json.loads((folder / "metrics.json").read_text())
            with open(folder / "timings.csv") as file:
                seconds = sum(float(row["seconds"]) for row in csv.DictReader(file))
            environment = json.loads((folder / "environment.json").read_text())
            rows.append(
                {
                    "group": group,
                    "name": name,
                    "command": "python " + shlex.join(arguments),
                    **{key: metrics[key] for key in ("split", "examples", "wrong", "seed")},
                    "error": round(metrics["error"], 4),
                    "train_error": round(metrics["train_error"], 4),
                    "epochs": metrics["epochs"],
                    "seconds": round(seconds),
                    "backend": environment["backend"],
                }
            )
    return rows


def spread(rows, key="error"):
    """Returns e.g. `1.02 % (0.98, 1.03, 1.05)`."""
    values = [row[key] for row in rows]
    each = ", ".join(f"{value:.2f}" for value in values)
    return f"{statistics.mean(values):.2f} %" + (f" ({each})" if len(values) > 1 else "")


def table(head, lines):
    rule = "|".join(["", *["---"] * len(head), ""])
    return ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(r) + " |" for r in lines), ""]


def tested(rows):
    """The table of everything that was measured on the test split."""
    groups = [
        ("LeNet-5 as published", "published", "", "0.95", "0.35"),
        ("with distortions", "distorted", "", "0.80", "–"),
        ("15,000 training digits", "sizes", "15000", "1.68", "0.05"),
        ("30,000 training digits", "sizes", "30000", "1.14", "0.31"),
        ("stochastic diagonal LM", "sdlm", "", "0.95", "0.35"),
        ("MNIST CNN", "cnn", "", "1.4 (a tutorial)", "–"),
        ("MNIST CNN, pixels in 0 … 1", "cnn_unit_range", "", "1.4 (a tutorial)", "–"),
    ]
    lines = []
    for label, group, prefix, paper, paper_train in groups:
        chosen = [r for r in rows if r["group"] == group and r["name"].startswith(prefix)]
        if not chosen:
            lines.append([label, paper, "not run", paper_train, "", ""])
            continue
        minutes = statistics.median(row["seconds"] for row in chosen) / 60
        seeds = "seeds " + ", ".join(str(row["seed"]) for row in chosen)
        lines.append(
            [
                label,
                paper,
                spread(chosen),
                paper_train,
                spread(chosen, "train_error"),
                f"{seeds}; {minutes:.0f} min",
            ]
        )
    head = ("", "paper, test %", "ours, test: mean (each)", "paper, train %", "ours, train", "runs")
    return table(head, lines)


def chosen(rows):
    """The log of what was tried on the 55,000 / 5,000 split."""
    lines = [
        [f"`{r['name']}`", f"{r['error']:.2f} %", f"{r['train_error']:.2f} %"]
        for r in rows
        if r["split"] == "validation"
    ]
    return table(("tried", "5,000 held-out digits", "training, last pass"), lines)


def commands(rows):
    return [f"- `{row['group']}/{row['name']}`: `{row['command']}`" for row in rows]


def main():
    options = machine.parser(__doc__).parse_args()
    rows = read_runs()
    notes = (RESULTS / "notes.md").read_text() if (RESULTS / "notes.md").exists() else ""
    text = [
        "# LeNet-5 and the MNIST CNN: what was measured",
        "",
        "Written by `python -m benchmarks.mnist_tables` from the runs of",
        "`python -m benchmarks.mnist_runs`. Two CPU cores shared with other work: times are rough.",
        "The test split was read once by each run of the first table and chose nothing.",
        "",
        "## On the 10,000 test digits",
        "",
        *tested(rows),
        "## What was chosen, on 5,000 held-out training digits (one seed; ± 0.14 is one σ)",
        "",
        *chosen(rows),
        notes,
        "## Commands",
        "",
        *commands(rows),
        "",
    ]
    if options.smoke:
        print("\n".join(text))
        return
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (RESULTS / "mnist_runs.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    (RESULTS / "mnist.md").write_text("\n".join(text))
    print(RESULTS / "mnist.md")


if __name__ == "__main__":
    main()
