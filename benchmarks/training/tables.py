"""Turns the record of the training runs into benchmarks/results/mnist.md and cifar.md.

    python -m benchmarks.training.tables

Nothing is written by hand but the notes between the tables (`…_notes.md`). What was not run is said
to be. With --smoke it prints the pages and writes nothing.
"""

from pathlib import Path

from benchmarks import machine
from benchmarks.training.claims import epochs_to_25
from benchmarks.training.drawings import FIGURES, FOLDER
from benchmarks.training.editions import GROUP, editions
from benchmarks.training.markdown import commands, of, seeds, spread, table
from benchmarks.training.runs import RECORD, recorded
from keras_classics.comparison.spread import spread_of
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
        "tutorials' LeNet-5, average pooling, settings chosen below",
        "tutorial",
        "tanh-average",
        "1.40 (a study)",
        "–",
    ),
    (
        "tutorials' LeNet-5, max-pooling, the same settings",
        "tutorial",
        "tanh-max",
        "1.07 (a study)",
        "–",
    ),
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
CIFAR = (
    ("ResNet-20, 64,000 updates", "cifar_resnet", "20", "8.75", "–"),
    ("four-layer net of AlexNet's paper", "cifar_alexnet", "lrn", "11 (longer)", "–"),
    ("without normalisation", "cifar_alexnet", "no-lrn", "13 (longer)", "–"),
    ("pooling without overlap", "cifar_alexnet", "no-overlap", "–", "–"),
    ("VGG-16 with batch normalisation", "cifar_vgg", "batch-norm", "13.6 (a study)", "–"),
    ("AlexNet with batch normalisation, 32 px", "cifar_alexnet_bn", "", "13.5 (a study)", "–"),
)
DEPTH = tuple(
    (f"{label}, 16,000 updates", "cifar_depth", f"{name}-", "–", "–")
    for label, name in (
        ("plain-20", "plain20"),
        ("plain-56", "plain56"),
        ("ResNet-20", "residual20"),
        ("ResNet-56", "residual56"),
    )
)
STARTS = tuple(
    (label, "cifar_vgg", f"{name}-", "–", "–")
    for label, name in (
        ("VGG-16 from N(0, 0.01²)", "gaussian"),
        ("VGG-16 from Glorot's numbers", "glorot"),
        ("VGG-11 (A) from N(0, 0.01²)", "network-a"),
        ("VGG-16 from that A's layers", "from-a"),
    )
)
FASHION = (("AlexNet, 227 px", "fashion_alexnet", "", "–", "–"),)


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


def speed(rows):
    """How many epochs each activation takes to 25 % training error, Fig. 1 of AlexNet's paper."""
    lines = [
        [row["name"], str(epochs_to_25(row)), f"{row['train_error']:.2f}", seeds([row])]
        for row in of(rows, "cifar_alexnet_speed")
    ]
    head = ("run", "epochs to 25 %", "training error after the last, %", "runs")
    return table(head, lines) if lines else ["Not run.", ""]


def drawing(name):
    """Returns the line that shows a figure of `benchmarks.training.drawings`, where it is drawn."""
    there = (FOLDER / f"{name}.svg").exists()
    return [f"![{FIGURES[name][0]}](figures/{name}.svg)", ""] if there else []


_HELD_OUT = ("tuning_alexnet",)  # the beginning of the groups of CIFAR-10


def _tried(rows, cifar_pictures):
    groups = dict.fromkeys(row["group"] for row in rows if row["group"].startswith("tuning"))
    return [group for group in groups if group.startswith(_HELD_OUT) == cifar_pictures]


def mnist(rows):
    """The page of LeNet-5 and the MNIST CNN."""
    tried = _tried(rows, cifar_pictures=False)
    groups = [*tried, *(g for _, g, *_ in MNIST), "simplified", "demo"]
    return [
        *_begun("LeNet-5 and the MNIST CNN: what was measured"),
        "## On the 10,000 test digits",
        "",
        *tested(rows, MNIST),
        *drawing("lenet5_fig5"),
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
    tried = _tried(rows, cifar_pictures=True)
    groups = [*tried, *(g for _, g, *_ in (*CIFAR, *DEPTH, *FASHION)), "cifar_alexnet_speed", GROUP]
    return [
        *_begun("CIFAR-10 and Fashion-MNIST: what was measured"),
        "CIFAR-10 here is a copy whose pictures went through JPEG at quality 75 (JPEG q75), which",
        "costs every network points; the papers' figures are of the original pixels.",
        "",
        "## CIFAR-10 (JPEG q75), 10,000 test pictures",
        "",
        *tested(rows, CIFAR),
        *drawing("resnet20"),
        *curves(rows, "cifar_resnet"),
        "## CIFAR-10 (JPEG q75): ReLU against tanh, section 3.1 of AlexNet's paper",
        "",
        "The four-layer net without regularisation (`--unregularised`), a rate for each activation",
        "chosen on held-out pictures. The paper's Fig. 1: about 6 epochs and about 36. The run",
        "tanh-seed0, of 30 epochs, was ended by a callback when it was below 25 %.",
        "",
        *speed(rows),
        *drawing("alexnet_fig1"),
        *editions(rows),
        "## CIFAR-10 (JPEG q75): depth, Fig. 6 of ResNet's paper",
        "",
        *tested(rows, DEPTH),
        *drawing("resnet_fig6"),
        "## CIFAR-10 (JPEG q75): how VGG-16 starts, section 3.1 of its paper; 5 epochs",
        "",
        *tested(rows, STARTS),
        "## Fashion-MNIST, 10,000 test pictures",
        "",
        *tested(rows, FASHION),
        *curves(rows, "fashion_alexnet"),
        "## What was chosen, on held-out training pictures",
        "",
        *chosen(rows, tried),
        *notes("cifar"),
        "## Commands",
        "",
        *commands(rows, dict.fromkeys(groups)),
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
