"""PyTorch networks with the parameter names of torchvision and of the widespread CIFAR ResNets."""

import torch
from torch import nn
from torch.nn import functional


def convolution(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class Block(nn.Module):
    """A basic block, or a bottleneck with its stride on the 3×3 (or the first 1×1) convolution."""

    def __init__(self, inputs, filters, stride, bottleneck, option_a, stride_on="3x3"):
        super().__init__()
        self.filters, self.stride, self.bottleneck = filters, stride, bottleneck
        outputs = 4 * filters if bottleneck else filters
        first, second = (1, stride) if stride_on == "3x3" else (stride, 1)
        if bottleneck:
            self.conv1 = convolution(inputs, filters, 1, first)
            self.conv2 = convolution(filters, filters, 3, second)
            self.conv3 = convolution(filters, outputs, 1)
            self.bn3 = nn.BatchNorm2d(outputs)
        else:
            self.conv1 = convolution(inputs, filters, 3, stride)
            self.conv2 = convolution(filters, filters, 3)
        self.bn1, self.bn2 = nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)
        self.downsample = None
        if (stride > 1 or inputs != outputs) and not option_a:
            self.downsample = nn.Sequential(
                convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
            )

    def skip(self, x):
        if self.downsample is not None:
            return self.downsample(x)
        if self.stride > 1:
            side = (self.filters - x.shape[1]) // 2
            return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, side, side))
        return x

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.bottleneck:
            y = self.bn3(self.conv3(functional.relu(y)))
        return functional.relu(y + self.skip(x))


def stage(inputs, filters, blocks, stride, bottleneck, option_a=False, stride_on="3x3"):
    outputs = 4 * filters if bottleneck else filters
    return nn.Sequential(
        *(
            Block(
                outputs if number else inputs,
                filters,
                1 if number else stride,
                bottleneck,
                option_a,
                stride_on,
            )
            for number in range(blocks)
        )
    )


class ResNet(nn.Module):
    def __init__(self, blocks, bottleneck, classes, stride_on="3x3"):
        super().__init__()
        widths = [64, 256, 512, 1024] if bottleneck else [64, 64, 128, 256]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        for k, (inputs, number) in enumerate(zip(widths, blocks, strict=True)):
            layer = stage(inputs, 64 * 2**k, number, 2 if k else 1, bottleneck, stride_on=stride_on)
            setattr(self, f"layer{k + 1}", layer)
        self.fc = nn.Linear(2048 if bottleneck else 512, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class CifarResNet(nn.Module):
    def __init__(self, blocks=3, classes=10, option_a=True):
        super().__init__()
        self.conv1, self.bn1 = convolution(3, 16, 3), nn.BatchNorm2d(16)
        self.layer1 = stage(16, 16, blocks, 1, False, option_a)
        self.layer2 = stage(16, 32, blocks, 2, False, option_a)
        self.layer3 = stage(32, 64, blocks, 2, False, option_a)
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class VGG(nn.Module):
    """`features` counts convolutions, batch normalisations, ReLUs and pools, as torchvision's."""

    def __init__(self, blocks, pixels, classes, batch_norm=False):
        super().__init__()
        parts, inputs = [], 3
        for filters, number in zip((64, 128, 256, 512, 512), blocks, strict=True):
            for _ in range(number):
                parts.append(nn.Conv2d(inputs, filters, 3, padding=1))
                parts += [nn.BatchNorm2d(filters)] if batch_norm else []
                parts.append(nn.ReLU())
                inputs = filters
            parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        self.classifier = nn.Sequential(
            nn.Linear(512 * pixels, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def randomised(network):
    """The network in evaluation mode, with weights and statistics that all differ."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.ndim > 1:  # keeps the activations' size from layer to layer
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
            elif name.endswith(("running_var", "weight")):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                tensor.normal_(0, 0.1, generator=generator)
    return network.eval()


def outputs_of(network, pictures):
    """Outputs for channels-last NumPy pictures."""
    with torch.no_grad():
        return network(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())).numpy()
