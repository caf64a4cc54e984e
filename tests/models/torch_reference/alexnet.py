"""AlexNet (Krizhevsky et al. 2012, section 3 and figure 2), and its four layers for CIFAR-10."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.models.torch_reference import primitives
from tests.models.torch_reference.primitives import drop_units, flatten, max_pool_round_up

# Kernel size and number of kernels of the five convolutions, over both towers.
CONVOLUTIONS = ((11, 96), (5, 256), (3, 384), (3, 384), (3, 256))


class AlexNet(nn.Module):
    """Both towers as networks of their own, which meet at conv3 and at the dense layers."""

    def __init__(
        self,
        num_classes=1000,
        size=224,
        *,
        towers="separate",
        halve_kernels=False,
        local_response_norm=True,
        batch_norm=False,
        overlapping_pooling=True,
        activation="relu",
        dropout=0.5,
        inverted_dropout=False,
        stem="imagenet",
    ):
        super().__init__()
        self.inverted = inverted_dropout
        self.towers = ("_a", "_b") if towers == "separate" else ("",)
        count = len(self.towers)
        self.stem, self.dropout = stem, dropout
        self.lrn, self.overlapping = local_response_norm, overlapping_pooling
        self.activation = getattr(torch, activation)
        channels = 3
        for number, (kernel, filters) in enumerate(CONVOLUTIONS, start=1):
            if halve_kernels and number < 5:  # "one-half as many kernels", the last excepted
                filters //= 2
            filters //= count
            if number == 3:
                channels *= count
            stride, padding = 1, kernel // 2
            if number == 1 and stem == "imagenet":
                stride, padding = 4, 0
            elif number == 1:
                kernel, padding = 5, 2
            for tower in self.towers:
                conv = nn.Conv2d(channels, filters, kernel, stride, padding)
                self.add_module(f"conv{number}{tower}", conv)
                if batch_norm:
                    self.add_module(f"conv{number}{tower}_bn", primitives.batch_norm(filters))
            channels = filters
        side = self._side_of_pool5(size)
        units = count * channels * side * side
        for tower in self.towers:
            self.add_module(f"fc6{tower}", nn.Linear(units, 4096 // count))
            self.add_module(f"fc7{tower}", nn.Linear(4096, 4096 // count))
        self.fc8 = nn.Linear(4096, num_classes)

    def _side_of_pool5(self, size):
        side = size if self.stem == "cifar" else -(-(size - 11) // 4) + 1
        for _ in range(3):
            side = -(-(side - 3) // 2) + 1 if self.overlapping else side // 2
        return side

    def _stage(self, number, tower, x):
        name = f"conv{number}{tower}"
        x = self.get_submodule(name)(x)
        if hasattr(self, f"{name}_bn"):
            x = self.get_submodule(f"{name}_bn")(x)
        x = self.activation(x)
        if self.lrn and number < 3:
            x = self._normalize(x)
        if number in (1, 2, 5):
            x = max_pool_round_up(x) if self.overlapping else F.max_pool2d(x, 2, 2)
        return x

    def _normalize(self, x):
        return primitives.local_response_norm(x, mean=self.lrn == "mean")

    def forward(self, x):
        if self.stem == "imagenet":
            # The author's code rounds up: the last window overhangs the picture by 3 zeros at 224.
            overhang = -(x.shape[2] - 11) % 4
            x = F.pad(x, (0, overhang, 0, overhang))
        maps = [x] * len(self.towers)
        for number in range(1, 6):
            if number == 3:  # "the kernels of layer 3 take input from all kernel maps in layer 2"
                maps = [torch.cat(maps, 1)] * len(maps)
            pairs = zip(self.towers, maps, strict=True)
            maps = [self._stage(number, tower, x) for tower, x in pairs]
        x = flatten(torch.cat(maps, 1))
        for number in (6, 7):
            halves = [self.get_submodule(f"fc{number}{tower}")(x) for tower in self.towers]
            x = self.activation(torch.cat(halves, 1))
            x = drop_units(x, self.dropout, self.training, self.inverted)
        return self.fc8(x)


class GroupedAlexNet(AlexNet):
    """The two towers as groups of one network's convolutions, as most ports have them."""

    def __init__(self, num_classes=1000, size=224, **options):
        super().__init__(num_classes, size, towers="merged", **options)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)

    def _normalize(self, x):  # the neighbours of a channel are those of its own tower
        return torch.cat([AlexNet._normalize(self, half) for half in x.chunk(2, 1)], 1)


class LocallyConnected(nn.Module):
    """3×3, stride 1, one pixel of padding, with kernels and biases of each position's own."""

    def __init__(self, channels, filters, side):
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.empty(side * side, filters, channels, 3, 3))
        self.bias = nn.Parameter(torch.empty(side * side, filters))

    def forward(self, x):
        patches = F.unfold(x, 3, padding=1)  # batch × (channels · 9) × positions
        x = torch.einsum("nip,pfi->nfp", patches, self.weight.flatten(2)) + self.bias.T
        return x.unflatten(2, (self.side, self.side))


class AlexNetCifar(nn.Module):
    """layers-conv-local-11pct.cfg of cuda-convnet; without the normalisation the 13 % network."""

    def __init__(
        self, num_classes=10, size=24, *, local_response_norm=True, activation="relu", unshared=True
    ):
        super().__init__()
        side = size // 4
        self.lrn, self.activation = local_response_norm, getattr(torch, activation)
        self.conv1 = nn.Conv2d(3, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 64, 5, padding=2)
        self.third, self.fourth = ("local3", "local4") if unshared else ("conv3", "conv4")
        for name, channels in ((self.third, 64), (self.fourth, 32)):
            shared = nn.Conv2d(channels, 32, 3, padding=1)
            self.add_module(name, LocallyConnected(channels, 32, side) if unshared else shared)
        self.fc10 = nn.Linear(32 * side * side, num_classes)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.activation(conv(x))
            if self.lrn:
                x = primitives.local_response_norm(x, bias=1.0, alpha=1e-3, mean=True)
            x = max_pool_round_up(x)
        for name in (self.third, self.fourth):
            x = self.activation(self.get_submodule(name)(x))
        return self.fc10(flatten(x))
