import dataclasses
import os
import pickle
import re
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from keras_classics import lenet5
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.evaluation import TenCrop
from keras_classics.training import (
    Constant,
    CopyLayers,
    CoupledSGD,
    Deviation,
    MaximumAPosteriori,
    PassTable,
    PixelRange,
    Published,
    Recipe,
    RecipeError,
    Step,
    as_published,
    changes_of,
    describe,
    vary,
)
from keras_classics.training.fields import fields_of, identity

RECIPES = Path(__file__).resolve().parents[2] / "recipes"

VALUES = {
    "name": "small",
    "model": partial(lenet5, activation="tanh"),
    "dataset": "mnist_5k",
    "normalization": PixelRange(low=-0.1, high=1.175, padding=2),
    "train_transforms": (RandomAffine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.2),),
    "shuffle": "once",
    "loss": partial(MaximumAPosteriori, j=1.0),
    "optimizer": CoupledSGD,
    "learning_rate": 0.1,
    "schedule": Step(at=(1, 2), by=10),
    "batch_size": 8,
    "epochs": 3,
    "paper": None,
    "deviations": ("none",),
}
RECIPE = Recipe(**VALUES)
PAPER = Published(
    test_error=0.95, train_error=None, dataset="mnist", examples=10_000, what="digits", where="III"
)


def test_describe_is_plain_data():
    assert describe(RECIPE) == {
        "call": "keras_classics.training.recipe:Recipe",
        "name": "small",
        "model": {"call": "keras_classics.models.lenet:lenet5", "activation": "tanh"},
        "dataset": "mnist_5k",
        "normalization": {
            "call": "keras_classics.training.pixels:PixelRange",
            "low": -0.1,
            "high": 1.175,
            "padding": 2,
        },
        "train_transforms": [
            {
                "call": "keras_classics.data.transforms.affine:RandomAffine",
                "translation": 2.0,
                "scale": 0.1,
                "squeeze": 0.1,
                "shear": 0.2,
            }
        ],
        "test_transforms": [],
        "protocol": None,
        "copies": 1,
        "shuffle": "once",
        "loss": {"call": "keras_classics.training.losses:MaximumAPosteriori", "j": 1.0},
        "initial_weights": None,
        "auxiliary_weight": None,
        "optimizer": {"call": "keras_classics.training.optimizers:CoupledSGD"},
        "learning_rate": 0.1,
        "schedule": {
            "call": "keras_classics.training.schedules:Step",
            "at": [1, 2],
            "by": 10,
        },
        "batch_size": 8,
        "epochs": 3,
        "drop_last": False,
        "iterations": None,
        "paper": None,
        "deviations": ["none"],
        "validation": 0,
        "early_stopping": None,
        "precision": "float32",
        "gradient_accumulation_steps": 1,
        "sync_batch_norm": False,
        "limit_train": None,
        "limit_test": None,
        "keep_epochs": [],
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": (1, 2.5), "a": [None, True]}, {"b": [1, 2.5], "a": [None, True]}),
        (partial(round, 1.5, ndigits=2), {"call": "builtins:round", "args": [1.5], "ndigits": 2}),
        (partial(partial(round, ndigits=1), ndigits=2), {"call": "builtins:round", "ndigits": 2}),
        (PixelRange, {"call": "keras_classics.training.pixels:PixelRange"}),
    ],
    ids=["containers", "positional", "nested", "class"],
)
def test_describe_of(value, expected):
    assert describe(value) == expected


def script(tmp_path, text):
    """What a script defines that is run as the main program."""
    path = tmp_path / "script.py"
    path.write_text(text, encoding="utf-8")
    return runpy.run_path(str(path), run_name="__main__")["value"]


def local_function():
    def inside():
        pass

    return inside


REFUSED = (
    r"^A recipe may hold functions and classes of modules, scripts and notebooks, partials of them "
    r"and frozen dataclasses, but not .*<.*; give it a name of its own there\.$"
)


@pytest.mark.parametrize(
    "value",
    [lambda: 0, local_function(), object(), PAPER.__eq__, partial(lambda: 0), [lambda: 0]],
    ids=["lambda", "closure", "object", "method", "partial", "in a list"],
)
def test_describe_refuses_what_nobody_could_find_again(value):
    with pytest.raises(RecipeError, match=REFUSED):
        describe(value)
    with pytest.raises(RecipeError, match=REFUSED):
        identity(dataclasses.replace(RECIPE, loss=partial(MaximumAPosteriori, j=value)))


OWN = """
import dataclasses, keras
WIDTH = 3
DEPTH = 2
def block(x):
    return keras.layers.Dense(WIDTH)(x)
class Twice:
    def __call__(self, x):
        return block(block(x))
def value(x, depth=DEPTH):
    return Twice()(x)
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return Twice()(x)", "return Twice()(x)  # twice"),
        ("WIDTH = 3", "WIDTH = 4"),
        ("DEPTH = 2", "DEPTH = 3"),
        ("Dense(WIDTH)", "Dense(WIDTH, use_bias=False)"),
        ("block(block(x))", "block(x)"),
    ],
    ids=["itself", "constant", "default", "function", "class"],
)
def test_what_a_script_defines_is_its_text_and_all_that_it_uses(before, after, tmp_path):
    described = describe(script(tmp_path, OWN))
    assert described["call"] == "__main__:value" and set(described) == {"call", "source text"}
    assert described == describe(script(tmp_path, OWN + "UNUSED = 1\n"))
    assert described != describe(script(tmp_path, OWN.replace(before, after)))


def test_a_dataclass_of_a_script(tmp_path):
    text = "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass V:\n    n: int = 1\n"
    text += "    def __call__(self, images, seeds):\n        return images\nvalue = V(n=2)\n"
    described = describe(script(tmp_path, text))
    assert described["call"] == "__main__:V" and described["n"] == 2
    assert "class V:" in described["source text"]


def test_what_has_no_text_is_refused():
    names = {"__name__": "__main__"}
    exec("def value(): pass", names)
    with pytest.raises(
        RecipeError, match="source text of value cannot be found, .* into a file or"
    ):
        describe(names["value"])


PRINT_IDENTITIES = """
import pathlib, runpy, sys
from keras_classics.training.fields import fields_of, identity
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    print(path.stem, identity(runpy.run_path(str(path))["RECIPE"]))
"""


def test_identity_is_the_same_in_every_process():
    """Of the recipes that we ship; with another hash seed, so that no set or dict order counts."""
    # A script finds its neighbours, as when Python runs it.
    paths = os.pathsep.join([str(RECIPES), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONHASHSEED": "1998", "PYTHONPATH": paths}
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_IDENTITIES, str(RECIPES)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    elsewhere = dict(line.split() for line in printed.splitlines())
    assert len(elsewhere) >= 2
    for name, found in elsewhere.items():
        recipe = load_recipe(name).RECIPE
        assert found == identity(recipe) == identity(dataclasses.replace(recipe))


def test_identity_does_not_depend_on_the_order_of_arguments():
    one, other = (
        dataclasses.replace(RECIPE, model=partial(lenet5, **options))
        for options in (
            {"activation": "tanh", "output": "softmax"},
            {"output": "softmax", "activation": "tanh"},
        )
    )
    assert identity(one) == identity(other)


CHANGES = {
    "name": "other",
    "dataset": "mnist",
    "shuffle": "every_epoch",
    "learning_rate": 0.2,
    "batch_size": 4,
    "epochs": 2,
    "copies": 2,
    "validation": "test",
    "limit_train": 100,
    "limit_test": 100,
    "initial_weights": CopyLayers("run", layers=("C1",)),
    "auxiliary_weight": 0.3,
    "iterations": 9,
    "keep_epochs": (1,),
    "seed": 1,
    "optimizer": partial(CoupledSGD, momentum=0.9),
    "schedule": PassTable(((1, 1.0),)),
    "model.activation": "relu",
    "model.connections": "full",
    "normalization.padding": 0,
    "train_transforms.0.scale": 0.2,
    "optimizer.momentum": 0.9,
    "loss.j": 2.0,
    "schedule.by": 5,
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_change_is_another_experiment(field):
    changed = vary(RECIPE, {field: CHANGES[field]})
    assert identity(changed) != identity(RECIPE)
    assert describe(RECIPE) == describe(Recipe(**VALUES))  # the old one is as it was


@pytest.mark.parametrize("changes", [{"paper": PAPER}, {"deviations": ("reworded",)}])
def test_words_about_a_recipe_are_not_another_experiment(changes):
    assert identity(vary(RECIPE, changes)) == identity(RECIPE)


def test_vary_changes_what_it_names_and_nothing_else():
    changed = vary(RECIPE, {field: value for field, value in CHANGES.items() if "." in field})
    assert changed.model.keywords == {"activation": "relu", "connections": "full"}
    assert changed.normalization == PixelRange(low=-0.1, high=1.175, padding=0)
    assert changed.train_transforms == (
        RandomAffine(translation=2.0, scale=0.2, squeeze=0.1, shear=0.2),
    )
    assert (changed.optimizer.func, changed.optimizer.keywords) == (CoupledSGD, {"momentum": 0.9})
    assert changed.schedule == Step(at=(1, 2), by=5)
    assert changed.loss.func is MaximumAPosteriori
    assert vary(RECIPE, {}) == RECIPE


def test_vary_keeps_positional_arguments():
    recipe = dataclasses.replace(RECIPE, loss=partial(MaximumAPosteriori, 3.0))
    assert vary(recipe, {"loss.name": "eq_9"}).loss().j == 3.0


def test_vary_judges_the_result_and_not_the_way_there():
    recipe = dataclasses.replace(RECIPE, keep_epochs=(3,))
    assert vary(recipe, {"epochs": 1, "keep_epochs": (1,)}).keep_epochs == (1,)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        *(
            (field, value, "be a positive integer")
            for field in ("epochs", "batch_size", "copies", "gradient_accumulation_steps")
            for value in (0, 2.0, True, "3", None)
        ),
        *(("seed", value, "be an integer of at least 0") for value in (-1, 2.0, True, "3", None)),
        ("seed", 2**32, "be below 2**32"),
        ("epochs", 10**5, "be below 10**5"),
        *((name, 2**31, "be below 2**31") for name in ("batch_size", "copies", "limit_train")),
        *(
            ("learning_rate", value, "be a finite number above 0")
            for value in (0, -0.1, float("nan"), "0.1", True, None)
        ),
        *(
            ("auxiliary_weight", value, "be None or a finite number above 0")
            for value in (0, -0.3, float("inf"), "0.3")
        ),
        *(("initial_weights", value, "be None or a function") for value in (1, "run", ("C1",))),
        ("shuffle", "never", 'be one of "once", "every_epoch"'),
        *(
            ("protocol", value, "be None or a protocol, e.g. TenCrop()")
            for value in ("abc", len, TenCrop)
        ),
        *(
            ("validation", value, 'be a number of training pictures, a share of them or "test"')
            for value in (-1, "train", 1.0, 0.0, -0.1, float("nan"), None)
        ),
        *(
            (field, value, "be None or a positive integer")
            for field in ("limit_train", "iterations")
            for value in (0, 10.0, "10")
        ),
        *(
            ("keep_epochs", value, "be a tuple of epochs from 1 to 3")
            for value in ((0,), (4,), (1.0,), 2, [1])
        ),
    ],
)
def test_refuses_values_out_of_range(field, value, rule):
    message = f"`{field}` must {rule}. Received: {field}={value!r}"
    for build in (
        lambda: Recipe(**{**VALUES, field: value}),
        lambda: vary(RECIPE, {field: value}),
    ):
        with pytest.raises(RecipeError, match=f"^{re.escape(message)}$"):
            build()


FIELDS = ", ".join(list(fields_of(RECIPE))[:12])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("momentum", f"`momentum` cannot be set: there is no 'momentum'; there are {FIELDS}, …."),
        ("epoch", "`epoch` cannot be set: there is no 'epoch'; there are epochs, keep_epochs."),
        (
            "optimizer.beta",
            "`optimizer.beta` cannot be set: there is no 'beta'; there are learning_rate, "
            "momentum, weight_decay, decay, nesterov, rate_factors, name.",
        ),
        (
            "normalization.mean",
            "`normalization.mean` cannot be set: there is no 'mean'; there are low, high, padding.",
        ),
        ("train_transforms.1.scale", "`train_transforms.1.scale` cannot be set: there is no '1'."),
        ("epochs.x", "`epochs.x` cannot be set: there is no 'x'."),
        ("paper.test_error", "`paper.test_error` cannot be set: there is no 'test_error'."),
    ],
)
def test_vary_refuses_names_that_do_not_exist(path, message):
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}$"):
        vary(RECIPE, {path: 1})


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPE.epochs = 1


SPEAKS_OF_J = Deviation("j is not given in the paper: j = 1.", about=("loss.j",))


def test_a_varied_recipe_knows_what_it_changed():
    published = dataclasses.replace(RECIPE, deviations=("plain", SPEAKS_OF_J))
    changed = vary(vary(published, {"loss.j": 10.0, "model.activation": "relu"}), {"epochs": 1})
    assert changes_of(changed) == [
        {"field": "model.activation", "published": "tanh", "here": "relu"},
        {"field": "loss.j", "published": 1.0, "here": 10.0},
        {"field": "epochs", "published": RECIPE.epochs, "here": 1},
    ]
    assert changed.deviations == ("plain",)
    assert identity(changed) == identity(dataclasses.replace(changed, published=None))


def test_a_deviation_can_be_copied_with_its_fields():
    again = pickle.loads(pickle.dumps(SPEAKS_OF_J))
    assert (again, again.about) == (SPEAKS_OF_J, ("loss.j",))


def test_what_decides_nothing_is_no_change():
    published = dataclasses.replace(RECIPE, deviations=(SPEAKS_OF_J,))
    same = {"seed": 7, "keep_epochs": (1,), "loss.j": 1, "name": "mine", "paper": None}
    assert changes_of(vary(published, same)) == []
    assert vary(published, same).deviations == (SPEAKS_OF_J,)


def test_changes_deep_inside_and_of_the_whole():
    changed = vary(RECIPE, {"train_transforms.0.scale": 0.2, "schedule": Constant()})
    assert [(c["field"], c["here"]) for c in changes_of(changed)] == [
        ("train_transforms.0.scale", 0.2),
        ("schedule", describe(Constant())),
    ]
    assert [c["field"] for c in changes_of(vary(RECIPE, {"train_transforms": ()}))] == [
        "train_transforms"
    ]
    assert changes_of(as_published(changed)) == []
