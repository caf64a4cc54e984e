"""The classic convolutional networks, exactly as their papers describe them, on any Keras backend.

Names are resolved on first use (PEP 562), so `import keras_classics` costs next to nothing and
imports no backend by itself.
"""

import importlib
import importlib.abc
import importlib.util
import sys

__version__ = "0.1.0"

# Module of `models/` -> the networks that it builds.
_BUILDERS = {
    "lenet": ("lenet5",),
    "mnist_cnn": ("mnist_cnn",),
    "alexnet": ("alexnet",),
    "alexnet_cifar": ("alexnet_cifar",),
    "vgg": (
        "vgg11",
        "vgg11_lrn",
        "vgg13",
        "vgg16_1x1",
        "vgg16",
        "vgg19",
    ),
    "googlenet": ("googlenet",),
    "resnet": (
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "plain18",
        "plain34",
    ),
    "cifar_resnet": (
        "cifar_resnet20",
        "cifar_resnet32",
        "cifar_resnet44",
        "cifar_resnet56",
        "cifar_resnet110",
        "cifar_resnet1202",
        "cifar_plain20",
        "cifar_plain32",
        "cifar_plain44",
        "cifar_plain56",
        "cifar_plain110",
    ),
}
# Public name -> module that defines it.
_EXPORTS = {
    **{
        name: f"{__name__}.models.{module}" for module, names in _BUILDERS.items() for name in names
    },
    "export": f"{__name__}.export",
    "fully_convolutional": f"{__name__}.models.fully_convolutional",
    "list_models": f"{__name__}.zoo",
    "get_model": f"{__name__}.zoo",
    "model_card": f"{__name__}.zoo",
}
_SUBMODULES = (
    "data", "evaluation", "layers", "models", "report", "runs", "shipped", "training", "weights",
    "zoo",
)  # fmt: skip

__all__ = ["__version__", *_EXPORTS, *_SUBMODULES]


def __getattr__(name):
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))


class _RegisterAfterKeras(importlib.abc.MetaPathFinder):
    """Imports our layers right after Keras, so that `keras.models.load_model` knows them.

    Keras finds a saved layer by its registered name and imports nobody's modules to look for it.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("keras")
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                importlib.import_module(f"{__name__}.layers")

            spec.loader.exec_module = execute_and_register
        return spec


if "keras" in sys.modules:
    importlib.import_module(f"{__name__}.layers")
else:
    sys.meta_path.insert(0, _RegisterAfterKeras())
