"""A recipe: everything that decides how a network is trained, in one frozen value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from keras_classics import checks
from keras_classics.choices import PRECISIONS
from keras_classics.errors import UserError
from keras_classics.training.schedules import Constant

_UNCHANGED = Constant()


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

    Raises:
        RecipeError: if a value is none of these.
    """

    test_error: float | None
    train_error: float | None
    dataset: str
    examples: int
    what: str
    where: str
    top5_error: float | None = None

    def __post_init__(self) -> None:
        for name in ("test_error", "train_error", "top5_error"):
            if getattr(self, name) is not None:
                checks.number(name, getattr(self, name), 0, 100, RecipeError)
        checks.integer("examples", self.examples, error=RecipeError)
        for name in ("dataset", "what", "where"):
            if not isinstance(getattr(self, name), str):
                checks.refuse(name, "a text", getattr(self, name), RecipeError)

    @classmethod
    def on_imagenet(
        cls, *, test_error: float | None, top5_error: float | None, where: str
    ) -> Published:
        """Returns what a paper reports of the 50,000 validation pictures of ILSVRC-2012.

        Example:
            >>> from keras_classics.training import Published
            >>> Published.on_imagenet(test_error=40.7, top5_error=18.2, where="Table 2").examples
            50000
        """
        return cls(
            test_error=test_error,
            top5_error=top5_error,
            train_error=None,
            dataset="imagenet2012",
            examples=50_000,
            what="validation pictures",
            where=where,
        )


class Deviation(str):
    """A sentence on where a recipe differs from its paper, which names values of the recipe.

    Where `vary` changes one of them, the sentence is no longer true and is left out. A sentence
    that names none is a plain str.

    Args:
        text: the sentence.
        about: the fields that it speaks of, as `vary` names them.

    Example:
        >>> from keras_classics.training import Deviation
        >>> Deviation("j is not given in the paper: j = 1.", about=("loss.j",))
        'j is not given in the paper: j = 1.'
    """

    about: Sequence[str] | str

    def __new__(cls, text: str, about: Sequence[str] | str = ()) -> Deviation:
        sentence = super().__new__(cls, text)
        sentence.about = about
        return sentence


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment. Flat, and without a default for anything that every experiment has to say.

    Functions and classes stand here as themselves (or `functools.partial` of them, or frozen
    dataclasses), not as strings, so that go-to-definition works. A script or a notebook may define
    them itself: their source text is then part of what the recipe is.

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
        drop_last: whether the last batch of an epoch is left out where it is smaller than the
            others.
        iterations: updates after which training stops, where that comes before the end of
            `epochs` and maybe inside an epoch; None for whole epochs.
        paper: the published figures, or None.
        deviations: sentences, one for each point where this differs from the paper; a `Deviation`
            where it names values of the recipe.
        validation: training pictures held out (stratified, the same for every seed), or their
            share, as 0.1, measured after every epoch and at the end: for choosing, so the test
            split is left alone. 0 measures the test split at the end; "test" does so after every
            epoch, as papers plot it, and chooses nothing by it.
        early_stopping: epochs without a lower validation loss after which training ends, where
            pictures are held out; None trains all epochs.
        precision: "float32", or "mixed_float16" or "mixed_bfloat16": Keras' policy for the
            network's layers. The weights stay in float32.
        gradient_accumulation_steps: pieces that each batch is computed in, one after the other, to
            fit into memory; the update is that of the whole batch, but batch normalisation sees
            the pieces.
        sync_batch_norm: where the replicas of a network share a batch, whether batch normalisation
            sees all of it; else each replica's own part, as on the papers' GPUs.
        limit_train: train on this many pictures only (stratified, the same for every seed).
        limit_test: measure this many test pictures only, likewise.
        keep_epochs: epochs, from 1, whose model is kept in `snapshots/`.
        seed: of the weights, the order and the transforms.
        published: the recipe that this one varies, which `paper` and `deviations` speak of; None
            for a published one. `vary` keeps it, and it is no part of a recipe's description.

    Raises:
        RecipeError: if a value is out of range.
    """

    name: str
    model: Callable
    dataset: str
    normalization: Callable
    train_transforms: tuple = ()
    test_transforms: tuple = ()
    protocol: Callable | None = None
    copies: int = 1
    shuffle: str
    loss: Callable
    initial_weights: Callable | None = None
    auxiliary_weight: float | None = None
    optimizer: Callable
    learning_rate: float
    schedule: Callable = _UNCHANGED
    batch_size: int
    epochs: int
    drop_last: bool = False
    iterations: int | None = None
    paper: Published | None = None
    deviations: tuple[str, ...] = ()
    validation: float | str = 0
    early_stopping: int | None = None
    precision: str = "float32"
    gradient_accumulation_steps: int = 1
    sync_batch_norm: bool = False
    limit_train: int | None = None
    limit_test: int | None = None
    keep_epochs: tuple[int, ...] = ()
    seed: int = 0
    published: Recipe | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _is_folder_name(self.name):
            self._refuse("name", "a name for a folder, of letters, digits, _, - and .")
        for name in ("epochs", "batch_size", "copies", "gradient_accumulation_steps"):
            checks.integer(name, getattr(self, name), error=RecipeError)
        checks.integer("seed", self.seed, 0, RecipeError)
        checks.positive("learning_rate", self.learning_rate, RecipeError)
        checks.choice("precision", self.precision, PRECISIONS, RecipeError)
        checks.choice("shuffle", self.shuffle, ("once", "every_epoch"), RecipeError)
        for name in ("drop_last", "sync_batch_norm"):
            checks.choice(name, getattr(self, name), (True, False), RecipeError)
        for name in ("limit_train", "limit_test", "iterations", "early_stopping"):
            if getattr(self, name) is not None and not _is_count(getattr(self, name)):
                self._refuse(name, "None or a positive integer")
        is_test = isinstance(self.validation, str) and self.validation == "test"
        is_share = type(self.validation) is float and 0 < self.validation < 1
        if not is_test and not is_share and not _is_count(self.validation, 0):
            self._refuse("validation", 'a number of training pictures, a share of them or "test"')
        if self.early_stopping is not None and (is_test or not self.validation):
            raise RecipeError(
                "`early_stopping` chooses, and the test split chooses nothing: set `validation` to "
                f"a number of pictures to hold out. It is {self.validation!r}."
            )
        for name, (base, power) in _BOUNDS.items():
            if (getattr(self, name) or 0) >= base**power:
                self._refuse(name, f"below {base}**{power}")
        if not isinstance(self.dataset, str):
            self._refuse("dataset", "the name of a data set")
        if self.auxiliary_weight is not None and not checks.is_positive(self.auxiliary_weight):
            self._refuse("auxiliary_weight", "None or a finite number above 0")
        keeps = isinstance(self.keep_epochs, tuple) and all(map(_is_count, self.keep_epochs))
        if not keeps or max(self.keep_epochs, default=0) > self.epochs:
            self._refuse("keep_epochs", f"a tuple of epochs from 1 to {self.epochs}")
        if not (self.paper is None or isinstance(self.paper, Published)):
            self._refuse("paper", "None or a `Published`")
        is_tuple = isinstance(self.deviations, tuple)
        if not is_tuple or not all(isinstance(one, str) for one in self.deviations):
            self._refuse("deviations", "a tuple of sentences")
        self._check_callables()

    def _check_callables(self):
        for name in ("model", "normalization", "loss", "optimizer", "schedule"):
            if not callable(getattr(self, name)):
                self._refuse(name, "a function or class")
        for name in ("train_transforms", "test_transforms"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(map(callable, value)):
                self._refuse(name, "a tuple of functions")
        for transform in self.train_transforms:
            chunk = getattr(transform, "crop_chunk", 1)
            if checks.is_number(chunk) and chunk > self.batch_size:
                raise RecipeError(
                    f"`crop_chunk` {chunk} is more than a batch: `batch_size` is "
                    f"{self.batch_size}; one picture or two would decide how a whole batch is cut."
                )
        if self.initial_weights is not None and not callable(self.initial_weights):
            self._refuse("initial_weights", "None or a function")
        is_protocol = callable(self.protocol) and hasattr(self.protocol, "check")
        if self.protocol is not None and (not is_protocol or isinstance(self.protocol, type)):
            self._refuse("protocol", "None or a protocol, e.g. TenCrop()")

    def _refuse(self, name, rule):
        checks.refuse(name, rule, getattr(self, name), RecipeError)


def _is_folder_name(value):
    """Whether a run can have its folder under this name, and only there."""
    return isinstance(value, str) and re.fullmatch(r"\w[\w.-]{0,99}", value) is not None


# What the libraries can count; checkpoints are sorted by the five digits of the epoch.
_BOUNDS = {"epochs": (10, 5), "seed": (2, 32)} | dict.fromkeys(
    ("batch_size", "copies", "gradient_accumulation_steps", "iterations", "limit_train"), (2, 31)
)


def _is_count(value, least=1):
    return type(value) is int and value >= least
