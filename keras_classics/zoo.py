"""The networks of this package as plain data, readable without importing a backend."""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_classics import EXPORTS, checks, shipped
from keras_classics.network_figures import MULTIPLY_ADDS

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of a network before building it.

    Args:
        name: the builder's name in `keras_classics`.
        builder: "module:function", imported on demand.
        paper: authors, title, year and section; or what the network is, where there is no paper.
        year: of publication, or None.
        input_shape: default, channels last.
        parameters: trainable ones, with the default head.
        multiply_adds: of its convolutions and dense layers for one picture of that size.
        test_error: published, in percent (top-1 for ImageNet); None where there is none.
        top5_error: published, in percent; None where there is none.
        test_data: what those errors were measured on, and how.
        weights: names that the builder's `weights` knows.
        preprocessing: the pixels that those weights expect; None where there are none.
    """

    name: str
    builder: str
    paper: str
    year: int | None
    input_shape: tuple[int, int, int]
    parameters: int
    multiply_adds: int
    test_error: float | None
    top5_error: float | None = None
    test_data: str | None
    weights: tuple[str, ...] = ()
    preprocessing: str | None = None

    @property
    def bibtex(self) -> str | None:
        """The BibTeX entry of the paper; None where there is none.

        Example:
            >>> from keras_classics import model_card
            >>> model_card("lenet5").bibtex.splitlines()[0]
            '@article{lecun1998gradient,'
        """
        if (entry := _entry_of(self.builder)) is None:
            return None
        kind, key, fields = entry
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        return "\n".join([f"@{kind}{{{key},", *lines, "}"])


class Paper(NamedTuple):
    """A paper, in plain text.

    Attributes:
        title: as it is printed.
        authors: their names, the given ones first.
        venue: where it appeared.
        year: when.
        url: where it can be read.
    """

    title: str
    authors: tuple[str, ...]
    venue: str
    year: str
    url: str


_ALEXNET = (
    "inproceedings",
    "krizhevsky2012imagenet",
    {
        "author": "Krizhevsky, Alex and Sutskever, Ilya and Hinton, Geoffrey E.",
        "title": "{ImageNet} Classification with Deep Convolutional Neural Networks",
        "booktitle": "Advances in Neural Information Processing Systems 25",
        "pages": "1097--1105",
        "year": "2012",
        "url": "https://proceedings.neurips.cc/paper/2012/hash/"
        "c399862d3b9d6b76c8436e924a68c45b-Abstract.html",
    },
)
_RESNET = (
    "inproceedings",
    "he2016deep",
    {
        "author": "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "title": "Deep Residual Learning for Image Recognition",
        "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition",
        "pages": "770--778",
        "year": "2016",
        "url": "https://arxiv.org/abs/1512.03385",
    },
)
# Module of `models/` -> kind, key and fields of its paper's BibTeX entry.
_ENTRIES = {
    "lenet": (
        "article",
        "lecun1998gradient",
        {
            "author": "LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and Haffner, Patrick",
            "title": "Gradient-Based Learning Applied to Document Recognition",
            "journal": "Proceedings of the IEEE",
            "volume": "86",
            "number": "11",
            "pages": "2278--2324",
            "year": "1998",
            "url": "https://doi.org/10.1109/5.726791",
        },
    ),
    "alexnet": _ALEXNET,
    "alexnet_2012": _ALEXNET,
    "alexnet_cifar": _ALEXNET,
    "vgg": (
        "inproceedings",
        "simonyan2015very",
        {
            "author": "Simonyan, Karen and Zisserman, Andrew",
            "title": "Very Deep Convolutional Networks for Large-Scale Image Recognition",
            "booktitle": "International Conference on Learning Representations",
            "note": "arXiv:1409.1556",
            "year": "2015",
            "url": "https://arxiv.org/abs/1409.1556",
        },
    ),
    "googlenet": (
        "inproceedings",
        "szegedy2015going",
        {
            "author": "Szegedy, Christian and Liu, Wei and Jia, Yangqing and Sermanet, Pierre and "
            "Reed, Scott and Anguelov, Dragomir and Erhan, Dumitru and Vanhoucke, Vincent and "
            "Rabinovich, Andrew",
            "title": "Going Deeper with Convolutions",
            "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition",
            "pages": "1--9",
            "year": "2015",
            "url": "https://arxiv.org/abs/1409.4842",
        },
    ),
    "resnet": _RESNET,
    "cifar_resnet": _RESNET,
}


def paper_of(builder: str) -> Paper | None:
    """Returns the paper of a builder of this package; None of any other, or without a paper.

    Args:
        builder: "module:function".

    Example:
        >>> from keras_classics.zoo import paper_of
        >>> paper_of("keras_classics.models.lenet:lenet5").authors[1:3]
        ('Léon Bottou', 'Yoshua Bengio')
    """
    if (entry := _entry_of(builder)) is None:
        return None
    fields = {
        name: re.sub("[{}]", "", text.replace("{\\'e}", "é")) for name, text in entry[2].items()
    }
    names = (name.split(", ") for name in fields["author"].split(" and "))
    return Paper(
        title=fields["title"],
        authors=tuple(f"{given} {family}" for family, given in names),
        venue=fields.get("journal") or fields["booktitle"],
        year=fields["year"],
        url=fields["url"],
    )


def _entry_of(builder):
    package, _, module = builder.partition(":")[0].rpartition(".")
    return _ENTRIES.get(module) if package == f"{__package__}.models" else None


_CAFFE_PIXELS = (
    "blue, green, red in 0 … 255 minus (103.939, 116.779, 123.68), nothing divided: "
    "`preprocess_input` of keras.applications.vgg16 and .resnet"
)
# Of the weights that come with the package; their cards have the same as `normalization`.
_SHIPPED_PIXELS = {
    "lenet5": "light ink on dark, p of 0 … 255 with two of 0 on every side, as −0.1 + 1.275·p/255",
    "mnist_cnn": "light ink on dark, p of 0 … 255, as −0.4242 + 3.2457·p/255",
    "cifar_resnet20": "red, green, blue in 0 … 255 minus the training pictures' mean, which the "
    "saved model holds",
}
_VALIDATION = "ILSVRC-2012 validation"


def _card(name, paper, year, parameters, error, test_data, *, top5=None, side=224, **more):
    if names := shipped.names(name):
        more |= {"weights": names, "preprocessing": _SHIPPED_PIXELS.get(name)}
    return ModelCard(
        name=name,
        builder=f"{EXPORTS[name]}:{name}",
        paper=paper,
        year=year,
        parameters=parameters,
        multiply_adds=MULTIPLY_ADDS[name],
        test_error=error,
        top5_error=top5,
        test_data=test_data,
        **{"input_shape": (side, side, 3), **more},
    )


def _lenet_era():
    yield _card(
        "lenet5",
        'LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document '
        'Recognition", section II-B',
        1998,
        60_000,
        0.95,
        "MNIST, 10,000 digits",
        input_shape=(32, 32, 1),
    )
    yield _card(
        "mnist_cnn",
        "a small network that tutorials use; there is no paper",
        None,
        50_186,
        None,
        None,
        input_shape=(28, 28, 1),
    )


def _alexnets():
    paper = (
        'Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural '
        'Networks", section '
    )
    yield _card(
        "alexnet",
        paper + "3",
        2012,
        60_965_224,
        40.7,
        f"{_VALIDATION}, one network, 10 crops (Table 2)",
        top5=18.2,
    )
    # Errors: the ends of the code's layers/layer-params-N.cfg, ten crops each.
    for form, parameters, top1, top5, test_data in (
        ("145", 60_965_224, 40.6640, 18.2100, _VALIDATION),
        ("145-half", 59_798_312, 39.1680, 18.2287, "ILSVRC-2010 test"),
        ("147", 60_965_224, 41.0580, 18.5100, _VALIDATION),
        ("148", 60_965_224, 42.0340, 19.3620, _VALIDATION),
        ("150", 60_714_408, 41.8280, 19.3300, _VALIDATION),
        ("167", 60_965_224, 40.4880, 18.1180, _VALIDATION),
    ):
        yield _card(
            f"alexnet_{form}".replace("-", "_"),
            f"{paper}3, as layers-{form}.cfg of the authors' code has it",
            2012,
            parameters,
            top1,
            f"{test_data}, one network, 10 crops (the log in layer-params-{form}.cfg)",
            top5=top5,
        )
    yield _card(
        "alexnet_cifar",
        paper + "3.3",
        2012,
        1_116_490,
        11.0,
        "CIFAR-10, 10,000 pictures",
        side=24,
    )


def _vggs():
    paper = (
        'Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image '
        'Recognition", Table 1, '
    )
    # Parameters, and the best row of each network in Table 3.
    for name, configuration, parameters, top1, top5 in (
        ("vgg11", "A", 132_863_336, 29.6, 10.4),
        ("vgg11_lrn", "A-LRN", 132_863_336, 29.7, 10.5),
        ("vgg13", "B", 133_047_848, 28.7, 9.9),
        ("vgg16_1x1", "C", 133_638_952, 27.3, 8.8),
        ("vgg16", "D", 138_357_544, 25.6, 8.1),
        ("vgg19", "E", 143_667_240, 25.5, 8.0),
    ):
        published = name in ("vgg16", "vgg19")
        yield _card(
            name,
            paper + configuration,
            2014,
            parameters,
            top1,
            f"{_VALIDATION}, dense, one scale (Table 3)",
            top5=top5,
            weights=("imagenet",) if published else (),
            preprocessing=_CAFFE_PIXELS if published else None,
        )


def _googlenets():
    yield _card(
        "googlenet",
        'Szegedy et al., "Going Deeper with Convolutions", Table 1',
        2014,
        6_998_552,
        None,
        f"{_VALIDATION}, one network, 144 crops (Table 3)",
        top5=7.89,
    )


_RESNET_PAPER = 'He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", '


def _resnets():
    ten_crops = f"{_VALIDATION}, 10 crops (Tables 2 and 3)"
    for name, parameters, top1, top5, test_data in (
        ("resnet18", 11_689_512, 27.88, None, ten_crops + ', shortcut="identity"'),
        ("resnet34", 21_797_672, 24.52, 7.46, ten_crops),
        ("resnet50", 25_557_032, 22.85, 6.71, ten_crops),
        ("resnet101", 44_549_160, 21.75, 6.05, ten_crops),
        ("resnet152", 60_192_808, 21.43, 5.71, ten_crops),
        ("plain18", 11_515_688, 27.94, None, ten_crops),
        ("plain34", 21_623_848, 28.54, 10.02, ten_crops),
    ):
        published = name in ("resnet50", "resnet101", "resnet152")
        yield _card(
            name,
            _RESNET_PAPER + "Table 1",
            2015,
            parameters,
            top1,
            test_data,
            top5=top5,
            weights=("imagenet",) if published else (),
            preprocessing=_CAFFE_PIXELS if published else None,
        )


def _cifar_resnets():
    for depth, parameters, residual_error, plain_error in (
        (20, 269_722, 8.75, 9.7),
        (32, 464_154, 7.51, 10.1),
        (44, 658_586, 7.17, 11.4),
        (56, 853_018, 6.97, 13.2),
        (110, 1_727_962, 6.43, None),
        (1202, 19_421_274, 7.93, None),
    ):
        for kind, error, where in (
            ("resnet", residual_error, "Table 6"),
            ("plain", plain_error, "read off Fig. 6" if plain_error else "above 60 %, not drawn"),
        ):
            if (kind, depth) != ("plain", 1202):
                yield _card(
                    f"cifar_{kind}{depth}",
                    _RESNET_PAPER + "section 4.2",
                    2015,
                    parameters,
                    error,
                    f"CIFAR-10, 10,000 pictures ({where})",
                    side=32,
                )


_CARDS = (
    *_lenet_era(),
    *_alexnets(),
    *_vggs(),
    *_googlenets(),
    *_resnets(),
    *_cifar_resnets(),
)
_BY_NAME = {card.name: card for card in _CARDS}


def list_models(pattern: str = "*") -> list[str]:
    """Returns the names of the networks.

    Args:
        pattern: shell pattern, e.g. "lenet*".

    Returns:
        List of str.

    Raises:
        ValueError: if the pattern is no text.

    Example:
        >>> from keras_classics import list_models
        >>> list_models("lenet*")
        ['lenet5']
    """
    if not isinstance(pattern, str):
        checks.refuse("pattern", "a text", pattern)
    return [card.name for card in _CARDS if fnmatch(card.name, pattern)]


def model_card(name: str) -> ModelCard:
    """Returns the card of a network.

    Args:
        name: as in `list_models()`.

    Returns:
        `ModelCard`.

    Raises:
        ValueError: if there is no such network.

    Example:
        >>> from keras_classics import model_card
        >>> model_card("lenet5").parameters
        60000
    """
    if not isinstance(name, str) or name not in _BY_NAME:
        close = difflib.get_close_matches(name, _BY_NAME) if isinstance(name, str) else ()
        hint = ", ".join(close) or "see list_models()"
        checks.refuse("name", f"a network of this package ({hint})", name)
    return _BY_NAME[name]


def get_model(name: str, /, **options: Any) -> keras.Model:
    """Builds a network by name.

    Args:
        name: as in `list_models()`.
        **options: those of its builder.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if there is no such network or option, or an option is out of range.

    Example:
        >>> from keras_classics import get_model
        >>> get_model("lenet5", output="softmax", num_classes=26).output_shape
        (None, 26)
    """
    module, _, function = model_card(name).builder.partition(":")
    builder = getattr(importlib.import_module(module), function)
    legal = list(inspect.signature(builder).parameters)
    for option in options:
        if option not in legal:
            close = difflib.get_close_matches(option, legal) or legal
            raise ValueError(f"`{name}` has no option `{option}`. It has: {', '.join(close)}.")
    return builder(**options)
