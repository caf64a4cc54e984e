"""`keras-classics`: lists the networks, trains recipes, and looks at runs after they ended."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from keras_classics import __version__
from keras_classics.cli import own_process, recipe_files
from keras_classics.cli.commands.claims import claims_command
from keras_classics.cli.commands.compare import compare_command, runs_command
from keras_classics.cli.commands.draw import draw_command
from keras_classics.cli.commands.evaluate import evaluate_command
from keras_classics.cli.commands.look import explain_command, filters_command, maps_command
from keras_classics.cli.commands.networks import list_command, show_command
from keras_classics.cli.commands.predict import predict_command
from keras_classics.cli.sentences import Parser, end_in_a_sentence


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line; ends the process with one sentence on an error.

    Args:
        argv: arguments; None for the process' own.
    """
    if argv is None:
        own_process()
    arguments = _parsed(argv)
    end_in_a_sentence(lambda: arguments.function(arguments), arguments)


def _parsed(argv):
    parser = _parser()
    arguments, surplus = parser.parse_known_args(argv)
    if surplus:
        order = "; a recipe's flags stand behind its name" * (arguments.function is _train)
        parser.error(f"unrecognized arguments: {' '.join(surplus)}{order}")
    return arguments


def _parser():
    parser = Parser(prog="keras-classics", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.type = str  # what follows a command is checked by the command's own parser

    command = commands.add_parser("list", help="the networks of this package")
    command.add_argument("pattern", nargs="?", default="*", help='e.g. "lenet*"')
    command.add_argument("--json", action="store_true", help="all of their cards, for programs")
    command.set_defaults(function=list_command)

    command = commands.add_parser(
        "show", help="a network's layers: sizes, parameters, multiply-adds, receptive fields"
    )
    command.add_argument(
        "model",
        metavar="NETWORK|MODEL.keras|RUN_DIR",
        help="one of `list`, a saved model, or a run; one that comes trained: lenet5/mnist",
    )
    command.add_argument(
        "--depth", type=int, help="floors to open: 1 for blocks, modules and models inside as one"
    )
    command.add_argument(
        "--columns",
        choices=("default", "all"),
        default="default",
        help="all: also inputs, maps, activations and the memory of training",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="for a page")
    form.add_argument("--json", action="store_true", help="for programs")
    _let_import(command)
    command.set_defaults(function=show_command)

    command = commands.add_parser("draw", help="draw the architecture of a network as SVG")
    command.add_argument("network", metavar="NAME", help="e.g. lenet5")
    command.add_argument("file", metavar="FILE.svg", help="must not exist yet")
    command.set_defaults(function=draw_command)

    command = commands.add_parser(
        "train", help="train a recipe: one of the package's, or a file of your own"
    )
    command.add_argument("recipe", nargs="?", metavar="RECIPE|FILE.py", help="else: lists them")
    command.add_argument(
        "flags", nargs=argparse.REMAINDER, help="of the recipe, see RECIPE --help; --show prints it"
    )
    command.set_defaults(function=_train)

    command = commands.add_parser("report", help="draw a run's report again")
    command.add_argument("run_dir", type=Path)
    command.set_defaults(function=_report)

    command = commands.add_parser("runs", help="the runs in a folder, and how far they came")
    command.add_argument("folder", type=Path, nargs="?", default=Path("runs"), metavar="FOLDER",
                         help="(default: runs, where recipes put theirs)")  # fmt: skip
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(function=runs_command)

    command = commands.add_parser(
        "compare", help="runs beside each other; those of several seeds as one row"
    )
    command.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="a run directory, or a folder of them, e.g. of `train --seeds`",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="for spreadsheets")
    form.add_argument("--markdown", action="store_true", help="for a page")
    form.add_argument("--latex", action="store_true", help="for a paper; needs booktabs")
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--html", type=Path, metavar="FILE.html",
                      help="write a page with the curves over each other")  # fmt: skip
    command.set_defaults(function=compare_command)

    command = commands.add_parser(
        "evaluate", help="measure runs, their kept epochs, or saved models, and their average"
    )
    command.add_argument(
        "models",
        type=Path,
        nargs="+",
        metavar="RUN_DIR|MODEL.keras",
        help="or a network that comes trained, e.g. lenet5; several: an ensemble",
    )
    command.add_argument("--split", choices=("validation", "test"), default="test")
    command.add_argument("--epochs", help="kept epochs, e.g. 5,10,20; else the final model")
    command.add_argument("--data", help="another data set than the run's")
    command.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    command.add_argument(
        "--protocol",
        help="center, ten_crop, dense, multi_scale_dense, grid_150, googlenet_144 or "
        "resnet_multi_scale, at the network's input size; else the run's own",
    )
    command.add_argument(
        "--batch-size", type=int, help="pictures or crops in the network at once: less memory"
    )
    _let_import(command)
    command.set_defaults(function=evaluate_command)

    command = commands.add_parser("predict", help="classify picture files with a run's model")
    command.add_argument("run_dir", type=Path, help="or a network that comes trained, e.g. lenet5")
    command.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    _let_import(command)
    command.set_defaults(function=predict_command)

    command = _add_look(commands, "filters", "draw the filters of a model's first convolution")
    command.add_argument("--layer", help="another convolution over grey or coloured pixels")
    command.set_defaults(function=filters_command)

    command = _add_look(commands, "maps", "draw what the layers of a model make of a picture")
    command.add_argument("image", type=Path, metavar="IMAGE")
    command.add_argument("--layers", help="e.g. C1,C3; else all, of a deep network some")
    command.set_defaults(function=maps_command)

    command = _add_look(commands, "explain", "draw where in a picture a model sees a class")
    command.add_argument("image", type=Path, metavar="IMAGE")
    command.add_argument("--method", choices=("grad-cam", "occlusion"), default="grad-cam")
    command.add_argument("--class", dest="class_name", metavar="NAME", help="else its answer")
    command.add_argument("--layer", help="of Grad-CAM; else the last convolution's maps")
    command.set_defaults(function=explain_command)

    command = commands.add_parser("claims", help="what the papers claim, and whether it held here")
    command.add_argument("paper", nargs="?", help="e.g. lenet5; else all")
    command.set_defaults(function=claims_command)
    return parser


def _add_look(commands, name, text):
    command = commands.add_parser(name, help=text)
    command.add_argument("run_dir", type=Path, metavar="RUN_DIR|MODEL.keras",
                         help="or a network that comes trained, e.g. lenet5")  # fmt: skip
    command.add_argument("-o", "--output", metavar="FILE", help=".png or .svg; must not exist yet")
    command.add_argument("--json", action="store_true", help="what was drawn, for programs")
    _let_import(command)
    return command


def _let_import(command):
    command.add_argument(
        "--import", dest="imports", action="append", default=[], metavar="FILE.py",
        help="code of yours that a run needs: its protocol, transforms, layers; it is run",
    )  # fmt: skip


def _train(arguments):
    if arguments.recipe is None:
        paths = recipe_files.recipe_paths()
        for name, path in paths.items():
            print(f"{name:<{max(map(len, paths)) + 2}}{recipe_files.summary(path)}")
    elif "--show" in arguments.flags:
        print(recipe_files.recipe_path(arguments.recipe).read_text("utf-8"), end="")
    else:
        recipe_files.run_as_script(arguments.recipe, arguments.flags)


def _report(arguments):
    from keras_classics.report import write_report

    print(write_report(arguments.run_dir))


if __name__ == "__main__":
    main()
