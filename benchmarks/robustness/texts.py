"""Bad values of the flags and arguments whose texts have a meaning of their own."""

_ODD = ("\x1b[31mred", "漢字", "\udcff", "$(touch it)", "%s{0}", "a" * 5000)


def of(command, dest):
    """Returns the bad values of one flag as arguments of `flags._case`, or None for a plain one.

    Args:
        command: as `Flag.command`.
        dest: of the action.
    """
    if dest == "set":
        found = [one if isinstance(one, dict) else _setting(one) for one in _SET]
        if command == "search":
            for one in found:
                if one.get("value", "").startswith("optimizer.momentum"):
                    one["accepted"] = "the search chooses it"
        return found
    made = _TABLE.get((command, dest)) or _TABLE.get(("", dest))
    return (
        None if made is None else [one if isinstance(one, dict) else {"value": one} for one in made]
    )


def _setting(text):
    """The sentence may name the field in the place of the flag, or its last part."""
    field = text.partition("=")[0].strip()
    parts = (field, field.rpartition(".")[2], field.encode("unicode_escape").decode())
    flags = (f"--{parts[0]}".replace("_", "-"),) if parts[0] else ()
    return {"value": text, "names": (*flags, *(f"`{part}`" for part in parts if part))}


def _file(folder):
    (folder / "file").write_text("a file")


def _linked(folder):
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nothing")


def _full_folder(folder):
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("not a run")


_DATA = (
    *(
        "",
        " ",
        "mnits",
        "mnist_5K",
        "mnist_5k:",
        "mnist:99.0.0",
        "coco",
        "idx",
        "idx:",
        "idx:nowhere",
    ),
    *("folder:", "folder:nowhere", "folder:/dev/null", "file:x", "IDX:x", "/", "../..", "mnist/x"),
    *_ODD,
    {"value": "idx:file", "damage": _file},
    {"value": "folder:file", "damage": _file},
    {"value": "idx:loop", "damage": _linked},
    {"missing": True},
)
_DATA_DIR = (
    *("", "nowhere", "/dev/null", "/dev/null/x", "/proc/1/x", *_ODD),
    {"value": "file", "damage": _file},
    {"value": "file/below", "damage": _file},
    {"value": "loop", "damage": _linked},
    {"value": "dangling", "damage": _linked},
    {"missing": True},
)
_DIRECTORY = (
    *("/dev/null", "/dev/null/x", "/proc/x", "/proc/1/x", "a" * 300, "a/" * 3000),
    {"value": "file", "damage": _file},
    {"value": "file/below", "damage": _file},
    {"value": "loop", "damage": _linked},
    {"value": "full", "damage": _full_folder},
    {"value": "mine.py", "needs": ("mine.py",)},
    {"value": ".", "damage": _full_folder},
    {"missing": True},
)
_EPOCHS = (
    *("", " ", ",", "1,", "x", "1.5", "-1", "0", "99", "1-2", "1 2", "nan", "9" * 5000),
    *("1,x", *_ODD),
    {"value": "1,99", "names": ("0099", "99")},
    {"missing": True},
)
_SET = (
    *("", " ", "=", "=1", "x", "x=1", "epochs", "epochs=", "epochs=x", "epochs=-1", "epochs=1.5"),
    *("model.weights=minst", "model.weights=imagenet", "model.weights=", "model.weights=3"),
    *("epochs=None", "epochs=True", "model=lenet", "model=", "model.x=1", "model.activation=nope"),
    *("model.activation.x=1", "model..x=1", ".=1", "loss=0", "loss.j=x", "loss.j=-1", "loss.j=nan"),
    *("optimizer=sdg", "optimizer=os:sep", "optimizer.momentum=2", "optimizer.momentum=x"),
    *("optimizer=os:getcwd", "optimizer=keras:Adma", "schedule=Step", "learning_rate=0"),
    *("learning_rate=nan", "learning_rate=1e999", "schedule=none", "schedule.stages=()", "name=3"),
    *("schedule.stages=1", "train_transforms=1", "train_transforms.0=1", "train_transforms.9.x=1"),
    *("dataset=3", "dataset=()", "validation=-1", "validation=x", "validation=99999", "paper=1"),
    *("deviations=1", "protocol=abc", "normalization=3", "normalization.low=x", "copies=0"),
    *("keep_epochs=1", "keep_epochs=(9,)", "precision=float8", "shuffle=maybe", "seed=x"),
    *("limit_train=1.5", "iterations=0", "auxiliary_weight=1", "initial_weights=3", "name="),
    *("epochs=" + "(" * 500, "epochs=" + "9" * 5000, "epochs=__import__('os')", "name=../../x"),
    *("\udcff=1", "name=\udcff", "漢=1", "\x1b[31m=1"),
    {"missing": True},
)  # fmt: skip
_PORTS = (
    *("", "x", ":", "localhost", "localhost:", ":80", "localhost:x", "localhost:-1", "localhost:0"),
    *("localhost:99999", "localhost:²", "localhost:1.5", "http://localhost:80", *_ODD),
)
_PEERS = {"--coordinator": "h:1", "--processes": "2", "--process": "0"}
_NAMES = ("", "x", "-1", "1.5", "nan", "1e3", "\udcff", "9" * 5000, "\n", "0x2")
_PLACES = ("nowhere", "/dev/null", "/dev/null/x", ".", *_ODD)
_FILE = {"value": "file", "damage": _file}
_FULL = {"value": "full", "damage": _full_folder}
_LOOP = {"value": "loop", "damage": _linked}
_MISSING = {"missing": True}
_HERE = {"value": "", "names": (" . ", "`.`", " .;", " .:")}  # an empty path is the folder itself


def _nothing(*names):
    return {"value": (), "label": "nothing", "names": names}


def _each(values, **more):
    """Values as arguments of `flags._case`, with what they share."""
    return tuple({**(v if isinstance(v, dict) else {"value": v}), **more} for v in values)


def _with_peers(flag, values):
    """Values of one flag of three that go together, beside good ones of the others."""
    others = [f"{name}={value}" for name, value in _PEERS.items() if name != flag]
    return _each(values, more=("--strategy", "multi_machine", *others))


_PROTOCOLS = ("Center", "ten-crop", "dens", "grid_", "144", "None", "grid_150,dense")
_UNFIT = ("multi_scale_dense", "resnet_multi_scale")  # digits are too small
_NO_NETWORKS = (
    "lenet",
    "LENET5",
    "lenet5/minst",
    "lenet5/mnist/x",
    "../lenet5",
    "vgg16",
    "shipped",
)
_WRONG_FLAGS = (
    *(("--epochs",), ("--lr", "1"), ("-epochs", "1"), ("epochs", "1"), ("--nope", "x")),
    *(("--run", "x", "--nope"), ("x",), ("\udcff",), ("漢",), ("",), ("--showw",), ("--set",)),
    ("--simplify", "c3", "--tutorial", "tanh"),
)

_PICTURE_FILES = (
    *("", " ", "new", "new.pn", "new.png ", ".png", ".", "/dev/null", "/dev/null/x.png", "/"),
    *("/proc/x.svg", "a" * 300 + ".png", *_ODD),
    {"value": "old.png", "damage": lambda folder: (folder / "old.png").write_text("old")},
    {"value": "loop.svg", "damage": lambda folder: (folder / "loop.svg").symlink_to("x")},
    {"value": "x.png", "damage": lambda folder: (folder / "x.png").mkdir()},
    {"value": "~nobodyxx/x.png", "accepted": "a folder of that name is made; it is no user's home"},
    _MISSING,
)
_LAYERS = ("", " ", "c1", "C", "C1 ", "C9", "OUTPUT", "lenet5", "C1/x", "0", "..", *_ODD, _MISSING)


def _looks():
    """The arguments of `filters`, `maps` and `explain`, which are much the same."""
    for command in ("filters", "maps", "explain"):
        picture = () if command == "filters" else ("digit.png",)
        yield (
            (command, "run_dir"),
            _each(
                (
                    *(_HERE, *_PLACES, *_NO_NETWORKS, _FILE, _FULL, _LOOP, "run/metrics.json"),
                    _nothing("RUN_DIR", "IMAGE"),
                ),
                words=(command,),
                more=(*picture, "--output=new.png"),
            ),
        )
        output = _each(_PICTURE_FILES, names=("--output", "/dev/null", "/proc"))
        yield (command, "output"), _each(output, words=(command, "run", *picture))
        if picture:
            yield (
                (command, "image"),
                _each(
                    (
                        *(_HERE, *_PLACES, _FILE, _LOOP, "nowhere.png", "run", "run/model.keras"),
                        {"value": ("digit.png", "x.png"), "label": "two", "names": ("x.png",)},
                        _nothing("IMAGE"),
                    ),
                    words=(command, "run"),
                    more=("--output=new.png",),
                ),
            )


_TABLE = {
    **dict(_looks()),
    ("filters", "layer"): (*_LAYERS, "S2", "C3", "F6"),
    ("explain", "layer"): (*_LAYERS, "C5", "F6", "flatten"),
    ("maps", "layers"): (
        *(name for name in _LAYERS if name != "C1 "),
        {"value": "C1 ", "accepted": "a list of names may have spaces"},
        *(",", "C1,", "F6", "C1,F6", "C1;C3"),
    ),
    ("explain", "class_name"): _each(
        ("", " ", "10", "-1", "1.0", "seven", "07", "7 ", "٣", "1,2", *_ODD, _MISSING),
        names=("--class",),
    ),
    ("", "data"): _DATA,
    ("", "data_dir"): _each(_DATA_DIR, more=("--data=mnist",)),
    ("", "run_dir"): _DIRECTORY,
    ("", "directory"): _DIRECTORY,
    ("", "keep_epochs"): _EPOCHS,
    ("", "after"): (
        *_each(_PLACES, more=("--set=limit_train=64",)),
        *("", " ", "run/metrics.json", "digit.png", "a" * 300, _FILE, _FULL, _LOOP, _MISSING),
    ),
    ("", "seeds"): (
        *("", " ", ",", "1,", "x", "1.5", "-1", "4-0", "0-", "-", "0-4-5", "0,0", "0-2,1", "nan"),
        *("0-99999", "0 1", "9" * 5000, "0-" + "9" * 5000, "²", *_ODD),
        {"value": "0,1", "label": "beside --seed", "more": ("--seed=0",)},
        _MISSING,
    ),
    ("", "coordinator"): (
        *_with_peers("--coordinator", _PORTS),
        {"value": "localhost:8476", "label": "alone"},
        _MISSING,
    ),
    ("", "processes"): _with_peers("--processes", (*_NAMES, "0")),
    ("", "process"): _with_peers("--process", (*_NAMES, "2", "99")),
    ("", "oracle"): (*_PORTS, _MISSING),
    ("", "worker"): (
        *_each(("1", "chief", "漢")),
        *_each(("", " ", "chief", "a/b", "\n", "../..", *_ODD), more=("--oracle=localhost:1",)),
        _MISSING,
    ),
    ("", "imports"): (
        *("", " ", "nowhere.py", "mine", "/dev/null", "/dev/null/x.py", ".", "../..", *_ODD),
        *(_FILE, _LOOP, _MISSING),
    ),
    ("list", "pattern"): (
        *("", " ", "nope", "lenet", "[", "LENET*!", "../*", *_ODD),
        {"value": "*x*", "accepted": "it matches alexnet"},
        {"value": ("lenet*", "vgg*"), "label": "two patterns", "names": ("vgg*",)},
    ),
    ("show", "model"): _each(
        (
            *(_HERE, *_PLACES, _FILE, _FULL, _LOOP, "lenet", "LENET5", "resnet51", "lenet5/minst"),
            *("lenet5 ", "digit.png", "run/metrics.json", _nothing("NETWORK")),
            {"value": ("lenet5", "vgg16"), "label": "two", "names": ("vgg16",)},
        ),
        words=("show",),
    ),
    ("claims", "paper"): (
        *_each(("", " "), names=("claims of",)),
        *("lenet", "LENET5", "lenet5 ", "lenet5.json", "../lenet5", ".", *_ODD),
        {"value": ("lenet5", "vgg"), "label": "two papers", "names": ("vgg",)},
    ),
    ("draw", "network"): _each(
        (
            *("", " ", "lenet", "LENET5", "lenet5 ", "lenet5.svg", "../lenet5", "vgg61", "."),
            *_ODD,
        ),
        more=("new.svg",),
        names=("`model`", "NAME"),
    ),
    ("draw", "file"): _each(
        (
            *("", " ", "new", "new.png", "new.svg ", ".svg", ".", "/dev/null", "/dev/null/x.svg"),
            *("/", "/proc/x.svg", "a" * 300 + ".svg", *_ODD),
            {"value": "old.svg", "damage": lambda folder: (folder / "old.svg").write_text("old")},
            {"value": "loop.svg", "damage": lambda folder: (folder / "loop.svg").symlink_to("x")},
            {"value": "x.svg", "damage": lambda folder: (folder / "x.svg").mkdir()},
            {"value": "~nobodyxx/x.svg", "accepted": "a folder of that name is made"},
            {"value": (), "label": "nothing"},
        ),
        words=("draw", "lenet5"),
        names=("`path`", "FILE.svg", "/dev/null", "/proc"),
    ),
    ("train", "recipe"): (
        *_each(("", " "), names=("RECIPE",)),
        *("lenet5", "lenet5_mnits", "LENET5_MNIST", "lenet5_mnist ", "lenet5_mnist.pyc"),
        *("nowhere.py", "../..", ".", "/dev/null", ".py", "/dev/null/x.py", *_ODD),
        {"value": "loop.py", "damage": lambda folder: (folder / "loop.py").symlink_to("loop.py")},
        {"value": "x.py", "damage": lambda folder: (folder / "x.py").mkdir()},
    ),
    ("train", "flags"): tuple(
        {
            "value": ("lenet5_mnist", *words),
            "label": " ".join(words),
            "names": (*words[-1:], "flags", "--set", "--epochs"),
        }
        for words in _WRONG_FLAGS
    ),
    ("report", "run_dir"): (
        *(_HERE, *_PLACES, _FILE, _FULL, _LOOP, "run/model.keras", _nothing("run_dir", "RUN_DIR")),
        {"value": ("run", "run"), "label": "two", "names": ("run",)},
    ),
    ("runs", "folder"): _each(
        (
            *(*_PLACES[:3], *_ODD, _FILE, _LOOP, "run/model.keras", "rnu", "run "),
            *_each(("", "."), accepted="a folder of runs"),
            {"value": "full", "damage": lambda folder: (folder / "full").mkdir()},
            {"value": ("run", "run"), "label": "two", "names": ("run",)},
        ),
        words=("runs",),
    ),
    ("compare", "runs"): _each(
        (
            *(*_PLACES[:3], *_ODD, *_NO_NETWORKS, _FILE, _FULL, _LOOP, "run/model.keras", "rnu"),
            {"value": ("run", "nowhere"), "label": "a second", "names": ("nowhere",)},
            _nothing("RUN"),
            *_each(("", "."), accepted="a folder of runs"),
        ),
        words=("compare",),
    ),
    ("compare", "html"): (
        *("", " ", "page", "page.png", ".", "/", "/dev/null", "/dev/null/x.html", "/proc/x.html"),
        *("a" * 300 + ".html", *_ODD, _MISSING),
        {"value": "x.html", "damage": lambda folder: (folder / "x.html").mkdir()},
        {"value": "page.html", "more": ("--csv",), "label": "beside --csv"},
    ),
    ("evaluate", "models"): _each(
        (
            *(_HERE, *_PLACES, *_NO_NETWORKS, _FULL, _LOOP, _nothing("RUN_DIR")),
            *_each((_FILE, "run/model.keras", "run/metrics.json"), names=("--data",)),
            {"value": ("run", "nowhere"), "label": "run nowhere", "names": ("nowhere",)},
        ),
        words=("evaluate",),
    ),
    ("evaluate", "epochs"): _EPOCHS,
    ("evaluate", "data"): (*_DATA, {"value": "folder:pictures", "needs": ("pictures",)}),
    ("evaluate", "protocol"): (
        *("", " ", *_PROTOCOLS, *_UNFIT, *_ODD, _MISSING),
        {"value": "ten_crop", "accepted": "ten crops of digits"},
    ),
    ("predict", "run_dir"): _each(
        (
            *(_HERE, *_PLACES, *_NO_NETWORKS, _FILE, _FULL, "digit.png", "run/model.keras"),
            {"value": (), "label": "the picture alone", "names": ("IMAGE",)},
        ),
        more=("digit.png",),
    ),
    ("predict", "images"): _each(
        (
            *(_HERE, *_PLACES, _FILE, _LOOP, "nowhere.png", "run", "run/model.keras"),
            {"value": ("digit.png", "nowhere.png"), "label": "a second", "names": ("nowhere.png",)},
            _nothing("IMAGE"),
        ),
        words=("predict", "run"),
    ),
}
