"""The transcriptions in PyTorch, which judge our networks, against counts from the papers."""

import pytest
import torch

from tests.models.torch_reference import (
    REFERENCES,
    VGG,
    AlexNet,
    AlexNet2012,
    AlexNetCifar,
    CifarResNet,
    GoogLeNet,
    GroupedAlexNet,
    ResNet,
    local_response_norm,
)

# Trainable parameters with 1000 classes (CIFAR-10's networks: 10) as counted from the papers.
COUNTS = [
    (AlexNet, {}, 60_965_224),
    (AlexNet, {"num_classes": 10}, 56_909_194),
    (GroupedAlexNet, {}, 60_965_224),
    (AlexNet, {"towers": "merged"}, 62_378_344),
    (AlexNet, {"towers": "merged", "halve_kernels": True}, 59_798_312),
    *((AlexNet2012, {"form": form}, 60_965_224) for form in ("145", "147", "148", "167")),
    (AlexNet2012, {"form": "145-half"}, 59_798_312),
    (AlexNet2012, {"form": "150"}, 60_714_408),
    (AlexNetCifar, {}, 1_116_490),
    (VGG, {"configuration": "A"}, 132_863_336),
    (VGG, {"configuration": "A-LRN"}, 132_863_336),
    (VGG, {"configuration": "B"}, 133_047_848),
    (VGG, {"configuration": "C"}, 133_638_952),
    (VGG, {"configuration": "D"}, 138_357_544),
    (VGG, {"configuration": "E"}, 143_667_240),
    (VGG, {"configuration": "E", "batch_norm": "conv"}, 143_678_248),
    (GoogLeNet, {}, 6_998_552),
    (GoogLeNet, {"auxiliary_heads": True}, 13_378_280),
    (GoogLeNet, {"num_classes": 10, "auxiliary_heads": True}, 10_334_030),
    (GoogLeNet, {"batch_norm": True}, 7_005_832),
    (GoogLeNet, {"batch_norm": True, "use_bias": True}, 7_013_112),
    (GoogLeNet, {"module": "naive"}, 97_526_008),
    (ResNet, {"depth": 18, "shortcut": None}, 11_515_688),
    (ResNet, {"depth": 18}, 11_689_512),
    (ResNet, {"depth": 34, "shortcut": "identity"}, 21_623_848),
    (ResNet, {"depth": 34, "shortcut": "projection_all"}, 22_716_840),
    (ResNet, {"depth": 50}, 25_557_032),
    (ResNet, {"depth": 50, "shortcut": "identity"}, 22_780_456),
    (ResNet, {"depth": 50, "shortcut": "projection_all"}, 40_128_552),
    (ResNet, {"depth": 101}, 44_549_160),
    (ResNet, {"depth": 152}, 60_192_808),
    (CifarResNet, {"depth": 20}, 269_722),
    (CifarResNet, {"depth": 20, "shortcut": "projection"}, 272_474),
    (CifarResNet, {"depth": 56}, 853_018),
    (CifarResNet, {"depth": 110}, 1_727_962),
    (CifarResNet, {"depth": 1202}, 19_421_274),
]


def describe(value):
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("network", "options", "count"), COUNTS, ids=describe)
def test_parameters_are_those_of_the_papers(network, options, count):
    with torch.device("meta"):
        built = network(**options)
    assert sum(parameter.numel() for parameter in built.parameters()) == count


@pytest.mark.parametrize(
    ("name", "convolutions"),
    [
        *(("alexnet", 10), ("alexnet_cifar", 2), ("googlenet", 57)),
        *(("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)),
        # Two or three in a block, one in front, and a projection where dimensions change.
        *(("resnet18", 20), ("plain18", 17), ("resnet50", 53), ("resnet152", 155)),
        *(("cifar_resnet20", 19), ("cifar_plain110", 109), ("cifar_resnet1202", 1201)),
    ],
)
def test_convolutions(name, convolutions):
    with torch.device("meta"):
        network = REFERENCES[name](10, 224 if name != "alexnet_cifar" else 24)
    assert sum(isinstance(m, torch.nn.Conv2d) for m in network.modules()) == convolutions


@pytest.mark.parametrize("mean", [False, True])
def test_local_response_norm_is_pytorchs_with_another_alpha(mean):
    """PyTorch divides α by n = 5, the formula of section 3.3 does not."""
    x = 60 * torch.randn(2, 48, 3, 3)
    alpha = 1e-4 if mean else 5e-4
    torch.testing.assert_close(
        local_response_norm(x, mean=mean),
        torch.nn.functional.local_response_norm(x, 5, alpha, 0.75, 2.0),
    )


@pytest.mark.parametrize("normalized", [True, False])
def test_groups_compute_what_towers_compute(normalized):
    towers = AlexNet(7, 67, local_response_norm=normalized).eval()
    grouped = GroupedAlexNet(7, 67, local_response_norm=normalized).eval()
    state = {}
    for name, value in towers.state_dict().items():
        whole = name.replace("_a.", ".").replace("_b.", ".")
        state[whole] = torch.cat([state[whole], value]) if whole in state else value
    grouped.load_state_dict(state)
    x = 60 * torch.randn(2, 3, 67, 67)
    with torch.no_grad():
        torch.testing.assert_close(grouped(x), towers(x))
