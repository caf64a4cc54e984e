"""A recipe: everything that decides how a network is trained, in one frozen value."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from keras_classics.errors import UserError


class RecipeError(UserError, ValueError):
    """A recipe that cannot be run; the message is one sentence for its user."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the paper reports, in percent, to stand beside a run's own figures.

    Args:
        test_error: error on the test set, or None.
        train_error: error on the training set, or None.
        dataset: data set that the figures are of, as `Recipe.dataset` names it.
        examples: size of its test set.
        what: what the examples are, e.g. "digits".
        where: table, figure or section.
        top5_error: share of test pictures whose class is not among the five most probable, or None.
    """

    test_error: float | None
    train_error: float | None
    dataset: str
    examples: int
    what: str
    where: str
    top5_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment. Flat, and without a default for anything that a paper specifies.

    Functions and classes stand here as themselves (or `functools.partial` of them, or frozen
    dataclasses), not as strings, so that go-to-definition works.

    Args:
        name: of the recipe; also the folder of its runs.
        model: builder of the network, called with `num_classes` and `classifier_activation=None`.
        dataset: name of the data, see `keras_classics.data.sources.load`.
        normalization: called with the training source, returns the layer in front of the network.
        train_transforms: functions (images, seeds) -> images, see `keras_classics.data.transforms`.
        test_transforms: those that bring a picture to the network's size without drawing anything;
            for validation, for the mean image, and for the final measurement without `protocol`.
        protocol: how the final measurement looks at a picture, see
            `keras_classics.evaluation.protocols`; None for once, behind `test_transforms`.
        copies: 1 redraws the transforms in every epoch; more trains on a fixed set of originals
            and `copies` − 1 transformed copies of each, see `one_pass_of_copies`.
        shuffle: "once", one random order for all epochs, or "every_epoch".
        loss: called without arguments, returns a Keras loss on logits.
        initial_weights: called with the network before its training begins, to change weights
            that its builder drew, see `keras_classics.training.initial_weights`; None keeps them.
        auxiliary_weight: of the losses of a network's auxiliary heads beside that of its `main`
            output; None for a network without. The heads train; nothing else uses them.
        optimizer: called with `learning_rate`, returns a Keras optimizer. Where it averages the
            weights (`use_ema=True`), the averages are validated and saved.
        learning_rate: before the schedule's factor.
        schedule: (epoch, history, iteration) -> factor of the learning rate, see
            `keras_classics.training.schedules`.
        batch_size: patterns in an update.
        epochs: passes over the training data.
        iterations: updates after which training stops, where that comes before the end of
            `epochs` and maybe inside an epoch; None for whole epochs.
        paper: the published figures, or None.
        deviations: sentences, one for each point where this differs from the paper.
        validation: training pictures held out (stratified, the same for every seed), measured
            after every epoch and at the end: for choosing, so the test split is left alone. 0
            measures the test split at the end; "test" does so after every epoch, as papers plot
            it, and chooses nothing by it.
        precision: "float32", or "mixed_float16" or "mixed_bfloat16": Keras' policy for the
            network's layers. The weights stay in float32.
        gradient_accumulation_steps: pieces that each batch is computed in, one after the other, to
            fit into memory; the update is that of the whole batch, but batch normalisation sees
            the pieces.
        sync_batch_norm: where the replicas of a network share a batch, whether batch normalisation
            sees all of it; else each replica's own part, as on the papers' GPUs.
        limit_train: train on this many pictures only (stratified, the same for every seed).
        keep_epochs: epochs, from 1, whose model is kept in `snapshots/`.
        seed: of the weights, the order and the transforms.

    Raises:
        RecipeError: if a value is out of range.
    """

    name: str
    model: Callable
    dataset: str
    normalization: Callable
    train_transforms: tuple
    test_transforms: tuple = ()
    protocol: Callable | None = None
    copies: int = 1
    shuffle: str
    loss: Callable
    initial_weights: Callable | None = None
    auxiliary_weight: float | None = None
    optimizer: Callable
    learning_rate: float
    schedule: Callable
    batch_size: int
    epochs: int
    iterations: int | None = None
    paper: Published | None
    deviations: tuple[str, ...]
    validation: int | str = 0
    precision: str = "float32"
    gradient_accumulation_steps: int = 1
    sync_batch_norm: bool = False
    limit_train: int | None = None
    keep_epochs: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self):
        integers = ("epochs", "batch_size", "copies", "gradient_accumulation_steps")
        for field, least in (*((name, 1) for name in integers), ("seed", 0)):
            self._check(field, f"be an integer of at least {least}", _is_integer(least))
        for field in ("model", "normalization", "loss", "optimizer", "schedule"):
            self._check(field, "be a function or class", callable)
        for field in ("train_transforms", "test_transforms"):
            self._check(
                field,
                "be a tuple of functions",
                lambda v: isinstance(v, tuple) and all(map(callable, v)),
            )
        self._check("dataset", "be the name of a data set", lambda v: isinstance(v, str))
        self._check("learning_rate", "be a finite number above 0", _is_positive)
        self._check("initial_weights", "be None or a function", lambda v: v is None or callable(v))
        self._check(
            "auxiliary_weight",
            "be None or a finite number above 0",
            lambda v: v is None or _is_positive(v),
        )
        self._check("seed", "be below 2**32", lambda v: v < 2**32)
        self._check("precision", f"be one of {', '.join(PRECISIONS)}", lambda v: v in PRECISIONS)
        self._check("sync_batch_norm", "be True or False", lambda v: isinstance(v, bool))
        self._check("shuffle", 'be "once" or "every_epoch"', ("once", "every_epoch").__contains__)
        self._check(
            "validation",
            'be a number of training pictures or "test"',
            lambda v: v == "test" or _is_integer(0)(v),
        )
        for field in ("limit_train", "iterations"):
            self._check(field, "be None or at least 1", lambda v: v is None or _is_integer(1)(v))
        self._check(
            "keep_epochs",
            f"list epochs from 1 to {self.epochs}",
            lambda v: (
                isinstance(v, tuple) and all(_is_integer(1)(e) and e <= self.epochs for e in v)
            ),
        )

    def _check(self, field, rule, accepts):
        value = getattr(self, field)
        if not accepts(value):
            raise RecipeError(f"`{field}` must {rule}. Received: {field}={value!r}")


PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
_LATER_FIELDS = (
    "test_transforms",
    "protocol",
    "initial_weights",
    "auxiliary_weight",
    "iterations",
    "precision",
    "gradient_accumulation_steps",
    "sync_batch_norm",
)


def _is_integer(least):
    return lambda value: type(value) is int and value >= least


def _is_positive(value):
    return type(value) in (int, float) and 0 < value < math.inf


def describe(value):
    """Returns a value of a recipe as plain JSON data, the same in every process.

    Args:
        value: a plain value, a tuple, list or dict of values, an importable function or class, a
            partial of one, or a dataclass.

    Returns:
        JSON data; functions as {"call": "module:name", argument: value, …}.

    Raises:
        RecipeError: for a value that another process could not find again: a lambda, a function
            inside a function, or one that the recipe script itself defines.

    Example:
        >>> from functools import partial
        >>> from keras_classics.training.recipe import describe
        >>> describe(partial(round, ndigits=2))
        {'call': 'builtins:round', 'ndigits': 2}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, partial):
        positional = {"args": describe(value.args)} if value.args else {}
        return {**describe(value.func), **positional, **describe(value.keywords)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {**describe(type(value)), **describe(fields)}
    name = getattr(value, "__qualname__", None)
    if name is None or not name.isidentifier() or value.__module__ == "__main__":
        raise RecipeError(
            f"A recipe may hold importable functions and classes, partials of them and frozen "
            f"dataclasses, but not {value!r}; move it into a module."
        )
    return {"call": f"{value.__module__}:{name}"}


def identity(recipe):
    """Returns the sha256 of what decides a run's result: equal for equal experiments.

    The published figures and the list of deviations are words about it, and may be reworded.

    Args:
        recipe: a `Recipe`.

    Returns:
        str of 64 hexadecimal digits.
    """
    text = json.dumps(decisive(recipe), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def decisive(recipe):
    """Returns the described fields that `identity` is made of.

    Fields that came later count only where they are used: a run from before them can go on.
    """
    fields = {k: v for k, v in describe(recipe).items() if k not in ("paper", "deviations")}
    later = [f for f in dataclasses.fields(recipe) if f.name in _LATER_FIELDS]
    unused = {f.name for f in later if fields[f.name] == describe(f.default)}
    return {k: v for k, v in fields.items() if k not in unused}
