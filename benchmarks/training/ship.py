"""A finished run -> weights that come with the package, and the table of all of them.

    python -m benchmarks.training.ship RUN_DIR lenet5/mnist
    python -m benchmarks.training.ship RUN_DIR cifar_resnet20/cifar10_jpeg --data "CIFAR-10 (JPEG)"
    python -m benchmarks.training.ship                # the table in docs/weights.md alone

The run must be finished, of the network that the builder makes unless told otherwise, and tested on
the whole test split of a data set that others can fetch. What is shipped is the run in miniature:
its recipe, its figures, its model in float32 without an optimizer's state, a card and checksums,
the same bytes of the same run. With --smoke it prints the table and writes nothing.
"""

import hashlib
import inspect
import io
import itertools
import json
import re
import shlex
import tempfile
import zipfile
from pathlib import Path

import numpy as np

import keras_classics
from benchmarks import machine
from benchmarks.training.runs import ROOT
from keras_classics import shipped
from keras_classics.errors import UserError
from keras_classics.files import utf8, write_bytes
from keras_classics.report.run_files import read_metrics, read_run
from keras_classics.report.sections import wilson
from keras_classics.trained_model import load_model, network_of

PAGE = ROOT / "docs" / "weights.md"
_BEGIN, _END = "<!-- weights -->\n", "<!-- end of weights -->\n"
_NEEDED = ("dataset", "split", "epochs", "train_examples", "normalization")
_NEEDED += ("command", "commit", "backend", "date")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


class ShipError(UserError):
    """A run that cannot be shipped; the message is one sentence."""


def ship(run_dir, network, weights, data=None, also=()):
    """Makes `shipped/<network>/<weights>/` of a finished run; returns its card.

    Args:
        run_dir: the run's folder.
        network: the builder's name.
        weights: the name that `weights` will know it by.
        data: what the pictures are, where the data set's name is not enough.
        also: (what, path) of other test pictures, each an npz file with `x_test` and `y_test`.

    Raises:
        ShipError: if the run is not one that may be shipped.
    """
    run, metrics = read_run(run_dir), read_metrics(run_dir)
    _check(run, metrics)
    model = load_model(Path(run_dir, "model.keras"), ShipError)
    options = _options(network, network_of(model), metrics, run_dir)
    card = {
        "network": network,
        "weights": weights,
        "options": options,
        "normalization": run.recipe["normalization"],
        "recipe": run.name,
        "command": _command(run),
        **{key: metrics[key] for key in ("seed", "epochs")},
        "data": data or metrics["dataset"],
        "train_examples": metrics["train_examples"],
        **_measured(metrics["wrong"], metrics["examples"]),
        "also": [{"data": what, **_on_others(model, path)} for what, path in also],
        "licence": "Apache-2.0",
        **{key: run.environment[key] for key in ("commit", "backend")},
        "date": run.environment["date"][:10],
    }
    contents = {
        "card.json": _json(card),
        "metrics.json": Path(run_dir, "metrics.json").read_bytes(),
        "model.keras": packed(model),
        "recipe.json": Path(run_dir, "recipe.json").read_bytes(),
    }
    sums = "".join(f"{hashlib.sha256(one).hexdigest()}  {name}\n" for name, one in contents.items())
    for name, content in (*contents.items(), (shipped.SUMS, sums.encode())):
        write_bytes(shipped.FOLDER / network / weights / name, content)
    return card


def _check(run, metrics):
    """Raises unless a run was tested on all of a test split that others have too."""
    said = {**metrics, **run.environment, **run.recipe}
    for name in _NEEDED:
        if name not in said:
            raise ShipError(f"{run.path} does not say its {name}; run it again.")
    name, limit = metrics["dataset"], run.recipe.get("limit_test")
    if metrics["split"] != "test" or limit is not None:
        raise ShipError(
            f"{run.path} was measured on {limit or metrics['examples']:,} {metrics['split']} "
            "pictures; only the whole test split will do."
        )
    if not re.fullmatch(r"\w+", name):
        raise ShipError(f"{run.path} was trained on {name}, which nobody else can fetch.")
    part = run.recipe.get("limit_train")
    if part is not None:
        raise ShipError(
            f"{run.path} was trained on {part:,} pictures of {name}; train on all of them."
        )


def _options(network, trained, metrics, run_dir):
    """Returns the options of a builder that the run's network has: its defaults, or it raises."""
    if network not in keras_classics.list_models():
        raise ShipError(f"There is no network {network}; `keras-classics list` shows all.")
    builder = getattr(keras_classics, network)
    usual = builder(len(metrics["class_names"]), classifier_activation=None, name=trained.name)
    for ours, theirs in itertools.zip_longest(_layers(usual), _layers(trained)):
        if ours != theirs:
            layer = json.loads(theirs or ours)["config"]["name"]
            raise ShipError(
                f"{run_dir} trained another network than {network}() with its defaults, which "
                f"are all that ships; they differ in the layer {layer}."
            )
    defaults = {name: p.default for name, p in inspect.signature(builder).parameters.items()}
    free = ("include_top", "pooling", "classifier_activation", "weights", "name")
    free += ("with_preprocessing",)
    return {name: value for name, value in defaults.items() if name not in free} | {
        "num_classes": usual.output_shape[-1],
        "input_shape": list(usual.input_shape[1:]),
    }


def _layers(network):
    """Yields each layer with its connections as a text that is equal for equal layers."""
    for layer in _plain(network.get_config()["layers"]):
        yield re.sub(r"input_layer(_\d+)?", "input", json.dumps(layer, sort_keys=True))


def _plain(value, numbers=None):
    """Returns a description with shared parts numbered in their order, not by their addresses."""
    numbers = {} if numbers is None else numbers
    if isinstance(value, dict):
        value = {key: _plain(part, numbers) for key, part in value.items()}
        if "shared_object_id" in value:
            shared = value["shared_object_id"]
            value["shared_object_id"] = numbers.setdefault(shared, len(numbers))
        return value
    return [_plain(part, numbers) for part in value] if isinstance(value, list | tuple) else value


def packed(model):
    """Returns a model as the bytes of a `.keras` file, the same whenever and wherever it is saved.

    Raises:
        ShipError: if a weight is no finite float32.
    """
    for weight in model.weights:
        value = np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight)
        if value.dtype != "float32" or not np.isfinite(value).all():
            raise ShipError(f"The weight {weight.path} holds other than finite float32 numbers.")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in sorted(archive.namelist())}
    for name in ("config.json", "metadata.json"):
        described = json.loads(contents[name])
        described.pop("date_saved", None)
        contents[name] = json.dumps(_plain(described)).encode()
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return result.getvalue()


def _command(run):
    """Returns the run's command without the folders of the machine that it ran on."""
    words = iter(shlex.split(run.environment["command"]))
    kept = []
    for word in words:
        flag, equals, _ = word.partition("=")
        if flag not in ("--run-dir", "--data-dir"):
            kept.append(word)
        elif not equals:
            next(words, None)
    if any(word.startswith(("/", "~")) for word in kept):
        raise ShipError(f"The command of {run.path} names a folder of this machine.")
    return shlex.join(kept)


def _measured(wrong, examples):
    error = 100 * wrong / examples
    low, high = wilson(error, examples)
    return {
        "examples": examples,
        "wrong": wrong,
        "error": round(error, 4),
        "interval": [round(low, 3), round(high, 3)],
    }


def _on_others(model, path):
    with np.load(path, allow_pickle=False) as file:
        pictures, labels = file["x_test"], file["y_test"].reshape(-1)
    answers = model.predict(pictures, verbose=0).argmax(axis=-1)
    return _measured(int((answers != labels).sum()), len(labels))


def _json(value):
    return utf8(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table():
    """Returns the table of what ships, made of the cards."""
    lines = [
        "| network | `weights` | data | test error (95 % interval) | trained by |",
        "|---|---|---|---|---|",
    ]
    for sums in sorted(shipped.FOLDER.glob(f"*/*/{shipped.SUMS}")):
        card = shipped.card(sums.parent.parent.name, sums.parent.name)
        lines.append(
            f'| `{card["network"]}` | `"{card["weights"]}"` | {card["data"]} | '
            f"{_shown(card)} | `{card['command']}` |"
        )
        lines += [f"| | | {one['data']} | {_shown(one)} | |" for one in card.get("also", ())]
    return "\n".join(lines) + "\n"


def _shown(measured):
    low, high = measured["interval"]
    return (
        f"{measured['error']:.2f} % ({low:.2f} … {high:.2f}) of {measured['examples']:,} pictures"
    )


def page(text):
    """Returns the text of docs/weights.md with its table written anew."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + table() + _END + rest.split(_END)[1]


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("run_dir", nargs="?", type=Path, help="of a finished run")
    parser.add_argument("name", nargs="?", help="NETWORK/WEIGHTS, e.g. lenet5/mnist")
    parser.add_argument("--data", help="what the pictures are, if the data set's name does not say")
    parser.add_argument(
        "--also", action="append", default=[], metavar="WHAT=FILE.npz",
        help="measure it on x_test and y_test of a file too",
    )  # fmt: skip
    arguments = parser.parse_args()
    if arguments.run_dir:
        match = re.fullmatch(r"([a-z]\w*)/([a-z]\w*)", arguments.name or "")
        others = [one.rpartition("=")[::2] for one in arguments.also]
        if not match or not all(what for what, _ in others):
            parser.error("it takes RUN_DIR NETWORK/WEIGHTS, and --also takes WHAT=FILE.npz")
        try:
            ship(arguments.run_dir, *match.groups(), arguments.data, others)
        except UserError as error:
            parser.error(str(error))
    if not arguments.smoke:
        write_bytes(PAGE, page(PAGE.read_text("utf-8")).encode())
    print(table(), end="")


if __name__ == "__main__":
    main()
