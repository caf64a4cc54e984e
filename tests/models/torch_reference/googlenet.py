"""GoogLeNet (Szegedy et al. 2014, table 1 and figure 3)."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.models.torch_reference import primitives
from tests.models.torch_reference.primitives import max_pool_same, pad_same

# 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection
TABLE_1 = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class WithConvolutions(nn.Module):
    """Convolutions by name, each followed by its batch normalisation, if any, and a ReLU."""

    def __init__(self, use_bias, batch_norm):
        super().__init__()
        self.use_bias, self.batch_norm = use_bias, batch_norm

    def add(self, name, channels, filters, kernel_size, stride=1):
        conv = nn.Conv2d(channels, filters, kernel_size, stride, bias=self.use_bias)
        self.add_module(name, conv)
        if self.batch_norm:
            self.add_module(f"{name}_bn", primitives.batch_norm(filters))

    def apply_conv(self, name, x, relu=True):
        conv = self.get_submodule(name)
        x = conv(pad_same(x, conv.kernel_size[0], conv.stride[0]))
        if self.batch_norm:
            x = self.get_submodule(f"{name}_bn")(x)
        return torch.relu(x) if relu else x


class Inception(WithConvolutions):
    """Figure 2: (a), the naïve version, or (b), with reductions and a projection."""

    def __init__(self, channels, filters, module, **options):
        super().__init__(**options)
        one, three_reduce, three, five_reduce, five, projection = filters
        self.naive = module == "naive"
        self.add("conv_1x1", channels, one, 1)
        if self.naive:
            self.add("conv_3x3", channels, three, 3)
            self.add("conv_5x5", channels, five, 5)
            self.channels = one + three + five + channels
            return
        self.add("conv_3x3_reduce", channels, three_reduce, 1)
        self.add("conv_3x3", three_reduce, three, 3)
        self.add("conv_5x5_reduce", channels, five_reduce, 1)
        self.add("conv_5x5", five_reduce, five, 5)
        self.add("pool_projection", channels, projection, 1)
        self.channels = one + three + five + projection

    def forward(self, x):
        pooled = F.max_pool2d(x, 3, 1, padding=1)
        one = self.apply_conv("conv_1x1", x)
        if self.naive:
            three, five = self.apply_conv("conv_3x3", x), self.apply_conv("conv_5x5", x)
            return torch.cat([one, three, five, pooled], 1)
        three = self.apply_conv("conv_3x3", self.apply_conv("conv_3x3_reduce", x))
        five = self.apply_conv("conv_5x5", self.apply_conv("conv_5x5_reduce", x))
        return torch.cat([one, three, five, self.apply_conv("pool_projection", pooled)], 1)


class GoogLeNet(WithConvolutions):
    """Returns the logits, or with the heads a dictionary of the three."""

    def __init__(
        self,
        num_classes=1000,
        size=224,
        *,
        auxiliary_heads=False,
        batch_norm=False,
        use_bias=None,
        local_response_norm=True,
        module="reduced",
        last_module="5b",
        stem="imagenet",
        stem_activation="relu",
        average_pooling=True,
        dropout=0.4,
        auxiliary_dropout=0.7,
    ):
        options = {
            "use_bias": not batch_norm if use_bias is None else use_bias,
            "batch_norm": batch_norm,
        }
        super().__init__(**options)
        self.stem, self.lrn = stem, local_response_norm
        self.stem_relu = stem_activation == "relu"
        self.average, self.ends_pooled = average_pooling, last_module == "pool4"
        self.dropout, self.auxiliary_dropout = dropout, auxiliary_dropout
        self.heads = ("4a", "4d") if auxiliary_heads else ()
        self.add("conv1", 3, 64, *((7, 2) if stem == "imagenet" else (3, 1)))
        self.add("conv2_reduce", 64, 64, 1)
        self.add("conv2", 64, 192, 3)
        self.names = [
            name for name in TABLE_1 if name <= ("4e" if self.ends_pooled else last_module)
        ]
        channels = 192
        for name in self.names:
            inception = Inception(channels, TABLE_1[name], module, **options)
            self.add_module(f"inception_{name}", inception)
            channels = inception.channels
            if name in self.heads:
                side = -(-size // 16) if stem == "imagenet" else size // 4
                self._add_head(f"auxiliary_{name}", channels, (side - 5) // 3 + 1, num_classes)
        if not average_pooling:
            channels *= (-(-size // (32 if last_module in ("5b", "pool4") else 16))) ** 2
        self.fc = nn.Linear(channels, num_classes)

    def _add_head(self, name, channels, side, num_classes):
        self.add(f"{name}_conv", channels, 128, 1)
        self.add_module(f"{name}_fc1", nn.Linear(128 * side * side, 1024))
        self.add_module(f"{name}_fc2", nn.Linear(1024, num_classes))

    def _head(self, name, x):
        x = self.apply_conv(f"{name}_conv", F.avg_pool2d(x, 5, 3))
        x = torch.relu(self.get_submodule(f"{name}_fc1")(primitives.flatten(x)))
        x = F.dropout(x, self.auxiliary_dropout, self.training)
        return self.get_submodule(f"{name}_fc2")(x)

    def _normalize(self, x):
        return primitives.local_response_norm(x) if self.lrn else x

    def forward(self, x):
        x = self.apply_conv("conv1", x, self.stem_relu)
        if self.stem == "imagenet":
            x = max_pool_same(x)
        x = self.apply_conv("conv2_reduce", self._normalize(x), self.stem_relu)
        x = max_pool_same(self._normalize(self.apply_conv("conv2", x, self.stem_relu)))
        outputs = {}
        for name in self.names:
            if name in ("4a", "5a"):
                x = max_pool_same(x)
            x = self.get_submodule(f"inception_{name}")(x)
            if name in self.heads:
                outputs[f"auxiliary_{name}"] = self._head(f"auxiliary_{name}", x)
        x = max_pool_same(x) if self.ends_pooled else x
        x = x.mean((2, 3)) if self.average else primitives.flatten(x)
        x = self.fc(F.dropout(x, self.dropout, self.training))
        return {"main": x, **outputs} if self.heads else x
