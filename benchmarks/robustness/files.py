"""Bad files of every kind that is read: damaged as any file may be, and as this kind may be."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.robustness import folders, intact
from benchmarks.robustness.damage import (
    DAMAGE,
    JSON_DAMAGE,
    OF_CHECKPOINTS,
    OF_IDX,
    OF_NAMES,
    OF_RECIPES,
    fields,
    write,
)
from benchmarks.robustness.trial import Case


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file that is read.

    Args:
        name: the row of the table.
        path: where the file lies, a pattern.
        words: the command that reads it.
        needs: what it stands in.
        special: {label: function (path)} of damage that this kind alone can have.
        harmless: {label: why a command may succeed}, "" for every other label.
        names: the sentence holds one of them, or the file's name.
        read_by: the modules that read it.
    """

    name: str
    path: str
    words: tuple
    needs: tuple
    read_by: tuple
    special: tuple = ()
    harmless: tuple = ()
    names: tuple = ()


def _of_others(name, function="load_torch_state_dict"):
    """The call that reads a file of weights by a function of `keras_classics.weights`."""

    def load():
        import argparse

        from keras_classics import resnet18, weights
        from keras_classics.cli.sentences import end_in_a_sentence
        from keras_classics.errors import UserError

        def call():
            try:
                getattr(weights, function)(resnet18(10, input_shape=(32, 32, 3)), name)
            except (ValueError, OSError) as error:  # as builders do, the library says it by these
                raise UserError(str(error)) from error

        end_in_a_sentence(call, argparse.Namespace())

    return load


def _shipped(call):
    """The words that read the copy of what is shipped, in the place of the original."""

    def read():
        import argparse

        import keras_classics
        from keras_classics import shipped
        from keras_classics.cli.main import main
        from keras_classics.cli.sentences import end_in_a_sentence

        shipped.FOLDER = Path("shipped")
        if call == "predict":
            main(["predict", "lenet5", "digit.png"])
        else:
            end_in_a_sentence(lambda: keras_classics.lenet5(weights="mnist"), argparse.Namespace())

    return read


_RUN = ("run", "mine.py", "digit.png")
_REPORT, _EVALUATE = ("report", "run"), ("evaluate", "run")
_PREDICT = ("predict", "run", "digit.png")
_EXPLAIN = ("explain", "run", "digit.png", "--output", "new.png")
_WEIGHTS = (*intact.TRAIN, "--set")
_IDX_WORDS = (*("train", "lenet5_mnist", "--data", "idx:idx", *intact.SHORT, "--run-dir", "new"),)
_TFDS_WORDS = (*("train", "lenet5_mnist", "--data-dir", "tfds", *intact.SHORT, "--run-dir", "new"),)
_PIXELS = "pixels are pixels: nothing tells damage from a picture"
_DRAWN = "the page says what could not be shown"
_BEFORE = "the run goes on from the checkpoint before"
_ANEW = "it is made anew"
_UNFINISHED = tuple(
    (label, "a run that is not finished") for label in ("missing", "a folder", "a link to itself")
)
_ARCHIVE = (("first byte flipped", "an archive is read from its end"),)


# What reads no file of a user's, and why.
OTHER_READERS = {
    "__init__.py": "modules of ours",
    "zoo.py": "modules of ours",
    "data/class_names.py": "names of ours",
    "files.py": "what it has just written",
    "progress.py": "a figure that it has just drawn",
    "schema.py": "the JSON that its callers name",
    "cli/callables.py": "modules that a person names to --set",
    "cli/commands/compare.py": "names in a folder",
    "cli/output.py": "the null device",
    "cli/seeds.py": "names in a folder, and metrics.json as the report does",
    "comparison/compare.py": "names in a folder",
    "report/markup.py": "a style of ours",
    "report/sections.py": "figures that it has just drawn",
    "data/sources/load.py": "the digits that a package brings",
    "data/sources/local_copies.py": "pictures, which are read again from the copy",
    "runs/compute.py": "what the system says of its memory",
    "runs/devices.py": "a message among processes",
    "runs/peers.py": "a message among processes",
    "runs/watch.py": "a message among processes",
}


def kinds():
    """Returns every `Kind`."""
    json_damage = tuple(JSON_DAMAGE.items())
    return [
        Kind(name="recipe file", path="mine.py", words=intact.CONTINUE, needs=("mine.py",),
             special=OF_RECIPES, names=("`run`", "A recipe may hold"),
             read_by=("cli/recipe_files.py", "cli/outline.py", "cli/main.py"),
             harmless=(("empty", "an empty script does nothing, and so does Python"),
                       ("no RECIPE", "a script that trains nothing is still a script"))),
        Kind(name="IDX pictures", path="idx/train-images-idx3-ubyte", words=_IDX_WORDS,
             needs=("idx",), special=OF_IDX, read_by=("data/sources/idx.py",),
             harmless=(("byte in the middle flipped", _PIXELS),)),
        Kind(name="IDX, gzipped", path="idx/t10k-images-idx3-ubyte.gz", words=_IDX_WORDS,
             needs=("idx",), names=("t10k-images-idx3-ubyte",),
             read_by=("data/sources/idx.py",)),
        Kind(name="IDX labels", path="idx/t10k-labels-idx1-ubyte", words=_IDX_WORDS,
             needs=("idx",), special=OF_IDX, read_by=("data/sources/idx.py",),
             harmless=(("byte in the middle flipped", "a byte may be any label below the names"),)),
        Kind(name="IDX labels.txt", path="idx/labels.txt", words=_IDX_WORDS, needs=("idx",),
             special=OF_NAMES, read_by=("data/sources/idx.py",),
             harmless=(("missing", "without names the classes are numbers"),
                       ("first byte flipped", "any text is a name"),
                       ("byte in the middle flipped", "any text is a name"))),
        *(Kind(name=f"TFDS {path}", path=f"tfds/mnist/3.0.1/{path}", words=_TFDS_WORDS,
               needs=("tfds",), read_by=("data/sources/tfds.py", "data/sources/records.py"),
               special=json_damage if path.endswith("json") else (), names=("mnist",),
               harmless=harmless)
          for path, harmless in (
              ("dataset_info.json", (("byte in the middle flipped", "words about the data set"),)),
              ("features.json", (("", "of a data set that TFDS knows, it is not read"),)),
              ("label.labels.txt", (("", "MNIST's class names are known"),)),
              ("mnist-train.tfrecord-00000-of-00001", ()),
              ("mnist-test.tfrecord-00000-of-00001", ()))),
        Kind(name="ImageNet's tar files", path="tars/downloads/manual/ILSVRC2012_img_train.tar",
             words=("train", "alexnet_imagenet", "--data-dir", "tars", "--run-dir", "new"),
             needs=("tars",), read_by=("data/sources/imagenet.py",)),
        Kind(name="folder: a picture", path="pictures/train/class0/0.png", words=intact.FOLDER,
             needs=("pictures", "pictures.py"), names=("pictures", "0.png"),
             harmless=(("a picture", _PIXELS), ("missing", "a folder holds what it holds"),
                       ("a folder", "what lies deeper is no picture of the class")),
             read_by=("data/sources/files.py", "data/decoding.py", "data/encoded.py",
                      "data/bad_images.py", "data/sources/folder.py")),
        Kind(name="folder: the kept mean", path="pictures/.keras_classics/*.npz",
             words=intact.FOLDER, needs=("pictures", "pictures.py"),
             read_by=("data/statistics.py",), harmless=(("", _ANEW),)),
        Kind(name="recipe.json, evaluate", path="run/recipe.json", words=_EVALUATE, needs=_RUN,
             special=(*json_damage, *fields("recipe", "recipe/name", "recipe/dataset",
                      "recipe/seed", "recipe/protocol", "recipe/test_transforms")),
             read_by=("cli/commands/evaluate.py", "report/predictions.py"),
             names=("recipe.json", "The run says"),
             harmless=(("first byte flipped", "no"),
                       ("recipe/protocol deleted", "a run without a protocol is measured once"),
                       ("recipe/protocol null", "a run without a protocol is measured once"),
                       ("recipe/test_transforms deleted", "a run without transforms"))),
        Kind(name="recipe.json, continuing", path="begun/recipe.json", words=intact.CONTINUE,
             needs=("begun", "mine.py"), special=(*json_damage, *fields("recipe", "identity")),
             read_by=("runs/directory.py",), names=("recipe.json", "begun"),
             harmless=(("recipe deleted", "no"), ("", "the identity decides"))),
        Kind(name="recipe.json, report", path="run/recipe.json", words=_REPORT, needs=_RUN,
             special=(*json_damage, *fields("recipe", "recipe/name", "recipe/deviations")),
             read_by=("report/run_files.py",), harmless=(("", _DRAWN),)),
        *(Kind(name=f"{name}, compare", path=f"run/{name}", words=("compare", "run"), needs=_RUN,
               special=special, read_by=("comparison/run_list.py",), harmless=harmless)
          for name, special, harmless in (
              ("recipe.json", (*json_damage, *fields("recipe", "recipe/name", "recipe/seed")), ()),
              ("metrics.json", json_damage, _UNFINISHED),
              ("history.csv", (), (("", "a finished run has its figures without its curve"),)))),
        Kind(name="metrics.json, predict", path="run/metrics.json", words=_PREDICT, needs=_RUN,
             special=(*json_damage, *fields("class_names", "image_shape")),
             read_by=("cli/commands/predict.py",),
             harmless=(("byte in the middle flipped", "a figure that predicting does not need"),)),
        Kind(name="metrics.json, report", path="run/metrics.json", words=_REPORT, needs=_RUN,
             special=(*json_damage, *fields("error", "class_names", "paper", "examples", "note")),
             read_by=("report/run_files.py",), harmless=(("", _DRAWN),)),
        *(Kind(name=f"{name}, report", path=f"run/{name}", words=_REPORT, needs=_RUN,
               special=special, read_by=("report/run_files.py",), harmless=(("", _DRAWN),))
          for name, special in (
              ("history.csv", (("only a header", partial(write, b"epoch,loss\n")),
                               ("words for numbers", partial(write, b"epoch,loss\nx,y\n")),
                               ("a row too short", partial(write, b"epoch,loss,error\n1\n")),
                               ("nan", partial(write, b"epoch,loss,error\n1,nan,inf\n")))),
              ("timings.csv", ()), ("environment.json", json_damage), ("predictions.npz", ()),
              ("model.keras", ()))),
        Kind(name="model.keras, evaluate", path="run/model.keras", words=_EVALUATE, needs=_RUN,
             read_by=("cli/saved_runs.py", "trained_model.py", "report/network.py"),
             harmless=_ARCHIVE),
        Kind(name="model.keras, predict", path="run/model.keras", words=_PREDICT, needs=_RUN,
             read_by=("cli/saved_runs.py",), harmless=_ARCHIVE),
        Kind(name="model.keras, explain", path="run/model.keras", words=_EXPLAIN, needs=_RUN,
             read_by=("cli/commands/look.py",), harmless=_ARCHIVE),
        Kind(name="model.keras, filters", path="run/model.keras", needs=_RUN,
             words=("filters", "run", "--output", "new.png"), read_by=("cli/commands/look.py",),
             harmless=_ARCHIVE),
        Kind(name="metrics.json, explain", path="run/metrics.json", words=_EXPLAIN, needs=_RUN,
             special=(*json_damage, *fields("class_names", "image_shape")),
             read_by=("cli/commands/look.py",),
             harmless=(("byte in the middle flipped", "a figure that looking does not need"),)),
        Kind(name="model.keras, show", path="run/model.keras", words=("show", "run"), needs=_RUN,
             read_by=("cli/commands/networks.py",), harmless=_ARCHIVE),
        Kind(name="a kept epoch", path="run/snapshots/epoch-0001.keras",
             words=(*_EVALUATE, "--epochs", "1"), needs=_RUN, read_by=("cli/saved_runs.py",),
             harmless=_ARCHIVE),
        Kind(name="the newest checkpoint", path="begun/checkpoints/*2-step-0000000.npz",
             words=intact.CONTINUE, needs=("begun", "mine.py"), special=OF_CHECKPOINTS,
             read_by=("runs/directory.py", "runs/run.py"), names=("begun",),
             harmless=(("", _BEFORE),)),
        Kind(name="bad_images.txt", path="seen/bad_images.txt",
             words=("train", "pictures.py", "--run-dir", "seen"),
             needs=("seen", "pictures", "pictures.py"), read_by=("data/bad_images.py",
             "cli/recipe_flags.py"), harmless=(("", "a list for people, which is added to"),)),
        Kind(name="the lock", path="begun/.lock", words=intact.CONTINUE, needs=("begun", "mine.py"),
             read_by=("runs/directory.py",), names=("begun",),
             harmless=(("", "its content says nothing"),)),
        *(Kind(name=f"search: {path}", path=f"search/{path}", words=(*intact.SEARCH, "search"),
               needs=("search",), special=(*json_damage, *special),
               read_by=[f"tuning/{name}.py" for name in ("folder", "tuner", "results", "page")],
               names=("search",), harmless=harmless)
          for path, special, harmless in (
              ("search.json", fields("recipe", "oracle", "space"),
               (("byte in the middle flipped", "a word that nothing relies on"),)),
              ("oracle.json", fields("start_order"), (("missing", "it begins anew"),)),
              ("trial_0/trial.json", fields("score", "status", "trial_id", "hyperparameters"), ()),
              ("trial_0/run/history.csv", (), (("", "the trial has been scored"),)),
              ("tuner0.json", (), (("", "KerasTuner's, which holds nothing"),)))),
        Kind(name="weights: .keras", path="w.keras", words=(*_WEIGHTS, "model.weights=w.keras"),
             needs=("w.keras",), read_by=("weights/own_files.py", "weights/files.py",
             "weights/own_models.py", "weights/pixels.py",
             "models/common.py", "training/initial_weights.py", "export.py")),
        Kind(name="weights: .weights.h5", path="w.weights.h5", needs=("w.weights.h5",),
             words=(*_WEIGHTS, "model.weights=w.weights.h5"), read_by=("weights/own_files.py",),
             harmless=(("byte in the middle flipped", "HDF5 has no checksum: another number"),)),
        Kind(name="weights: .pth", path="w.pth", words=_of_others("w.pth"), needs=("w.pth",),
             read_by=("weights/files.py", "weights/torch_checkpoints.py"), names=("`state_dict`",)),
        Kind(name="weights: .onnx", path="w.onnx", needs=("w.onnx",),
             words=_of_others("w.onnx", "load_onnx"), read_by=("weights/onnx_files.py",)),
        Kind(name="weights: .safetensors", path="w.safetensors", needs=("w.safetensors",),
             words=_of_others("w.safetensors"), read_by=("weights/files.py",),
             names=("`state_dict`",)),
        *(Kind(name=f"shipped: {name}, {call}", path=f"shipped/lenet5/mnist/{name}",
               words=_shipped(call), needs=("shipped", "digit.png"),
               special=json_damage if name.endswith("json") else (),
               read_by=("shipped/__init__.py", "models/pretrained.py"))
          for name in ("card.json", "metrics.json", "model.keras", "recipe.json", "SHA256SUMS")
          for call in ("predict", "build")),
        *(Kind(name=f"picture for {words[0]}", path="digit.png", words=words, needs=_RUN,
               read_by=("data/image_files.py",), harmless=(("a picture", _PIXELS),))
          for words in (_PREDICT, _EXPLAIN, ("maps", "run", "digit.png", "--output", "new.png"))),
    ]  # fmt: skip


def cases():
    """Returns the bad inputs of all files, and of the cache's folder."""
    return [case for kind in kinds() for case in _cases_of(kind)] + folders.cases()


def _cases_of(kind):
    reasons = dict(kind.harmless)
    damages = {
        **DAMAGE,
        **(JSON_DAMAGE if kind.path.endswith("json") else {}),
        **dict(kind.special),
    }
    for label, damage in damages.items():
        yield Case(
            subject=kind.name, label=label, words=kind.words, needs=kind.needs,
            names=(kind.path.rpartition("/")[2], *kind.names),
            damage=partial(_damaged, kind.path, damage),
            accepted=reasons.get(label, reasons.get("")),
        )  # fmt: skip


def _damaged(pattern, damage, folder):
    found = sorted(folder.glob(pattern))
    path = found[0] if found else folder / pattern
    if not found or not path.stat().st_size:  # a list of bad pictures, a lock
        path.write_bytes(b"something\n")
    damage(path)
