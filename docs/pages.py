"""What the pages of the site show: claims, citations, deviations, and figures in one style.

The cells of the pages import it; nothing here is part of the package.
"""

import ast
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
from IPython import get_ipython
from IPython.display import SVG, Markdown
from matplotlib_inline.backend_inline import set_matplotlib_formats

from keras_classics.cli.commands.claims import register_paths
from keras_classics.cli.recipe_files import recipe_path
from keras_classics.zoo import model_card

# They have a contrast of 3 or more on white and on the dark theme's ground.
BLUE, ORANGE, GREEN, PURPLE = "#3b82c4", "#d9722e", "#3f9a63", "#9a6fc4"
INK, PALE = "#7d858f", "#7d858f55"

_UNITS = {"figure": "%", "difference": "points", "ratio": "times"}


def draw_in_one_style():
    """Makes every figure of the page an SVG without a ground, readable in light and dark."""
    set_matplotlib_formats("svg")
    matplotlib.rcParams.update(
        {
            "figure.figsize": (7.0, 3.2),
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "savefig.transparent": True,
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
            "axes.prop_cycle": matplotlib.cycler(color=[BLUE, ORANGE, GREEN, PURPLE, INK]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid.axis": "y",
            "grid.color": PALE,
            "legend.frameon": False,
            **dict.fromkeys(
                ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"),
                INK,
            ),
        }
    )


def show_commands_whole():
    """Makes `%%sh` print once, at its end: a page joins the pieces of a stream by line ends."""

    def sh(line, cell):
        done = subprocess.run(["sh", "-c", cell], stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="")

    get_ipython().register_magic_function(sh, "cell")


def show_maps(maps, titles=(), columns=8, size=1.1):
    """Draws arrays (rows, columns) or (rows, columns, 3) side by side.

    One with negative values is drawn around zero, which is grey; any other from black to white.

    Args:
        maps: the arrays.
        titles: a line above each; none where there are fewer.
        columns: how many stand in a row.
        size: side of one in inches.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(maps) // columns)
    columns = min(columns, len(maps))
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    height = size + 0.2 * lines
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, height * rows), squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, one) in enumerate(zip(axes.flat, maps, strict=False)):
        limit = np.abs(one).max()
        axis.imshow(one, **({"vmin": -limit, "vmax": limit} if one.min() < 0 else {}))
        if number < len(titles):
            axis.set_title(titles[number], fontsize=9)
    return figure


def claims(paper):
    """Returns the claims of a paper beside our figures, as benchmarks/claims/ has them."""
    register = json.loads(register_paths()[paper].read_text("utf-8"))
    lines = ["| the claim | where | paper | here (95 % interval) | |", "|---|---|---|---|---|"]
    for claim in register["claims"]:
        paper_says, here = "", ""
        if claim["value"] is not None and claim.get("measure") is None:
            paper_says = f"{claim['value']:g} %"
        elif claim["value"] is not None:
            paper_says = f"{claim['value']:g} {_unit(claim['measure'])}"
        if ours := claim.get("ours"):
            low, high = ours["interval"]
            seeds = f"{len(ours['seeds'])} seed{'s' * (len(ours['seeds']) > 1)}"
            here = f"{ours['value']:.2f} ({low:.2f} … {high:.2f}), {seeds}"
        elif "cost" in claim:
            here = claim["cost"]
        note = f"; {claim['note']}" if "note" in claim else ""
        lines.append(
            f"| {claim['claim']}{note} | {claim['where']} | {paper_says} | {here} "
            f"| {claim['verdict']} |"
        )
    return Markdown("\n".join(lines))


def _unit(measure):
    return next(_UNITS[kind] for kind in _UNITS if kind in measure)


def cite(network):
    """Returns the BibTeX entry of a network's paper."""
    return Markdown(f"```bibtex\n{model_card(network).bibtex}\n```")


def top_of(module):
    """Returns the docstring at the top of a module of ours, read without importing it.

    Args:
        module: as "keras_classics.models.lenet".
    """
    path = importlib.util.find_spec(module).origin
    with open(path, encoding="utf-8") as file:
        text = ast.get_docstring(ast.parse(file.read()))
    return Markdown(f"```text\n{text}\n```")


def drawing(network):
    """Returns the drawing of a network, docs/drawings/<network>.svg; None where none was made."""
    path = Path(__file__).parent / "drawings" / f"{network}.svg"
    return SVG(path.read_text("utf-8")) if path.exists() else None


def deviations(recipe):
    """Returns the sentences in which a recipe says where it leaves its paper, read off its text."""
    body = ast.parse(recipe_path(recipe).read_text("utf-8")).body
    [made] = [one.value for one in body if isinstance(one, ast.Assign) and _names(one) == "RECIPE"]
    [found] = [keyword.value for keyword in made.keywords if keyword.arg == "deviations"]
    sentences = [one.args[0] if isinstance(one, ast.Call) else one for one in found.elts]
    lines = [re.sub(r"--[\w-]+", r"`\g<0>`", ast.literal_eval(one)) for one in sentences]
    return Markdown("\n".join(f"- {line}" for line in lines))


def _names(assignment):
    return ast.unparse(assignment.targets[0])


def cards(*networks):
    """Returns a table of networks: builder, parameters and the published errors."""
    lines = ["| builder | parameters | published error | of |", "|---|---|---|---|"]
    for card in map(model_card, networks):
        errors = [f"{card.test_error:g} %"] if card.test_error is not None else []
        errors += [f"top-5 {card.top5_error:g} %"] if card.top5_error is not None else []
        lines.append(
            f"| `{card.name}` | {card.parameters:,} | {', '.join(errors)} "
            f"| {card.test_data or ''} |"
        )
    return Markdown("\n".join(lines))
