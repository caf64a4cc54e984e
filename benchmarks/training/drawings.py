"""Redraws the papers' curves from the record of the runs: benchmarks/results/figures/*.svg.

    python -m benchmarks.training.drawings

One line for each seed; the paper's points, where they could be read off its figure, as marks. What
was not run is not drawn. With --smoke it draws everything and writes nothing.
"""

import io

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks import machine
from benchmarks.training.runs import RECORD, recorded
from keras_classics.files import write_bytes
from keras_classics.network_figures import CURVES
from keras_classics.report.charts import BLUE, INK, ORANGE, PALE, STYLE

FOLDER = RECORD.parent / "figures"

# name: (title, what is drawn, [(label, group, beginning of the names, colour, dashes)], points)
FIGURES = {
    "lenet5_fig5": (
        "LeNet-5 on MNIST: training error by pass (LeCun et al. 1998, Fig. 5)",
        "error",
        [("here", "simplified", "off-", BLUE, "-")],
        dict(zip(CURVES["lenet5"].epochs, CURVES["lenet5"].training, strict=True)),
    ),
    "alexnet_fig1": (
        "Four layers on CIFAR-10: training error by epoch (Krizhevsky et al. 2012, Fig. 1)",
        "error",
        [
            ("ReLU", "cifar_alexnet_speed", "relu-", BLUE, "-"),
            ("tanh", "cifar_alexnet_speed", "tanh-", ORANGE, "--"),
        ],
        {6: 25, 36: 25},
    ),
    "resnet_fig6": (
        "CIFAR-10: test error by epoch (He et al. 2015, Fig. 6; a quarter of its updates)",
        "val_error",
        [
            ("plain-20", "cifar_depth", "plain20-", ORANGE, "-"),
            ("plain-56", "cifar_depth", "plain56-", ORANGE, "--"),
            ("ResNet-20", "cifar_depth", "residual20-", BLUE, "-"),
            ("ResNet-56", "cifar_depth", "residual56-", BLUE, "--"),
        ],
        {},
    ),
    "resnet20": (
        "ResNet-20 on CIFAR-10 (JPEG q75): test error by epoch, 64,000 updates",
        "val_error",
        [("ResNet-20", "cifar_resnet", "20-", BLUE, "-")],
        {},
    ),
}


def draw(name, rows):
    """Returns a figure as SVG, or None where none of its runs is there."""
    title, key, sides, points = FIGURES[name]
    # The same lines give the same file: no date, and no names drawn by chance.
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name, "svg.fonttype": "none"}):
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        drawn = [_lines(axes, key, rows, *side) for side in sides]
        if not any(drawn):
            return None
        if points:
            axes.plot(*zip(*points.items(), strict=True), "o", color=INK, label="the paper")
        axes.set_title(title, size=11)
        axes.set_xlabel("pass" if name.startswith("lenet") else "epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("error in percent")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=PALE)
        axes.legend(frameon=False)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
        return written.getvalue()


def _lines(axes, key, rows, label, group, prefix, color, style):
    chosen = [r for r in rows if r["group"] == group and r["name"].startswith(prefix)]
    for number, row in enumerate(chosen):
        values = row["curves"][key]
        axes.plot(
            range(1, len(values) + 1),
            values,
            style,
            color=color,
            linewidth=1.4,
            label=label if number == 0 else None,
        )
    return bool(chosen)


def drawings():
    """Returns {path: SVG} of the figures that can be drawn."""
    rows = recorded()
    found = {FOLDER / f"{name}.svg": draw(name, rows) for name in FIGURES}
    return {path: svg for path, svg in found.items() if svg}


def main():
    options = machine.parser(__doc__).parse_args()
    for path, svg in drawings().items():
        if not options.smoke:
            write_bytes(path, svg.encode())
        print(path)
    print(f"{len(FIGURES)} figures known")


if __name__ == "__main__":
    main()
