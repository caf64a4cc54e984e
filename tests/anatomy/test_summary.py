"""The table: of models of every build, in 80 columns, in Markdown and as data."""

import itertools
import json
import re

import keras
import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import keras_classics
from keras_classics import summary
from keras_classics.layers import Inception

LAYERS = keras.layers


def rows(table):
    """{name: {"Output": …, …}} of the first table that is printed."""
    header, *lines = str(table).splitlines()[2:]
    ends = [match.end() for match in re.finditer(r"\S+", header)][1:]
    found = {}
    for line in lines[: lines.index("")]:
        name, output = line[: ends[0]].split()
        cells = [line[start:end].strip() for start, end in itertools.pairwise(ends)]
        found[name] = dict(zip(header.split()[1:], [output, *cells], strict=True))
    return found


def test_lenet5_as_it_is_printed():
    assert str(summary(keras_classics.lenet5())).splitlines()[:12] == [
        "lenet5",
        "",
        "Layer      Output  Kernel  Parameters  Multiply-adds  Field",
        "input     32×32×1                                         1",
        "C1        28×28×6     5×5         156        117,600      5",
        "S2        14×14×6   2×2/2          12                     6",
        "C3       10×10×16     5×5       1,516        150,000     14",
        "S4         5×5×16   2×2/2          32                    16",
        "C5        1×1×120     5×5      48,120         48,000     32",
        "flatten       120                                       all",
        "F6             84              10,164         10,080    all",
        "OUTPUT         10                 840            840    all",
    ]


def test_totals_stand_beside_the_papers():
    text = str(summary(keras_classics.lenet5()))
    assert re.search(r"^Trained parameters +60,000 +60,000 +section II-B$", text, re.M)
    assert re.search(r"^Other parameters +840$", text, re.M)
    assert re.search(r"^Multiply-adds +326,520 +401,000 +Fig\. 11$", text, re.M)
    other = str(summary(keras_classics.lenet5(connections="full")))
    assert "paper" not in other and "401,000" not in other


def test_memory_of_training():
    model = keras_classics.lenet5()
    data = summary(model, slots=2).data()["totals"]
    assert data["weight_bytes"] == 4 * 60_840
    assert data["gradient_bytes"] == 4 * 60_000
    assert data["slot_bytes"] == 8 * 60_000
    outputs = [32 * 32, 28 * 28 * 6, 14 * 14 * 6, 10 * 10 * 16, 5 * 5 * 16, 120, 84, 10]
    assert data["activation_bytes"] == 4 * sum(outputs)  # that of `flatten` lies there already
    assert data["activations"] == sum(outputs) + 120


def test_memory_in_half_precision():
    policy = keras.mixed_precision.DTypePolicy("mixed_bfloat16")
    layer = LAYERS.Conv2D(4, 3, dtype=policy)
    data = summary(keras.Sequential([keras.Input((8, 8, 1)), layer])).data()["layers"][-1]
    assert (data["weight_bytes"], data["activation_bytes"]) == (4 * 40, 2 * 6 * 6 * 4)


@pytest.mark.usefixtures("nothing_drawn")
def test_nothing_is_wider_than_a_terminal():
    for model in (
        keras_classics.alexnet(input_shape=(67, 67, 3)),
        keras_classics.googlenet(10_000, input_shape=(32, 32, 3), batch_norm=True),
        keras_classics.resnet50(10, input_shape=(32, 32, 3)),
        keras.applications.MobileNetV3Small(weights=None, classes=2),
        keras.Sequential([keras.Input((4,)), LAYERS.Dense(3, name="漢" * 60)], name="a" * 300),
        keras.Sequential([keras.Input((4,)), LAYERS.Dense(3, name="line\n\x1b[31mred")]),
    ):
        text = str(summary(model, columns="all"))
        assert max(map(cell_len, text.splitlines())) <= 80
        assert "\x1b" not in text


def test_colours_only_in_a_terminal(monkeypatch):
    table = summary(keras_classics.lenet5())

    def printed(**options):
        console = Console(width=80, **options)
        with console.capture() as captured:
            console.print(table)
        return captured.get()

    colour = re.compile(r"\x1b\[(\d+;)*3\dm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = {"force_terminal": True, "color_system": "standard"}
    assert colour.search(printed(**terminal))
    assert "\x1b" not in printed(force_terminal=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(printed(**terminal))


def test_floors_are_opened_to_a_depth():
    model = keras_classics.cifar_resnet20()
    names = list(rows(summary(model, depth=1)))
    assert names[:5] == ["input", "conv1_conv", "conv1_bn", "conv1_relu", "conv2_block1"]
    assert names[-3:] == ["conv4_block3", "avg_pool", "fc"]
    opened = rows(summary(model))
    assert "conv2_block1_1_conv" in opened and opened["conv2_block1"]["Output"] == "32×32×16"
    for depth in (1, None):
        layers = summary(model, depth=depth).data()["layers"]
        assert sum(layer["parameters"] for layer in layers) == model.count_params()
    (block,) = (one for one in layers if one["name"] == "conv3_block1")
    assert block["parameters"] == sum(one["parameters"] for one in block["layers"])
    assert "layers" not in summary(model, depth=1).data()["layers"][4]


def test_blocks_of_vgg_are_those_of_table_1():
    model = keras_classics.vgg16(include_top=False, input_shape=(32, 32, 3), batch_norm="conv")
    names = list(rows(summary(model, depth=1)))
    assert names[1:] == [f"{kind}{block}" for block in range(1, 6) for kind in ("conv", "pool")]


@pytest.mark.backend
def test_modules_are_opened():
    inputs = keras.Input((28, 28, 192), name="pixels")
    model = keras.Model(inputs, Inception(64, 96, 128, 16, 32, 32, name="3a")(inputs))
    assert rows(summary(model, depth=1))["3a"] == {
        "Output": "28×28×256", "Kernel": "", "Parameters": "163,696",
        "Multiply-adds": "128,049,152", "Field": "5",
    }  # fmt: skip
    opened = rows(summary(model))
    assert list(opened)[1:] == [
        "3a", "conv_1x1", "conv_3x3_reduce", "conv_3x3", "conv_5x5_reduce", "conv_5x5", "pool",
        "pool_projection",
    ]  # fmt: skip
    assert opened["conv_3x3"]["Parameters"] == "110,720"
    assert opened["3a"]["Parameters"] == ""  # the rows below have them
    assert "28²·(192·16 + 5²·16·32)" in str(summary(model, columns="all"))


@pytest.mark.backend
def test_a_model_inside_is_counted_at_the_size_it_is_called_with():
    body = keras.Sequential(
        [keras.Input((None, None, 3)), LAYERS.Conv2D(4, 3, name="inner"), LAYERS.ReLU()],
        name="body",
    )
    assert body.layers[0].output.shape == (None, None, None, 4)
    inputs = keras.Input((10, 12, 3))
    table = summary(keras.Model(inputs, LAYERS.GlobalMaxPooling2D()(body(inputs))))
    assert table.totals.multiply_adds == 8 * 10 * 4 * 27
    assert rows(table)["inner"]["Output"] == "8×10×4"
    assert rows(summary(body))["inner"]["Multiply-adds"] == "unknown"
    assert "inner (Conv2D)" in str(summary(body))
    assert rows(summary(body))["inner"]["Output"] == "?×?×4"


@pytest.mark.backend
def test_shared_layers_are_counted_once_and_multiply_twice():
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    shared = LAYERS.Conv2D(2, 3, name="shared")
    other = LAYERS.Conv2D(2, 3, name="other")
    inner = keras.Sequential([keras.Input((8, 8, 1)), other], name="inner")
    both = LAYERS.Concatenate()([shared(left), shared(right), inner(left), inner(right)])
    model = keras.Model({"left": left, "right": right}, both)
    table = summary(model)
    assert table.totals.parameters == model.count_params() == 2 * 20
    assert table.totals.multiply_adds == 4 * 36 * 18
    layers = table.data()["layers"]
    assert [one["shared"] for one in layers if one["name"] == "shared"] == [False, True]
    assert str(table).count(" shared  ") == 2
    assert {"left", "right"} < {one["name"] for one in layers}


@keras.saving.register_keras_serializable("tests")
class Mine(LAYERS.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), name="scale")

    def call(self, inputs):
        return inputs * self.scale


@pytest.mark.backend
def test_what_is_not_known_is_named():
    inputs = keras.Input((8, 8, 3))
    x = LAYERS.Lambda(lambda x: x + 1, name="plus")(Mine(name="mine")(inputs))
    x = LAYERS.Conv2D(2, 3)(x)
    x = LAYERS.Reshape((36, 2))(x)
    x = LAYERS.MultiHeadAttention(1, 2, name="attention")(x, x)
    x = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1))) + 1
    model = keras.Model(inputs, x)
    table = summary(model)
    assert table.totals.parameters == model.count_params()
    assert table.totals.multiply_adds == 36 * 2 * 27
    assert table.uncounted[:3] == [
        "mine (Mine)", "plus (Lambda)", "attention (MultiHeadAttention)"
    ]  # fmt: skip
    assert len(table.uncounted) == 4 and "Matmul" in table.uncounted[3]
    text = " ".join(str(table).split())
    assert "Multiply-adds not counted: mine (Mine), plus (Lambda)," in text
    assert re.search(r"Multiply-adds at least 1,944", text)
    assert rows(table)["mine"] == {
        "Output": "8×8×3", "Kernel": "", "Parameters": "3", "Multiply-adds": "unknown",
        "Field": "?",
    }  # fmt: skip
    assert summary(model).data()["layers"][1]["multiply_adds"] is None


def test_many_that_are_not_known_are_counted():
    model = keras.Sequential([keras.Input((2,)), *(Mine(name=f"m{n}") for n in range(11))])
    assert "m7 (Mine) and 3 more." in " ".join(str(summary(model)).split())


def test_a_model_without_a_graph():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__(name="subclassed")
            self.first, self.second = LAYERS.Dense(3, name="first"), LAYERS.ReLU(name="second")
            self.third = keras.Sequential([keras.Input((3,)), LAYERS.Dense(2)], name="third")

        def call(self, inputs):
            return self.third(self.second(self.first(inputs)))

    model = Subclassed()
    with pytest.raises(ValueError, match="`model` must be built, by its input's shape or a first"):
        summary(model)
    model(np.zeros((1, 4), "float32"))
    table = summary(model)
    assert table.totals.parameters == model.count_params() == 15 + 8
    assert table.uncounted == ["first (Dense)"]
    assert rows(table)["first"]["Output"] == "?"


def test_several_outputs():
    model = keras_classics.googlenet(10, input_shape=(65, 65, 3), auxiliary_heads=True)
    table = summary(model, depth=1)
    assert table.totals.parameters == model.count_params()
    assert {"auxiliary_4a_fc2", "auxiliary_4d_fc2", "fc"} < set(rows(table))
    assert not table.stated


def test_a_trained_model_is_the_network_of_its_paper():
    path = keras_classics.shipped.folder("lenet5", "mnist") / "model.keras"
    table = summary(keras.models.load_model(path))
    assert table.totals.multiply_adds == 326_520
    assert [one.figure for one in table.stated] == ["parameters", "multiply_adds"]
    assert "lenet5" in rows(summary(keras.models.load_model(path), depth=1))
    assert rows(table)["C1"]["Field"] == "5"


def test_markdown_takes_no_name_for_markup():
    model = keras.Sequential([keras.Input((4,)), LAYERS.Dense(2, name="<script>|*a*")], name="`b`")
    text = summary(model).markdown()
    assert "| \\<script\\>\\|\\*a\\* | 2 |  | 10 | 8 | all |" in text.splitlines()
    assert text.startswith("**\\`b\\`**\n\n| Layer | Output |")
    assert "\n|---|---:|---:|---:|---:|---:|\n" in text


def test_data_is_json():
    model = keras_classics.googlenet(2, input_shape=(32, 32, 3))
    data = json.loads(json.dumps(summary(model, depth=2).data()))
    named = {layer["name"]: layer for layer in data["layers"]}
    inner = {layer["name"]: layer for layer in named["inception_4a"]["layers"]}
    fives = inner["inception_4a/conv_5x5"]
    assert (fives["kernel_size"], fives["strides"], fives["maps"]) == ([5, 5], [1, 1], 48)
    assert fives["receptive_field"] == [171, 171]
    assert named["fc"]["receptive_field"] == "all"
    assert data["reductions"][0]["channels"] == 192


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "lenet5"}, "`model` must be a Keras model. Received: model='lenet5'"),
        ({"model": None}, "`model` must be a Keras model"),
        ({"model": keras.Sequential()}, "`model` must be built"),
        ({"depth": 0}, "`depth` must be a positive integer. Received: depth=0"),
        ({"depth": "2"}, "`depth` must be a positive integer"),
        ({"columns": "some"}, '`columns` must be one of "default", "all"'),
        ({"slots": -1}, "`slots` must be an integer of at least 0"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, message):
    model = keras.Sequential([keras.Input((2,)), LAYERS.Dense(1)])
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as raised:
        summary(**{"model": model} | arguments)
    assert len(str(raised.value)) < 260
