"""Drawings say what the models are: facts in them, bounds, bad input, models that are not ours."""

import math
from pathlib import Path

import keras
import pytest

import keras_classics
from keras_classics.drawings import DrawingError, draw
from keras_classics.drawings.draw import drawing_of
from keras_classics.models.googlenet import MODULES
from keras_classics.models.lenet import TABLE_I, digit_bitmaps
from tests.drawings.bounds import SVG, drawn as elements, extent, parse, points
from tests.drawings.regenerate import DRAWINGS, FOLDER, drawn

LARGE = {"alexnet", "alexnet_145", "alexnet_145_half", "alexnet_150", "resnet101", "resnet152"}
LARGE |= {"vgg11", "vgg16", "vgg19"}  # a second or more for weights that nobody looks at


@pytest.fixture(scope="module")
def committed():
    """{name: root} of what `docs/drawings/` holds."""
    return {name: parse((FOLDER / f"{name}.svg").read_text("utf-8")) for name in DRAWINGS}


def texts(root):
    return [one.text for one in root.iter(SVG + "text")]


def classes(root, kind):
    return [one for one in root.iter() if kind in (one.get("class") or "").split()]


def slab(root, name):
    """The element of a layer."""
    (found,) = [g for g in root.iter(SVG + "g") if g[0].text.startswith(f"{name}: ")]
    return found


def height_of(root, name):
    """Of the front of a slab."""
    path = slab(root, name).find(SVG + "path").get("d").split()
    return float(path[path.index("v") + 1])


@pytest.mark.parametrize("name", sorted(set(DRAWINGS) - LARGE))
def test_what_is_committed_is_what_the_code_draws(name, nothing_drawn):
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == drawn(name), (
        f"python tests/drawings/regenerate.py {name}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LARGE))
def test_what_is_committed_of_large_networks_is_what_the_code_draws(name, nothing_drawn):
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == drawn(name)


@pytest.mark.backend
@pytest.mark.parametrize("name", ["lenet5", "cifar_resnet20"])
def test_every_backend_draws_the_same(name, nothing_drawn):
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == drawing_of(name)


def test_no_drawing_is_left_over():
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(DRAWINGS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_lies_outside(name, committed):
    root = committed[name]
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in elements(root):
        left, top, right, bottom = extent(element)
        assert 0 <= left and right <= width and 0 <= top and bottom <= height, (
            element.attrib, element.text,
        )  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_lies_on_another(name, committed):
    boxes = [(extent(one), one.text) for one in committed[name].iter(SVG + "text") if one.text]
    for number, ((left, top, right, bottom), text) in enumerate(boxes):
        for (x, y, far, low), other in boxes[number + 1 :]:
            apart = right <= x + 4 or far <= left + 4 or bottom <= y + 2 or low <= top + 2
            assert apart, (text, other)


@pytest.mark.parametrize("name", DRAWINGS)
def test_files_are_small_and_need_nothing_else(name):
    text = (FOLDER / f"{name}.svg").read_text("utf-8")
    assert len(text.encode()) < 60_000
    assert "@import" not in text and "url(" not in text and "<image" not in text
    assert text.count("http") == text.count('xmlns="http://www.w3.org/2000/svg"') == 1
    assert "prefers-color-scheme:dark" in text and "@media print" in text


def test_each_has_a_title_and_is_told_in_words(committed):
    for root in committed.values():
        assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
        assert root.find(SVG + "title").text.endswith(": architecture")
    told = committed["resnet50"].find(SVG + "desc").text
    assert "25,557,032 trainable parameters" in told
    assert "16 shortcuts, 4 of them change dimensions" in told


def test_lenet5_is_that_of_fig_2(committed):
    root = committed["lenet5"]
    for name, size in (
        ("input", "1@32×32"), ("C1", "6@28×28"), ("S2", "6@14×14"), ("C3", "16@10×10"),
        ("S4", "16@5×5"), ("C5", "120@1×1"), ("F6", "84"), ("OUTPUT", "10"),
    ):  # fmt: skip
        assert {name, size} <= set(texts(root))
        assert slab(root, name)[0].text.startswith(f"{name}: {size}, ")
    assert {"full connection", "Gaussian connections"} <= set(texts(root))
    assert (
        len(classes(root, "k-convolution"))
        - len([one for one in root.iter(SVG + "path") if one.get("class") == "k-convolution"])
        == sum(map(len, TABLE_I)) + 1
    )  # and one in the legend


def test_lenet5_shows_the_bitmaps_of_its_output(committed):
    """As much ink as Fig. 3 has, in pixels of 3.8."""
    marks = committed["lenet5"].iter(SVG + "path")
    marks = [one.get("d").split() for one in marks if one.get("class") == "k-dense"]
    bitmaps = [path for path in marks if path.count("M") > 1]
    ink = sum(abs(float(path[i + 1])) for path in bitmaps for i, c in enumerate(path) if c == "h")
    assert len(bitmaps) == 10
    assert round(ink / 2 / 3.8) == (digit_bitmaps() > 0).sum() == 349


def test_alexnet_has_two_towers_that_cross_at_conv3_and_the_dense_layers(committed):
    root = committed["alexnet"]
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"):
        assert {f"{name}_a", f"{name}_b"} <= set(texts(root))
        upper, lower = (extent(slab(root, name + tower)[1]) for tower in ("_a", "_b"))
        assert upper[0] == lower[0] and upper[3] < lower[1]
    assert {"48@55×55", "128@27×27", "192@13×13", "11×11 conv, /4"} <= set(texts(root))
    bent = [one for one in classes(root, "flow") if "C" in one.get("d")]
    assert len(bent) == 2 + 2 + 2 + 2 + 2  # from the input, to conv3, fc6, fc7 and fc8
    apart = [one for one in classes(committed["alexnet_150"], "flow") if "C" in one.get("d")]
    assert len(apart) == 2 + 2
    assert len(classes(root, "k-norm")) == 4 + 1
    assert "SRN" in slab(committed["alexnet_145"], "conv2_a")[0].text


def test_heights_and_lengths_are_to_scale(committed):
    root = committed["lenet5"]
    for name, side in (("C1", 28), ("S2", 14), ("C3", 10), ("S4", 5)):
        share = height_of(root, name) / height_of(root, "input")
        assert share == pytest.approx(math.sqrt(side / 32), abs=0.002)  # of a decimal in 150
    root = committed["vgg16"]
    lengths = [
        points(slab(root, name)[1].get("d"))[2][0] - points(slab(root, name)[1].get("d"))[1][0]
        for name in ("conv1_1", "conv3_1")
    ]
    assert lengths[1] / lengths[0] == pytest.approx(2, abs=0.05)  # 256 maps and 64


def test_vgg16_has_its_blocks(committed):
    for words in ("conv1_1…2", "conv3_1…3", "3×3 conv ×3", "512@28×28", "fc6…7", "1000"):
        assert words in texts(committed["vgg16"])
    assert len(list(committed["vgg16"].iter(SVG + "g"))) == 1 + 13 + 5 + 3


def test_googlenet_shows_its_modules_and_heads(committed):
    root = committed["googlenet"]
    assert {"inception_3a…3b", "inception_4a…4e", "inception_5a…5b", "14×14"} <= set(texts(root))
    for label, filters in MODULES.items():
        row = texts(root).index(f"inception_{label}", texts(root).index("filters of each module"))
        maps = str(filters[0] + filters[2] + filters[4] + filters[5])
        assert texts(root)[row + 1 : row + 8] == [*map(str, filters), maps]
        branches = [one.get("class") for one in slab(root, f"inception_{label}")]
        assert [one for one in branches if one and one.startswith("k-")] == [
            "k-one", "k-three", "k-five", "k-pooling",
        ]  # fmt: skip
    assert not [text for text in texts(root) if "auxiliary" in text]
    heads = texts(committed["googlenet_auxiliary_heads"])
    assert {"auxiliary_4a", "auxiliary_4d", "5×5 average, /3", "1×1, 128"} <= set(heads)


@pytest.mark.parametrize(
    ("name", "all_of_them", "not_identity"),
    [
        ("resnet18", 8, 3),
        ("resnet34", 16, 3),
        ("resnet50", 16, 4),
        ("cifar_resnet20", 9, 2),
        ("plain34", 0, 0),
        ("cifar_plain20", 0, 0),
    ],
)
def test_shortcuts_are_solid_or_dotted(name, all_of_them, not_identity, committed):
    arcs = classes(committed[name], "shortcut")
    assert len(arcs) == all_of_them
    assert len([arc for arc in arcs if "other" in arc.get("class")]) == not_identity


def test_resnet50_shows_both_of_its_blocks(committed):
    shown = texts(committed["resnet50"])
    assert {"conv3_block1…4", "(1×1, 3×3, 1×1) ×6", "BN, ReLU", "identity", "+"} <= set(shown)
    assert {"conv2_block1: projection, ×4", "conv2_block2: identity shortcut, ×12"} <= set(shown)


def test_long_stages_are_folded(committed):
    shown = texts(committed["resnet152"])
    assert {"conv4_block1…36", "33 more"} <= set(shown)
    assert texts(committed["cifar_resnet110"]).count("15 more") == 3


@pytest.mark.parametrize(
    ("model", "path", "message"),
    [
        ("vgg-16", "x.svg", "similar: vgg16"),
        ("<script>", "x.svg", "`model` must be a network of this package"),
        (3, "x.svg", "`model` must be a Keras model that is a graph of layers"),
        ("lenet5", "x.png", "`path` must be a file that ends in .svg"),
        ("lenet5", 3, "`path` must be a file that ends in .svg"),
    ],
)
def test_bad_input_is_refused(model, path, message, tmp_path):
    with pytest.raises(DrawingError, match=message) as raised:
        draw(model, tmp_path / path if isinstance(path, str) else path)
    assert len(str(raised.value)) < 260
    assert list(tmp_path.iterdir()) == []


def test_what_exists_stays(tmp_path):
    path = tmp_path / "mine.svg"
    path.write_text("mine")
    with pytest.raises(DrawingError, match="There is something at .* already"):
        draw("lenet5", path)
    assert path.read_text() == "mine"


def test_folders_are_made_and_strings_come_back(tmp_path):
    path = str(tmp_path / "new" / "folder" / "lenet5.SVG")
    assert draw("lenet5", path) == path
    assert Path(path).read_text("utf-8") == (FOLDER / "lenet5.svg").read_text("utf-8")


class _Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("model", [_Subclassed(), keras.Sequential([keras.layers.Dense(3)])])
def test_a_model_without_a_graph_is_refused(model, tmp_path):
    with pytest.raises(DrawingError, match="a subclassed one has no graph"):
        draw(model, tmp_path / "x.svg")


def test_names_are_text(tmp_path):
    inputs = keras.Input((8, 8, 3), name="<script>alert(1)")
    outputs = keras.layers.Conv2D(4, 3, name='a&"b"')(inputs)
    draw(keras.Model(inputs, outputs, name="<b>&"), tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text("utf-8")
    assert "<script" not in text and "<b>" not in text
    assert {"<b>&", 'a&"b"', "<script>alert(1)"} <= set(texts(parse(text)))


def fits(text):
    """The root of a drawing in which nothing lies outside."""
    root = parse(text)
    _, _, width, height = map(float, root.get("viewBox").split())
    for element in elements(root):
        left, top, right, bottom = extent(element)
        assert 0 <= left and right <= width and 0 <= top and bottom <= height
    return root


def test_branches_of_a_foreign_model_stand_above_each_other():
    inputs = keras.Input((16, 16, 3))
    branches = [keras.layers.Conv2D(4, k, padding="same", name=f"k{k}")(inputs) for k in (1, 3, 5)]
    joined = keras.layers.Concatenate(name="joined")(branches)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(joined)))
    root = fits(drawing_of(model))
    tops = [extent(slab(root, f"k{k}")[1])[1] for k in (1, 3, 5)]
    lefts = {extent(slab(root, f"k{k}")[1])[0] for k in (1, 3, 5)}
    assert tops == sorted(set(tops)) and len(lefts) == 1


def test_foreign_models_of_all_kinds_are_drawn():
    """Two inputs, a shared layer, a Lambda, a sum, a model inside, sequences, unknown sides."""
    layers = keras.layers
    one, two = keras.Input((None, 6), name="one"), keras.Input((None, 6), name="two")
    shared = layers.Conv1D(8, 3, padding="same", name="shared")
    inner = keras.Sequential(
        [keras.Input((None, 8)), layers.Conv1D(8, 5, padding="same", name="in")]
    )
    x = layers.Subtract(name="difference")([shared(one), inner(shared(two))])
    x = layers.Lambda(lambda x: 2 * x, output_shape=(None, 8), name="twice")(x)
    x = layers.Dense(3, name="out")(layers.GlobalAveragePooling1D()(x))
    root = fits(drawing_of(keras.Model([one, two], [x, layers.Dense(1, name="other")(x)])))
    assert {"one", "two", "shared", "shared (2)", "in", "−", "twice", "out", "8@?"} <= set(
        texts(root)
    )


def test_a_deep_chain_runs_in_several_rows():
    x = inputs = keras.Input((64, 64, 3))
    for number in range(30):
        x = keras.layers.Conv2D(8 + number, 3, padding="same", name=f"layer_of_mine_{number}")(x)
    root = fits(drawing_of(keras.Model(inputs, x)))
    tops = {extent(slab(root, f"layer_of_mine_{n}")[1])[1] for n in range(30)}
    assert len(tops) >= 3


def test_sides_that_are_not_known_are_said_so():
    shape = (None, None, 3)
    root = fits(drawing_of(keras_classics.googlenet(10, input_shape=shape)))
    assert "64@?×?" in texts(root)
