"""The networks and options that `test_parity.py` compares with PyTorch; most only with --full."""

from functools import partial

import pytest

full = pytest.mark.full

# Contrast 60 is about that of photographs in grey levels: with it local response normalisation
# divides by far more than its constant, so that all of its numbers matter.
PHOTO = 60.0


def case(name, size, *marks, count=2, contrast=1.0, **options):
    described = "-".join(f"{key}={value}" for key, value in options.items() if "dropout" not in key)
    return pytest.param(
        *(name, size, count, contrast, options),
        id="-".join(filter(None, (name, str(size), described))),
        marks=marks,
    )


alexnet = partial(case, "alexnet", contrast=PHOTO, dropout=0)
alexnet_2012 = partial(case, contrast=PHOTO, dropout=0)
alexnet_cifar = partial(case, "alexnet_cifar", contrast=PHOTO)
googlenet = partial(case, "googlenet", dropout=0, auxiliary_dropout=0)

FEED_FORWARD = [
    alexnet(67),
    alexnet(115, full),
    alexnet(112, full),  # overhang of 3, as at 224
    alexnet(224, full),
    alexnet(227, full),
    alexnet(67, full, towers="merged"),
    alexnet(67, full, towers="merged", halve_kernels=True),
    alexnet(115, full, local_response_norm=False),
    alexnet(115, full, local_response_norm="mean"),
    alexnet(115, full, towers="merged", local_response_norm="mean"),
    alexnet(115, full, overlapping_pooling=False),
    case("alexnet", 67, full, dropout=0, activation="tanh"),
    alexnet(115, full, count=4, batch_norm=True),
    alexnet(115, full, count=4, towers="merged", batch_norm=True),
    alexnet(32, full, stem="cifar"),
    alexnet(32, full, stem="cifar", towers="merged"),
    alexnet_2012("alexnet_145", 67),
    alexnet_2012("alexnet_145_half", 32, stem="cifar"),
    alexnet_2012("alexnet_147", 32, stem="cifar"),
    alexnet_2012("alexnet_150", 32, stem="cifar"),
    alexnet_2012("alexnet_148", 67, full),
    alexnet_2012("alexnet_167", 67, full),
    *(alexnet_2012(f"alexnet_{form}", 224, full) for form in (145, 147, 150)),
    alexnet_cifar(24),
    alexnet_cifar(24, full, local_response_norm=False),
    alexnet_cifar(24, full, unshared=False),
    case("alexnet_cifar", 24, full, activation="tanh"),
    alexnet_cifar(32, full),
    case("vgg16", 32, dropout=0),
    *(case(f"vgg{name}", 32, full, dropout=0) for name in ("11", "13", "16_1x1", "19")),
    case("vgg16", 224, full, dropout=0),
    case("vgg11_lrn", 32, full, contrast=PHOTO, dropout=0),
    case("vgg11_lrn", 64, full, contrast=PHOTO, dropout=0),
    *(
        case(f"vgg{name}", 64, full, count=4, batch_norm=place, dropout=0)
        for name in ("11", "11_lrn", "13", "16_1x1", "16", "19")
        for place in ("conv", "block")
    ),
    googlenet(64, contrast=PHOTO),
    googlenet(96, full, contrast=PHOTO, auxiliary_heads=True),
    googlenet(224, full, contrast=PHOTO, auxiliary_heads=True),
    googlenet(96, full, count=4, batch_norm=True, auxiliary_heads=True),
    googlenet(96, full, count=4, batch_norm=True, use_bias=True, local_response_norm=False),
    googlenet(64, full, local_response_norm=False),
    googlenet(64, full, contrast=PHOTO, use_bias=False),
    googlenet(64, full, contrast=PHOTO, last_module="4e"),
    googlenet(
        64,
        full,
        local_response_norm=False,
        last_module="pool4",
        stem_activation=None,
        average_pooling=False,
    ),
    googlenet(64, full, count=4, batch_norm=True, stem_activation=None),
    googlenet(64, full, contrast=PHOTO, module="naive"),
    googlenet(64, full, count=4, module="naive", batch_norm=True),
    googlenet(32, full, contrast=PHOTO, stem="cifar"),
    googlenet(32, full, contrast=PHOTO, stem="cifar", auxiliary_heads=True),
    googlenet(32, full, count=4, stem="cifar", batch_norm=True, last_module="4e"),
]
SHORTCUTS = ("projection", "identity", "projection_all")
RESIDUAL = [
    case("resnet18", 64, count=4),  # bottlenecks: keras.applications' ResNet50, always
    case("resnet50", 64, full, count=4),
    case("resnet18", 65, full, count=4),  # odd sizes at every stride
    case("resnet50", 224, full, count=2),
    *(
        case(f"resnet{depth}", 64, full, count=4, shortcut=shortcut)
        for depth in (18, 34, 50, 101, 152)
        for shortcut in SHORTCUTS
    ),
    *(
        case(f"resnet{depth}", 64, full, count=4, stride_on="3x3", shortcut=shortcut)
        for depth in (50, 101, 152)
        for shortcut in SHORTCUTS
    ),
    *(case(f"resnet{depth}", 32, full, count=4, stem="cifar") for depth in (18, 34, 50)),
    case("resnet50", 32, full, count=4, stem="cifar", stride_on="3x3", shortcut="identity"),
    *(case(f"plain{depth}", 64, full, count=4) for depth in (18, 34)),
    *(case(f"plain{depth}", 32, full, count=4, stem="cifar") for depth in (18, 34)),
    case("cifar_resnet20", 32, count=4),
    *(
        case(f"cifar_resnet{depth}", 32, full, count=4, shortcut=shortcut)
        for depth in (20, 32, 44, 56, 110)
        for shortcut in SHORTCUTS
    ),
    *(case(f"cifar_resnet{depth}", 32, full, count=4, pad="both") for depth in (20, 110)),
    case("cifar_resnet1202", 32, full, count=2),
    *(case(f"cifar_plain{depth}", 32, full, count=4) for depth in (20, 32, 44, 56, 110)),
]
