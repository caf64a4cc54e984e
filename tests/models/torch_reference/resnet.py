"""Residual and plain networks (He et al. 2015): table 1, and section 4.2 for CIFAR-10."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.models.torch_reference import primitives

# Blocks of conv2 … conv5.
TABLE_1 = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


class Stages(nn.Module):
    """What both families share: stages of blocks, then a global average pool and `fc`."""

    def __init__(self, *, bottleneck=False, shortcut="projection", stride_on="1x1", pad="end"):
        super().__init__()
        self.bottleneck, self.stride_on = bottleneck, stride_on
        self.shortcut, self.zeros_at = shortcut, pad
        self.blocks = []

    def add(self, name, channels, filters, kernel_size, stride=1):
        conv = nn.Conv2d(
            channels, filters, kernel_size, stride, padding=kernel_size // 2, bias=False
        )
        self.add_module(f"{name}_conv", conv)
        self.add_module(f"{name}_bn", primitives.batch_norm(filters))

    def add_stages(self, channels, filters, depths, num_classes):
        for stage, depth in enumerate(depths, start=2):
            for number in range(1, depth + 1):
                stride = 2 if stage > 2 and number == 1 else 1
                block = f"conv{stage}_block{number}"
                channels = self._add_block(block, channels, filters * 2 ** (stage - 2), stride)
        self.fc = nn.Linear(channels, num_classes)

    def _add_block(self, block, channels, filters, stride):
        if self.bottleneck:
            new = 4 * filters
            on_first, on_second = (stride, 1) if self.stride_on == "1x1" else (1, stride)
            self.add(f"{block}_1", channels, filters, 1, on_first)
            self.add(f"{block}_2", filters, filters, 3, on_second)
            self.add(f"{block}_3", filters, new, 1)
        else:
            new = filters
            self.add(f"{block}_1", channels, filters, 3, stride)
            self.add(f"{block}_2", filters, filters, 3)
        changes = stride > 1 or channels != new
        if self.shortcut == "projection_all" or (self.shortcut == "projection" and changes):
            self.add(f"{block}_0", channels, new, 1, stride)
        self.blocks.append((block, new, stride))
        return new

    def conv_bn(self, name, x):
        return self.get_submodule(f"{name}_bn")(self.get_submodule(f"{name}_conv")(x))

    def _beside(self, block, filters, stride, x):
        """The shortcut: B and C by a projection, A by zeros in new channels."""
        if hasattr(self, f"{block}_0_conv"):
            return self.conv_bn(f"{block}_0", x)
        x = x[:, :, ::stride, ::stride]
        zeros = filters - x.shape[1]
        before = zeros // 2 if self.zeros_at == "both" else 0
        return F.pad(x, (0, 0, 0, 0, before, zeros - before))

    def run_stages(self, x):
        last = 3 if self.bottleneck else 2
        for block, filters, stride in self.blocks:
            y = x
            for number in range(1, last):
                y = torch.relu(self.conv_bn(f"{block}_{number}", y))
            y = self.conv_bn(f"{block}_{last}", y)
            if self.shortcut is not None:
                y = y + self._beside(block, filters, stride, x)
            x = torch.relu(y)
        return self.fc(x.mean((2, 3)))


class ResNet(Stages):
    """Table 1; `shortcut=None` is the plain network."""

    def __init__(
        self, depth, num_classes=1000, *, shortcut="projection", stride_on="1x1", stem="imagenet"
    ):
        super().__init__(bottleneck=depth >= 50, shortcut=shortcut, stride_on=stride_on)
        self.stem = stem
        self.add("conv1", 3, 64, *((7, 2) if stem == "imagenet" else (3, 1)))
        self.add_stages(64, 64, TABLE_1[depth], num_classes)

    def forward(self, x):
        x = torch.relu(self.conv_bn("conv1", x))
        if self.stem == "imagenet":
            x = F.max_pool2d(x, 3, 2, padding=1)
        return self.run_stages(x)


class CifarResNet(Stages):
    """6n + 2 layers; `shortcut=None` is the plain network, `pad` where option A puts its zeros."""

    def __init__(self, depth, num_classes=10, *, shortcut="identity", pad="end"):
        super().__init__(shortcut=shortcut, pad=pad)
        self.add("conv1", 3, 16, 3)
        self.add_stages(16, 16, [(depth - 2) // 6] * 3, num_classes)

    def forward(self, x):
        return self.run_stages(torch.relu(self.conv_bn("conv1", x)))
