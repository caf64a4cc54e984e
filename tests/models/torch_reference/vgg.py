"""VGG, configurations A to E (Simonyan and Zisserman 2014, table 1)."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.models.torch_reference import primitives

FILTERS = (64, 128, 256, 512, 512)
# Number of convolutions in each of the five blocks.
TABLE_1 = {
    "A": (1, 1, 2, 2, 2),
    "B": (2, 2, 2, 2, 2),
    "C": (2, 2, 3, 3, 3),
    "D": (2, 2, 3, 3, 3),
    "E": (2, 2, 4, 4, 4),
}


class VGG(nn.Module):
    """`configuration` is a column of table 1; "A-LRN" normalises after its first convolution."""

    def __init__(self, configuration, num_classes=1000, size=224, *, batch_norm=False, dropout=0.5):
        super().__init__()
        self.blocks = TABLE_1[configuration[0]]
        self.lrn, self.dropout = configuration == "A-LRN", dropout
        channels = 3
        for block, filters in enumerate(FILTERS, start=1):
            for number in range(1, self.blocks[block - 1] + 1):
                kernel = 1 if configuration == "C" and number == 3 else 3
                name = f"conv{block}_{number}"
                self.add_module(name, nn.Conv2d(channels, filters, kernel, padding=kernel // 2))
                if batch_norm == "conv":
                    self.add_module(f"{name}_bn", primitives.batch_norm(filters))
                channels = filters
            if batch_norm == "block":
                self.add_module(f"block{block}_bn", primitives.batch_norm(filters))
        self.fc6 = nn.Linear(512 * (size // 32) ** 2, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)

    def forward(self, x):
        modules = dict(self.named_children())
        for block, depth in enumerate(self.blocks, start=1):
            for number in range(1, depth + 1):
                name = f"conv{block}_{number}"
                x = modules[name](x)
                if f"{name}_bn" in modules:
                    x = modules[f"{name}_bn"](x)
                x = torch.relu(x)
                if self.lrn and name == "conv1_1":
                    x = primitives.local_response_norm(x)
            if f"block{block}_bn" in modules:
                x = modules[f"block{block}_bn"](x)
            x = F.max_pool2d(x, 2, 2)
        x = primitives.flatten(x)
        for dense in (self.fc6, self.fc7):
            x = F.dropout(torch.relu(dense(x)), self.dropout, self.training)
        return self.fc8(x)
