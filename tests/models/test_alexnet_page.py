"""docs/alexnet_as_trained.md: every row has a source, its figures agree, its options are there."""

import re
from itertools import pairwise

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import data, evaluation, layers, model_card, training
from keras_classics.cli.flags import recipe_parser
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.cli.recipe_flags import _apply
from keras_classics.data.transforms import color, crops, wrappers
from tests import ROOT
from tests.models.test_parameters import COUNTS

PAGE = (ROOT / "docs/alexnet_as_trained.md").read_text("utf-8")
WHO = ("paper", "2012 code", "Caffe", "torchvision")
ERRORS = re.compile(r"(\d+\.\d+) / (\d+\.\d+)")


def tables(text):
    """Yields (heading, columns, rows) of each table."""
    heading, rows = None, []
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield heading, rows[0], rows[2:]
            rows = []


TABLES = list(tables(PAGE))
POINTS = [table for table in TABLES if table[1][:2] == ["", "what"]]


def rows_of(heading):
    return [row for title, _, rows in POINTS if title == heading for row in rows]


def cell(heading, who, number=0):
    """The text of a point's row, the first one of a source unless another is asked for."""
    return [row[1] for row in rows_of(heading) if row[0] == who][number]


def number(text):
    """4·10⁻⁵ and 10⁻⁴ as numbers."""
    factor, power = re.fullmatch(
        r"(?:(\d+)·)?10⁻(\d)", text.translate(str.maketrans("⁴⁵", "45"))
    ).groups()
    return int(factor or 1) * 10.0 ** -int(power)


def test_every_row_has_a_source_of_its_kind():
    assert sum(len(rows) for _, _, rows in POINTS) > 100
    for heading, columns, rows in POINTS:
        assert columns[-1] == "source"
        for row in rows:
            assert len(row) == len(columns) and row[0] in WHO and all(row[1:]), (heading, row)
            source = row[-1]
            of_paper = re.search(r"§\d|Fig\. \d|Table \d", source)
            of_code = re.search(
                r"[\w/-]+\.(cfg|py|cu|cpp|md|proto|prototxt|sh):(\d|get_|load_|main)", source
            )
            assert of_paper if row[0] == "paper" else of_paper or of_code, (heading, source)


def test_every_point_speaks_of_all_four():
    points = [title for title, columns, _ in POINTS if columns == ["", "what", "source"]]
    for title in points:
        if title != "What the paper's comparisons changed besides":
            assert {row[0] for row in rows_of(title)} == set(WHO), title


def test_every_public_repository_has_its_commit():
    [(_, columns, rows)] = [table for table in TABLES if table[1][0] == "name"]
    assert columns == ["name", "what", "read at"]
    for name, what, commit in rows:
        whole = re.fullmatch("[0-9a-f]{40}", commit)
        assert whole or name == "paper" or "could not be found" in commit, (name, what)


def test_parameters_and_sizes():
    with keras.StatelessScope():  # counts and shapes without a value
        model = keras_classics.alexnet(towers="grouped", edition="code_2012")
    count = f"{model.count_params():,}"
    assert count == cell("Parameters", "2012 code") == cell("Parameters", "Caffe") == "60,965,224"
    sides = [layer.output.shape[1] for layer in model.layers if layer.name.startswith("pool")]
    assert "come to {}, {} and {} pixels".format(*sides) in PAGE


def test_parameters_of_torchvision_and_of_one_tower():
    def counted(widths):
        kernels = zip((11, 5, 3, 3, 3), (3, *widths), widths, strict=False)
        dense = zip((36 * widths[-1], 4096, 4096), (4096, 4096, 1000), strict=True)
        convolutions = sum((kernel**2 * maps + 1) * filters for kernel, maps, filters in kernels)
        return convolutions + sum((inputs + 1) * units for inputs, units in dense)

    widths = {
        who: [int(one) for one in re.findall(r"\d+", cell("Towers and widths", who))[:5]]
        for who in ("Caffe", "torchvision")
    }
    assert f"{counted(widths['torchvision']):,}" == cell("Parameters", "torchvision")
    assert f"{counted(widths['Caffe']):,}" == "62,378,344"
    assert "has\n62,378,344" in PAGE


def test_normalisations():
    across, within = "Normalisation across maps", "Normalisation within maps"
    alphas = {
        who: number(cell(across, who).split("α′ = ")[1].split("; ")[0].split("α = ")[-1])
        for who in WHO[:3]
    }
    assert alphas == {"paper": 1e-4, "2012 code": 2e-5, "Caffe": 2e-5}
    ks = {who: int(re.search(r"k = (\d)", cell(across, who)).group(1)) for who in WHO[:3]}
    bases = [round(ks[who] + alphas[who] * 5 * 100**2, 6) for who in WHO[:3]]
    assert bases == [7, 3, 2]
    assert "the base is 7 in the paper, 3 in the 2012 code, 2 in Caffe" in PAGE
    ones = np.full((1, 1, 1, 5), 100.0, "float32")
    for who, convention in (("paper", "sum"), ("2012 code", "mean"), ("Caffe", "mean")):
        ours = layers.LocalResponseNormalization(
            bias=ks[who], alpha_convention=convention, data_format="channels_last"
        )
        middle = float(np.asarray(ours(ones))[0, 0, 0, 2])
        # float32 squares and roots.
        assert middle == pytest.approx(100 / (ks[who] + alphas[who] * 5e4) ** 0.75, rel=1e-5)
    ours = layers.SpatialResponseNormalization()
    found = cell(within, "2012 code")
    assert number(found.split("α′ = ")[1].split(", ")[0]) == pytest.approx(
        ours.alpha / ours.size**2
    )
    assert f"windows of {ours.size}×{ours.size}" in found and f"β = {ours.beta:g}" in found
    assert cell(within, "2012 code", 1).startswith(f"k = {ours.bias:g},")


def errors(text):
    return [float(one) for one in ERRORS.search(text).groups()]


def test_published_errors_are_the_rounded_ones_of_the_logs():
    rows = rows_of("Published errors")
    # Each figure of the paper stands above that of its run.
    runs = [(above, row) for above, row in pairwise(rows) if "the same run" in row[1]]
    assert len(runs) == 3
    for paper, log in runs:
        assert paper[0] == "paper"
        # The table rounds to a tenth; 18.2953 is 18.3.
        assert np.abs(np.subtract(errors(paper[2]), errors(log[2]))).max() <= 0.05
    card = model_card("alexnet")
    assert errors(rows[0][2]) == [card.test_error, card.top5_error]
    for row in rows:
        right = re.search(r"\((\S+) and (\S+) right\)", row[1])
        if right:
            shares = [100 - float(one) for one in right.groups()]
            assert errors(row[2]) == pytest.approx(shares, abs=1e-9)


def test_what_the_comparisons_gave_is_the_difference_of_their_runs():
    [(_, columns, rows)] = [table for table in POINTS if "without" in table[1]]
    places = [columns.index(one) for one in ("without", "with", "paper")]
    compared = [[row[place] for place in places] for row in rows if ERRORS.search(row[places[0]])]
    assert len(compared) == 3
    for without, with_it, paper in compared:
        gained = np.subtract(errors(without), errors(with_it))
        assert [round(float(one), 1) for one in gained] == errors(paper)


def small(**options):
    """`alexnet` with the options of a snippet, as small as they allow and without values."""
    where = {} if "input_shape" in options else {"stem": "cifar", "input_shape": (32, 32, 3)}
    with keras.StatelessScope():
        return keras_classics.alexnet(**where, **{"include_top": False, **options})


KNOWN = {"alexnet": small, "RandomNormal": keras.initializers.RandomNormal}
for room in (layers, training, evaluation, color, crops, wrappers, data.transforms.resizing):
    KNOWN |= {name: value for name, value in vars(room).items() if not name.startswith("_")}
HERE = re.findall(r"\*\*Here:\*\*.*?(?=\n\n|\Z)", PAGE, re.DOTALL)
CALLS = sorted({one for text in HERE for one in re.findall(r"`(\w+\([^`]*\))`", text)})
[FORMS] = [rows for title, _, rows in POINTS if title == "The forms of the 2012 code"]


@pytest.mark.parametrize("call", CALLS)
def test_option_that_the_page_names_is_one(call):
    eval(call, dict(KNOWN))


@pytest.mark.parametrize("form", FORMS, ids=[row[1].partition(":")[0] for row in FORMS])
def test_form_of_the_code(form):
    _, what, here, parameters, error, source = form
    name = re.fullmatch(r"`(\w+)\(\)`", here).group(1)
    card = model_card(name)
    assert f"{card.parameters:,}" == parameters
    # To which the builder is held there.
    assert (name, {}, card.parameters, 0) in [row[:4] for row in COUNTS]
    assert errors(error) == [card.test_error, card.top5_error]
    number = what.partition(":")[0]
    assert f"layers-{number}.cfg:" in source and f"layer-params-{number}.cfg:" in source


def test_the_recipe_that_the_page_names():
    assert len(CALLS) > 20
    module = load_recipe("alexnet_imagenet")
    words = {tuple(one.split()) for text in HERE for one in re.findall(r"`(--[^`]+)`", text)}
    assert words == {("--edition", "code_2012")}
    for flags in words:
        parsed = recipe_parser(module.RECIPE, module.CHOICES).parse_args(flags)
        recipe = _apply(module.RECIPE, module.CHOICES, parsed)
        logged = errors(rows_of("Published errors")[1][2])
        assert logged == pytest.approx([recipe.paper.test_error, recipe.paper.top5_error])
    names = {one for text in HERE for one in re.findall(r"`([A-Z]\w+)`", text)}
    assert names and names <= set(KNOWN)


def test_readme_leads_to_the_page():
    assert "(docs/alexnet_as_trained.md)" in (ROOT / "README.md").read_text("utf-8")
