"""AlexNet as the authors' code of 2012 has it, in the forms whose errors its logs hold.

The code has been public since 2025 (computerhistory/AlexNet-Source-Code). There, a file
layers/layers-N.cfg is a network, and layer-params-N.cfg how it was trained and what came out.

    builder            what it is                                      parameters   top-1, top-5 %
    alexnet_145        the network; Table 2 of the paper, 1 CNN        60,965,224   40.66, 18.21
    alexnet_145_half   one column, conv1 … conv4 halved (§3.2)         59,798,312   39.17, 18.23
    alexnet_147        windows of 2×2 (§3.4)                           60,965,224   41.06, 18.51
    alexnet_148        no normalisation, neither of the two (§3.3)     60,965,224   42.03, 19.36
    alexnet_150        columns that meet in fc8 only, wider for it     60,714,408   41.83, 19.33
    alexnet_167        no normalisation behind conv2                   60,965,224   40.49, 18.12

The errors are those of ten crops of the pictures of ILSVRC-2012's validation; of ILSVRC-2010's test
for the half network, beside which the whole one had 37.47 and 17.00 % (layer-params-145-2010.cfg).
Of the first, the logs of 147, 148 and 150 name crops and validation, that of 167 the crops, that of
145 neither, and the year stands beside 150 alone: the rest is an inference. 167 was trained by
another schedule than the others.

All are `alexnet(edition="code_2012")` with the options that `FORMS` names. How that differs from
the network of the paper:

           paper                        code_2012
    conv1  ReLU, LRN, pool              LRN with α / n, pool, ReLU
    conv2  ReLU, LRN, pool              ReLU, LRN with α / n, SRN within each map over 5×5, pool
    conv5  ReLU, pool                   pool, ReLU: the same function
    start  N(0, 0.01²) everywhere       N(0, 0.03²) in conv3, conv4 and conv5
    2×2    pool by `overlapping_pooling=False`
           55, 27, 27, 13, 13, 6        55, 28, 26, 13, 11, 6: windows overhang, conv2 has a border
                                        of one pixel and conv5 none
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras

from keras_classics.models.alexnet import alexnet
from keras_classics.models.common import variant

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Weights

# What each layers-N.cfg changes of layers-145.cfg, as options of `alexnet`.
FORMS: dict[str, dict[str, Any]] = {
    "145": {},
    "145-half": {"towers": "merged", "halve_kernels": True},
    "147": {"overlapping_pooling": False},
    "148": {"local_response_norm": False, "spatial_response_norm": False},
    "150": {"towers_meet": False},
    "167": {"normalize_conv2": False},
}


def _alexnet_2012(
    _form: str,
    /,
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "alexnet",
    dropout: float = 0.5,
    stem: Literal["imagenet", "cifar"] = "imagenet",
) -> keras.Model:
    """Builds one of the forms.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one square picture without the batch, with any number of channels;
            (224, 224, 3) unless told, (32, 32, 3) with `stem="cifar"`.
        include_top: whether the network ends in fc6, fc7, fc8, or in the last pooling.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of fc8; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.
        dropout: rate behind fc6 and fc7.
        stem: "imagenet", or "cifar": a first convolution of 5×5/1.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small or
            not square.

    Reference:
        Krizhevsky et al. 2012, section 3, and layers/layers-N.cfg of the authors' code.

    Example:
        >>> import keras_classics
        >>> keras_classics.alexnet_147(10).get_layer("pool1_a").output.shape
        (None, 28, 28, 48)
    """
    return alexnet(
        num_classes,
        input_shape=input_shape,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
        dropout=dropout,
        stem=stem,
        edition="code_2012",
        **FORMS[_form],
    )


@variant(_alexnet_2012, "145")
def alexnet_145() -> keras.Model:
    """Builds configuration 145, `alexnet(edition="code_2012")`: the one behind Table 2."""


@variant(_alexnet_2012, "145-half")
def alexnet_145_half() -> keras.Model:
    """Builds configuration 145-half: a column, conv1 … conv4 halved; 59,798,312 parameters."""


@variant(_alexnet_2012, "147")
def alexnet_147() -> keras.Model:
    """Builds configuration 147: pooling windows of 2×2, which do not overlap."""


@variant(_alexnet_2012, "148")
def alexnet_148() -> keras.Model:
    """Builds configuration 148: no normalisation, neither across maps nor within them."""


@variant(_alexnet_2012, "150")
def alexnet_150() -> keras.Model:
    """Builds configuration 150: two wider columns that meet in fc8 only; 60,714,408 parameters."""


@variant(_alexnet_2012, "167")
def alexnet_167() -> keras.Model:
    """Builds configuration 167: conv2 without its two normalisations."""
