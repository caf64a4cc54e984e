"""Turns the record of the training runs into benchmarks/results/mnist.md and cifar.md.

    python -m benchmarks.training.tables

Nothing is written by hand but the notes between the tables (`…_notes.md`). What was not run is said
to be. With --smoke it prints the pages and writes nothing.
"""

import statistics
from pathlib import Path

from benchmarks import machine
from benchmarks.training.runs import RECORD, recorded
from keras_classics.evaluation.spread import spread_of
from keras_classics.files import write_bytes

RESULTS = RECORD.parent

# label, group, beginning of the names, test and training error of the paper or the study
MNIST = (
    ("LeNet-5 as published", "published", "", "0.95", "0.35"),
    ("with distortions", "distorted", "", "0.80", "–"),
    ("15,000 training digits", "sizes", "15000", "1.68", "0.05"),
    ("30,000 training digits", "sizes", "30000", "1.14", "0.31"),
    ("stochastic diagonal LM", "sdlm", "", "0.95", "0.35"),
    ("MNIST CNN", "cnn", "", "1.4 (a study)", "–"),
    ("MNIST CNN, pixels in 0 … 1", "cnn_unit_range", "", "1.4 (a study)", "–"),
    ("MNIST CNN, falling rate", "cnn_falling", "", "1.4 (a study)", "–"),
    (
        "tutorials' LeNet-5: average pooling",
        "tutorial",
        "tanh-average",
        "1.40 (a study)",
        "–",
    ),
    ("tutorials' LeNet-5: max-pooling", "tutorial", "tanh-max", "1.07 (a study)", "–"),
)
SIMPLIFIED = (
    ("as published", "off"),
    ("C3 connected to all maps", "c3"),
    ("plain average pooling", "pooling"),
    ("plain tanh", "tanh"),
    ("softmax in place of the bitmaps", "softmax"),
    ("28×28 pixels, no border", "28px"),
    ("all five", "all"),
)
DEMO = (("LeNet-5, distorted digits", "demo", "", "–", "–"),)
CIFAR = (("ResNet-20, CIFAR-10 (JPEG q75)", "cifar_resnet", "20", "8.75", "–"),)
FASHION = (("AlexNet, Fashion-MNIST, 227 px", "fashion_alexnet", "", "–", "–"),)


def table(head, lines):
    rule = "|".join(["", *["---"] * len(head), ""])
    return ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(r) + " |" for r in lines), ""]


def of(rows, group, prefix=""):
    """The rows of a group whose names begin so."""
    return [row for row in rows if row["group"] == group and row["name"].startswith(prefix)]


def spread(rows, key="error"):
    """Returns e.g. `1.02 % (0.98, 1.03, 1.05)`."""
    values = [row[key] for row in rows]
    each = ", ".join(f"{value:.2f}" for value in values)
    return f"{statistics.mean(values):.2f} %" + (f" ({each})" if len(values) > 1 else "")


def seeds(rows):
    """Returns the seeds and the median of the wall times."""
    minutes = statistics.median(row["seconds"] for row in rows) / 60
    wall = f"{minutes:.0f} min" if minutes > 1.5 else f"{60 * minutes:.0f} s"
    each = ", ".join(str(row["seed"]) for row in rows)
    return f"seed{'s' * (len(rows) > 1)} {each}; {wall}"


def tested(rows, experiments):
    """The table of what was measured on a test split, beside what others say."""
    lines = []
    for label, group, prefix, paper, paper_train in experiments:
        chosen = of(rows, group, prefix)
        ours = [spread(chosen), spread(chosen, "train_error"), seeds(chosen)] if chosen else None
        test, train, runs = ours or ("not run", "", "")
        lines.append([label, paper, test, paper_train, train, runs])
    head = ("", "paper, test %", "ours, test: mean (each)", "paper, train %", "ours, train", "runs")
    return table(head, lines)


def simplified(rows):
    """What each shortcut costs or gains, with the 95 % interval of the differences by seed."""
    published = of(rows, "simplified", "off-")
    lines = []
    for label, name in SIMPLIFIED:
        chosen = of(rows, "simplified", f"{name}-")
        if not chosen:
            lines.append([label, "not run", "", "", ""])
            continue
        difference = ""
        if name != "off":
            pairs = zip(chosen, published, strict=True)
            found = spread_of([one["error"] - other["error"] for one, other in pairs])
            difference = f"{found.mean:+.2f} ({found.low:+.2f} … {found.high:+.2f})"
        lines.append(
            [label, spread(chosen), difference, spread(chosen, "train_error"), seeds(chosen)]
        )
    return table(("", "test %: mean (each)", "against the published", "training %", "runs"), lines)


def chosen(rows, groups):
    """The log of what was tried on held-out pictures."""
    lines = [
        [f"`{r['group']}/{r['name']}`", f"{r['error']:.2f} %", f"{r['train_error']:.2f} %"]
        for group in groups
        for r in of(rows, group)
    ]
    return table(("tried", "held-out pictures", "training, last pass"), lines)


def curves(rows, group):
    """Training and test error after some of the epochs, which the record has all of."""
    lines = []
    for row in of(rows, group):
        errors, tests = row["curves"]["error"], row["curves"].get("val_error")
        for epoch in sorted({1, 2, 5, 10, 20, 40, 60, 80, 100, 120, 140, len(errors)}):
            if tests and epoch <= len(errors):
                measured = (errors[epoch - 1], tests[epoch - 1])
                lines.append([row["name"], str(epoch), *(f"{error:.2f}" for error in measured)])
    return table(("run", "epoch", "training error %", "test error %"), lines) if lines else []


def commands(rows, groups):
    return [
        f"- `{row['group']}/{row['name']}`: `{row['command']}`"
        for group in groups
        for row in of(rows, group)
    ]


def notes(name):
    path = RESULTS / f"{name}_notes.md"
    return [path.read_text("utf-8")] if path.exists() else []


def _begun(title):
    return [
        f"# {title}",
        "",
        "Written by `python -m benchmarks.training.tables` from the record of",
        "`python -m benchmarks.training.runs`. Two CPU cores shared with other work: times are",
        "rough. The test split was read by the runs of the first tables and chose nothing.",
        "",
    ]


def mnist(rows):
    """The page of LeNet-5 and the MNIST CNN."""
    tried = [group for group in dict.fromkeys(r["group"] for r in rows) if "tuning" in group]
    groups = [*tried, *(g for _, g, *_ in MNIST), "simplified", "demo"]
    return [
        *_begun("LeNet-5 and the MNIST CNN: what was measured"),
        "## On the 10,000 test digits",
        "",
        *tested(rows, MNIST),
        "## What each of the tutorials' shortcuts costs or gains",
        "",
        "LeNet-5's own training (`--simplify`), 10,000 test digits; differences of equal seeds",
        "with their 95 % interval by Student's t. The rates of the softmax and of all five were",
        "chosen on held-out digits, below.",
        "",
        *simplified(rows),
        "## On the 500 held-out digits of `make demo`",
        "",
        *tested(rows, DEMO),
        "## What was chosen, on held-out training digits (± 0.14 is one σ of 5,000)",
        "",
        *chosen(rows, tried),
        *notes("mnist"),
        "## Commands",
        "",
        *commands(rows, dict.fromkeys(groups)),
        "",
    ]


def cifar(rows):
    """The page of CIFAR-10 and Fashion-MNIST."""
    return [
        *_begun("CIFAR-10 and Fashion-MNIST: what was measured"),
        "## On the 10,000 test pictures",
        "",
        "CIFAR-10 (JPEG q75) is a copy whose pictures went through JPEG at quality 75, which costs",
        "every network points; the papers' figures are of the original pixels.",
        "",
        *tested(rows, (*CIFAR, *FASHION)),
        "## Curves",
        "",
        *curves(rows, "cifar_resnet"),
        *curves(rows, "fashion_alexnet"),
        *notes("cifar"),
        "## Commands",
        "",
        *commands(rows, ("cifar_resnet", "fashion_alexnet")),
        "",
    ]


PAGES = {"mnist.md": mnist, "cifar.md": cifar}


def pages():
    """Returns {path: text} of the pages, as the record has them."""
    rows = recorded()
    return {RESULTS / name: "\n".join(write(rows)) for name, write in PAGES.items()}


def main():
    options = machine.parser(__doc__).parse_args()
    for path, text in pages().items():
        if options.smoke:
            print(text)
        else:
            write_bytes(Path(path), text.encode())
            print(path)


if __name__ == "__main__":
    main()
