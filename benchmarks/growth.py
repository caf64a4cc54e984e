"""How the cost of the parts around training grows: pictures, classes and epochs.

    python -m benchmarks.growth [--largest] [--figure]

Each part is timed at growing sizes in a scratch folder, the best of three; its exponent is the
slope of a straight line through the logarithms of sizes and seconds. 1 is linear, and the bar.

    listing        of a folder source: links to one small picture, 100 a class
    first batch    listing, order and 32 pictures
    confusions     the report's part about mistakes, ten pictures a class: their probabilities,
                   which are read, grow with the square of the classes; up to 20 a square is drawn
    history        history.csv written after one epoch, with all rows so far
    history, run   the same after every epoch of a run
    curves         the curves of the report, read from history.csv
    report         the whole page of a run of LeNet-5
    resume         its newest checkpoint, read and checked, with all rows so far

--largest adds a million pictures; --figure writes benchmarks/results/figures/growth.svg.
"""

import contextlib
import io
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import machine

ROUNDS = 3


def folder_of(scratch, count):
    """Writes one small picture, links to it as `count` of 100 a class; returns the folder."""
    from PIL import Image

    folder = Path(scratch, f"pictures_{count}")
    folder.mkdir()
    for number in range(count):
        place = folder / "train" / f"{number // 100:05d}"
        if number % 10_000 == 0:  # a file has no more than 65,000 links
            original = folder / f"{number}.jpg"
            Image.new("RGB", (40, 30)).save(original)
        if number % 100 == 0:
            place.mkdir(parents=True)
        os.link(original, place / f"{number}.jpg")
    return folder


def listing(scratch, count):
    from keras_classics.data.sources.folder import read_folder

    folder = folder_of(scratch, count)
    return lambda: read_folder(folder, "train")


def first_batch(scratch, count):
    from keras_classics.data.pipeline import one_epoch
    from keras_classics.data.sources import load
    from keras_classics.data.transforms.resizing import Resize

    folder, epochs = folder_of(scratch, count), itertools.count()

    def batch():
        source = load(f"folder:{folder}", "train")
        return next(
            iter(one_epoch(source, 32, seed=0, epoch=next(epochs), transforms=(Resize(32),)))
        )

    return batch


def confusions(scratch, classes):
    from keras_classics.report.answers import answers

    run = recorded(scratch, f"classes_{classes}", class_names=[f"c{n}" for n in range(classes)])
    labels = np.repeat(np.arange(classes), 10)
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    np.savez(
        run.path / "predictions.npz",
        labels=labels,
        predicted=np.random.default_rng(0).integers(0, classes, len(labels)),
        probabilities=np.zeros((len(labels), classes), np.float16),
        wrong_index=np.zeros(0, int),
        wrong_images=picture[:0],
        sample_images=picture,
        sample_labels=labels[:1],
    )
    return lambda: answers(run)


def rows_of(epochs):
    """The history of so many epochs."""
    return [
        {"epoch": n + 1, "loss": 1 / (n + 1), "error": 50.0, "seconds": 1.0} for n in range(epochs)
    ]


def history(scratch, epochs):
    from keras_classics.files import write_csv

    rows = rows_of(epochs)
    return lambda: write_csv(Path(scratch, "history.csv"), rows)


def history_of_run(scratch, epochs):
    from keras_classics.files import write_csv

    rows = rows_of(epochs)

    def run():
        for number in range(epochs):
            write_csv(Path(scratch, "history.csv"), rows[: number + 1])

    return run


def curves(scratch, epochs):
    from keras_classics.files import write_csv, write_json
    from keras_classics.report.curves import draw_curves

    path = recorded(scratch, f"epochs_{epochs}").path
    recipe = {"name": "growth", "dataset": "none", "seed": 0, "epochs": epochs}
    write_json(path / "recipe.json", {"recipe": recipe})
    write_csv(path / "history.csv", rows_of(epochs))
    return lambda: draw_curves(path)


def report(scratch, epochs):
    from keras_classics import shipped
    from keras_classics.files import write_csv
    from keras_classics.report import write_report

    path = Path(shutil.copytree(shipped.folder("lenet5", "mnist"), Path(scratch, f"run_{epochs}")))
    write_csv(path / "history.csv", rows_of(epochs))
    return lambda: write_report(path)


def resume(scratch, epochs):
    from keras_classics import lenet5
    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.runs.directory import RunDirectory

    recipe = load_recipe("lenet5_mnist").RECIPE
    facts = {"changed": [], "validated_on": None}
    directory = RunDirectory(Path(scratch, f"begun_{epochs}"), recipe, facts)
    state = {"epoch": epochs, "step": 0, "history": rows_of(epochs), "seconds": [1.0] * epochs}
    directory.save_checkpoint(2 * lenet5().get_weights(), state)  # with an optimizer's
    return lambda: directory.load_checkpoint(warn=print)


def recorded(scratch, name, **metrics):
    """A run's record in a new folder."""
    from keras_classics.report.run_files import RecordedRun

    path = Path(scratch, name)
    path.mkdir()
    return RecordedRun(path, {}, [], "test", {}, {}, np.zeros(0), metrics)


PICTURES, CLASSES, EPOCHS = (1_000, 10_000, 100_000), (10, 100, 1_000, 10_000), (1, 10, 100, 500)
PARTS = {  # name: (function (scratch, size) -> what is timed, sizes)
    "listing": (listing, PICTURES),
    "first batch": (first_batch, PICTURES),
    "confusions": (confusions, CLASSES),
    "history": (history, EPOCHS),
    "history, run": (history_of_run, EPOCHS),
    "curves": (curves, EPOCHS),
    "report": (report, EPOCHS),
    "resume": (resume, EPOCHS),
}


AXES = {"pictures": PICTURES, "classes": CLASSES, "epochs": EPOCHS}
GREEN = "#3f9a63"


def measure(prepare, size):
    """Returns the seconds of the best round."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
        work, seconds = prepare(scratch, size), []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def exponent(found):
    """Returns the slope of log seconds over log size."""
    return float(np.polyfit(*(np.log(list(side)) for side in (found.keys(), found.values())), 1)[0])


def draw(measured):
    """Returns the figure as SVG."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator

    from keras_classics.report.charts import BLUE, GREY, INK, ORANGE, PALE, STYLE

    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "growth", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9.6, 4.2), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (what, sizes) in zip(panels, AXES.items(), strict=True):
            names = [name for name, (_, own) in PARTS.items() if own is sizes]
            for name, colour in zip(names, (BLUE, ORANGE, INK, GREY, GREEN), strict=False):
                found = measured[name].items()
                axes.loglog(*zip(*found, strict=True), "o-", color=colour, label=name)
            axes.set_xlabel(what)
            axes.tick_params(axis="x", labelsize=9)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
            axes.xaxis.set_major_locator(LogLocator(numticks=4))
            axes.margins(x=0.12)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="y", color=PALE)
            axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        panels[0].set_ylabel("seconds")
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
        return written.getvalue()


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--largest", action="store_true", help="a million pictures too")
    parser.add_argument("--figure", action="store_true", help="write the plot")
    options = parser.parse_args()
    measured = {}
    print("| part | seconds at each size | exponent |")
    print("|---|---|---|")
    for name, (prepare, sizes) in PARTS.items():
        if options.smoke:
            sizes = (100, 200) if sizes is PICTURES else (2, 5)
        elif options.largest and sizes is PICTURES:
            sizes = (*sizes, 1_000_000)
        measured[name] = {size: measure(prepare, size) for size in sizes}
        listed = ", ".join(f"{size:,}: {seconds:.4f}" for size, seconds in measured[name].items())
        print(f"| {name} | {listed} | {exponent(measured[name]):.2f} |", flush=True)
    if options.figure:
        from benchmarks.training.drawings import FOLDER
        from keras_classics.files import write_bytes

        print(write_bytes(FOLDER / "growth.svg", draw(measured).encode()))


if __name__ == "__main__":
    main()
