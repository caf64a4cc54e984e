"""AlexNet as the authors' code of 2012 has it: layers/layers-145.cfg and what others change."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.models.torch_reference.primitives import (
    drop_units,
    flatten,
    local_response_norm,
    max_pool_round_up,
    spatial_response_norm,
)


class AlexNet2012(nn.Module):
    """One of the configurations 145, 145-half, 147, 148, 150 and 167."""

    def __init__(self, form, num_classes=1000, size=224, *, dropout=0.5, stem="imagenet"):
        super().__init__()
        self.form, self.dropout, self.imagenet = form, dropout, stem == "imagenet"
        self.columns = ("",) if form == "145-half" else ("_a", "_b")
        count = len(self.columns)
        meet = count if form != "150" else 1  # columns that conv3 and the dense layers see
        second = 160 if form == "150" else 128
        fifth = 256 if form == "145-half" else 128
        conv1 = (11, 4, 0) if self.imagenet else (5, 1, 2)
        plain = form == "147"
        for column in self.columns:
            for number, convolution in enumerate(
                (
                    nn.Conv2d(3, 48, *conv1),
                    nn.Conv2d(48, second, 5, padding=1 if plain else 2),
                    nn.Conv2d(meet * second, 192, 3, padding=1),
                    nn.Conv2d(192, 192, 3, padding=1),
                    nn.Conv2d(192, fifth, 3, padding=0 if plain else 1),
                ),
                start=1,
            ):
                self.add_module(f"conv{number}{column}", convolution)
        with torch.no_grad():
            inputs = meet * self._maps(torch.zeros(1, 3, size, size))[0].numel()
        first = {"150": 4096, "145-half": 4096}.get(form, 2048)
        for column in self.columns:
            self.add_module(f"fc6{column}", nn.Linear(inputs, first))
            self.add_module(f"fc7{column}", nn.Linear(meet * first, 4096 // count))
        self.fc8 = nn.Linear(4096, num_classes)

    def _pool(self, x):
        if self.form == "147":
            return F.max_pool2d(x, 2, 2, ceil_mode=True)
        return max_pool_round_up(x)

    def _column(self, column, x):
        x = self.get_submodule(f"conv1{column}")(x)
        if self.form != "148":
            x = local_response_norm(x, mean=True)
        x = self._pool(x).relu()
        x = self.get_submodule(f"conv2{column}")(x).relu()
        if self.form not in ("148", "167"):
            x = local_response_norm(x, mean=True)
            x = spatial_response_norm(x)
        return self._pool(x)

    def _maps(self, x):
        """What pool5 gives, column by column."""
        if self.imagenet:
            overhang = -(x.shape[2] - 11) % 4
            x = F.pad(x, (0, overhang, 0, overhang))
        maps = self._exchanged([self._column(column, x) for column in self.columns])
        found = []
        for column, x in zip(self.columns, maps, strict=True):
            for number in (3, 4):
                x = self.get_submodule(f"conv{number}{column}")(x).relu()
            found.append(self._pool(self.get_submodule(f"conv5{column}")(x)).relu())
        return found

    def _exchanged(self, parts):
        """What each column sees: all, unless they never meet."""
        return parts if self.form == "150" else [torch.cat(parts, 1)] * len(parts)

    def forward(self, x):
        # Beside each other as maps, as Keras flattens them.
        parts = [flatten(x) for x in self._exchanged(self._maps(x))]
        for number in (6, 7):
            parts = [
                self.get_submodule(f"fc{number}{column}")(x).relu()
                for column, x in zip(self.columns, parts, strict=True)
            ]
            parts = [drop_units(x, self.dropout, self.training) for x in parts]
            if number == 6:
                parts = self._exchanged(parts)
        return self.fc8(torch.cat(parts, 1))
