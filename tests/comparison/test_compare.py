"""`keras-classics compare`: its figures, its forms, and what it says of runs that are not whole."""

import csv
import io
import json
import shutil
import statistics

import pytest

from keras_classics import compare
from keras_classics.cli.main import main
from keras_classics.comparison.settings import differing_settings, settings_of
from keras_classics.files import write_json
from keras_classics.runs import RunDirectory
from keras_classics.training import vary
from tests.comparison.conftest import RECIPE
from tests.comparison.test_runs import fails, printed


def metrics(path):
    return json.loads((path / "metrics.json").read_text())


def change(path, function):
    content = json.loads(path.read_text())
    function(content)
    write_json(path, content)


def test_seeds_are_one_row_with_the_figures_of_seeds_json(copies):
    slow, fast = compare(copies / "slow", copies / "fast").rows
    assert (slow.seeds, fast.seeds) == ([0, 1], [0, 1])
    for row, name in ((slow, "slow"), (fast, "fast")):
        summary = json.loads((copies / name / "seeds.json").read_text())
        for figure, spread in row.spreads.items():
            expected = summary[figure]
            assert row.values[figure] == expected.pop("each")
            assert spread._asdict() == expected
    errors = [metrics(copies / f"fast/seed-{seed}")["error"] for seed in (0, 1)]
    assert fast.spreads["error"].deviation == pytest.approx(statistics.stdev(errors))


def test_equal_seeds_are_subtracted(copies):
    found = compare(copies / "slow", copies / "fast")
    errors = [
        [metrics(copies / f"{name}/seed-{seed}")["error"] for seed in (0, 1)]
        for name in ("slow", "fast")
    ]
    differences = [b - a for a, b in zip(*errors, strict=True)]
    spread = found.difference(found.rows[1])
    assert spread.mean == pytest.approx(statistics.fmean(differences))
    assert spread.deviation == pytest.approx(statistics.stdev(differences))
    assert found.difference(found.rows[0]) is None
    # Of one common seed alone nothing can be said.
    shutil.rmtree(copies / "fast/seed-1")
    found = compare(copies / "slow", copies / "fast")
    assert found.difference(found.rows[1]) is None


def two_seeds(run):
    """Returns a folder of a run with seed 0, and the same as if it had been seed 1."""
    folder = run.with_name(f"{run.name}-seeds")
    for seed in (0, 1):
        one = shutil.copytree(run, folder / f"seed-{seed}")
        change(one / "recipe.json", lambda it, seed=seed: it["recipe"].update(seed=seed))
    return folder


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("slow/seed-0", {"validation": 20}, {"validation": 30}),
        ("slow/seed-0", {"dataset": "folder:/v1/pets"}, {"dataset": "folder:/v2/pets"}),
        ("ended", {"limit_test": 40}, {"limit_test": None}),
    ],
)
def test_equal_seeds_on_other_pictures_are_not_subtracted(copies, name, first, second):
    one = two_seeds(copies / name)
    folders = one, shutil.copytree(one, copies / "other")
    for folder, fields in zip(folders, (first, second), strict=True):
        for path in folder.glob("*/recipe.json"):
            change(path, lambda it, fields=fields: it["recipe"].update(fields))
    found = compare(*folders)
    assert [row.seeds for row in found.rows] == [[0, 1], [0, 1]]
    assert found.difference(found.rows[1]) is None
    for path in folders[1].glob("*/recipe.json"):  # of the same pictures
        change(path, lambda it: it["recipe"].update(first, batch_size=7))
    found = compare(*folders)
    assert found.difference(found.rows[1]).mean == 0


def test_what_differs_is_said_as_one_would_type_it(copies, capsys):
    lines = printed(capsys, "compare", "runs/slow", "runs/fast")
    place = lines.index("What differs; what is not named is the default")
    assert lines[place + 1 : place + 3] == [
        "1  --set learning_rate=0.02  --batch-size 32",
        "2  --set learning_rate=0.1  --batch-size 16",
    ]
    assert lines[0] == "Validation error, %"
    rows = [line.split() for line in lines if line.startswith(("1  small", "2  small"))]
    rows, differences = [row for row in rows if "0-1" in row], [r for r in rows if "0-1" not in r]
    assert len(rows) == 4 and all(row[2] == "0-1" and row[4] == "±" for row in rows)
    assert [row[:2] for row in differences] == [["2", "small"]]


def test_runs_one_by_one_and_their_folder_are_the_same(copies):
    together = compare(copies / "slow")
    alone = compare(copies / "slow/seed-1", copies / "slow/seed-0", copies / "slow")
    assert together.data() == alone.data()


def test_other_backends_are_other_rows(copies):
    change(copies / "slow/seed-1/environment.json", lambda it: it.update(backend="another"))
    first, second = compare(copies / "slow").rows
    assert second.settings == {"KERAS_BACKEND": "another"} and first.seeds == [0]


def test_other_pictures_are_said(copies):
    found = compare(copies / "slow", copies / "ended")
    assert found.rows[1].settings["measured on"] == "held-out"
    assert found.figures["error"] == "error"


def test_a_seed_counts_once(copies):
    shutil.copytree(copies / "slow/seed-1", copies / "again", copy_function=shutil.copy)
    found = compare(copies / "slow", copies / "again")
    assert found.rows[0].seeds == [0, 1]
    assert found.notes == (
        "Left out: runs/slow/seed-1, whose recipe and seed are those of runs/again.",
    )


def test_a_run_that_is_not_finished_goes_as_far_as_it_is(copies):
    """Beside finished seeds it is in no mean; alone it has the figures of its last epoch."""
    directory = RunDirectory(copies / "stopped", vary(RECIPE, {"seed": 2}))
    found = compare(copies / "slow", copies / "stopped")
    directory.close()
    (row,) = found.rows
    assert row.seeds == [0, 1] and len(row.runs) == 3
    assert found.notes == (
        "runs/stopped is still being written, with 1 of 2 epochs done; its curve is drawn, and it "
        "is not in the mean.",
    )
    found = compare(copies / "stopped", copies / "failed")
    history = list(csv.DictReader((copies / "stopped/history.csv").open()))
    assert found.rows[0].values["error"] == [float(history[-1]["val_error"])]
    assert found.rows[0].values["train_error"] == [float(history[-1]["error"])]
    assert found.notes[0].startswith(
        "runs/stopped was interrupted, with 1 of 2 epochs done; its fi"
    )
    assert "runs/failed failed" in found.notes[1] and "became NaN" in found.notes[1]
    assert found.rows[0].spreads["error"].deviation is None


def test_where_the_test_set_chose(copies, capsys):
    assert compare(copies / "slow").about_test_set == [
        "The test pictures chose nothing, as far as the runs tell."
    ]
    found = compare(copies / "plateau", copies / "ended")
    assert found.chosen[0].startswith(
        "Row 1, seed 0: the run divides the rate where their error stands still (DivideOnPlateau("
    )
    assert found.chosen[1] == (
        "Row 2, seed 0: the run ended after 2 of 3 epochs, by a callback that could see their "
        "error."
    )
    change(copies / "ended/recipe.json", lambda it: it["recipe"].update(epochs=2))
    (sentence,) = compare(copies / "ended").about_test_set
    assert sentence == (
        "After every epoch the test pictures were measured; they chose nothing, as far as the runs "
        "tell."
    )
    change(
        copies / "plateau/recipe.json",
        lambda it: it["recipe"].update(
            schedule={"call": "a:WarmUp", "then": it["recipe"]["schedule"]}
        ),
    )
    lines = printed(capsys, "compare", "runs/plateau")
    assert any(line.startswith("Row 1, seed 0: the run divides") for line in lines)


def test_the_papers_figures_stand_beside(copies, capsys):
    text = " ".join(printed(capsys, "compare", "runs/plateau", "runs/ended"))
    assert "paper" in text and "12.50" in text and "3.00" in text
    assert compare(copies / "plateau").rows[0].data()["paper"]["where"] == "Table 1"


def test_csv_has_numbers(copies, capsys):
    main(["compare", "runs/slow", "runs/plateau", "--csv"])
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    spread = compare(copies / "slow").rows[0].spreads["error"]
    assert [float(first[f"error_{part}"]) for part in spread._fields] == list(spread)
    assert (first["seeds"], first["split"], second["error_paper"]) == ("0-1", "validation", "12.5")
    assert second["error_deviation"] == "" and second["--set validation"] == "test"


def test_what_a_terminal_would_obey_is_written_out(copies, capsys):
    for path in (copies / "slow").glob("*/recipe.json"):
        change(path, lambda it: it["recipe"].update(name="a\x1b[31m", dataset="folder:/\x1b]0;b"))
    main(["compare", "runs/slow", "runs/fast", "--csv"])
    said = capsys.readouterr().out
    assert "\x1b" not in said and "a\\x1b[31m" in said and "folder:/\\x1b]0;b" in said


def test_many_long_seeds_leave_room_for_the_errors(copies, capsys):
    for number in range(1, 9):
        one = shutil.copytree(copies / "slow/seed-0", copies / f"slow/more-{number}")
        seed = 1_234_567 * number
        change(one / "recipe.json", lambda it, seed=seed: it["recipe"].update(seed=seed))
    (row,) = compare(copies / "slow").rows
    lines = printed(capsys, "compare", "runs/slow")
    (line,) = (line for line in lines if row.spreads["error"].figure in line)
    assert line.endswith(row.spreads["error"].interval) and "0-1,123456…" in line


def test_markdown_latex_and_json(copies, capsys):
    words = ["compare", "runs/slow", "runs/fast"]
    main([*words, "--markdown"])
    lines = capsys.readouterr().out.splitlines()
    (header,) = (line for line in lines if "learning\\_rate" in line)
    rows = [line for line in lines if line.startswith(("| 1 |", "| 2 |"))]
    assert {header.count(" | "), *(row.count(" | ") for row in rows)} == {8}
    main([*words, "--latex"])
    latex = capsys.readouterr().out
    assert latex.startswith("\\begin{tabular}{rlllrrrrr}") and latex.endswith("\\end{tabular}\n")
    assert "{-}{-}set learning\\_rate" in latex and "$\\pm$" in latex and "±" not in latex
    body = [line for line in latex.splitlines() if line.endswith("\\\\")]
    assert len(body) == 3 and len({line.count(" & ") for line in body}) == 1
    assert len(latex.split("{")[2].split("}")[0]) == body[0].count(" & ") + 1
    main([*words, "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads(
        json.dumps(compare("runs/slow", "runs/fast").data())
    )


def test_networks_that_come_trained(capsys):
    lines = printed(capsys, "compare", "lenet5/mnist", "mnist_cnn")
    assert lines[0] == "Test error, %" and any("lenet5_mnist" in line for line in lines)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: change(run / "recipe.json", lambda it: it.update(format=99)), "newer version"),
        (lambda run: (run / "recipe.json").write_text('{"format": 1, "rec'), "cannot be read"),
        (lambda run: (run / "metrics.json").write_text("[]"), "metrics.json` cannot be read"),
        (lambda run: (run / "recipe.json").unlink(), "holds no recipe.json"),
    ],
)
def test_a_damaged_run_is_one_sentence(copies, damage, words):
    """Named itself it ends the command; below a folder it is left out, and said."""
    run = copies / "slow/seed-1"
    damage(run)
    assert words in fails("compare", run, copies / "fast")
    found = compare(copies / "slow")
    assert found.rows[0].seeds == [0]
    assert found.notes[0].startswith("Left out: ") and words in found.notes[0]


def test_what_is_no_run(copies):
    assert "There is no run runs/slwo (similar: slow" in fails("compare", "runs/slwo")
    assert "/seed-1, runs/" in fails("compare", "seed-1x")
    assert "lenet5/minst does not exist" in fails("compare", "lenet5/minst")
    assert "but a file" in fails("compare", copies / "slow/seeds.json")
    (copies / "empty").mkdir()
    assert "holds none" in fails("compare", copies / "empty")
    assert "--html must be a file" in fails("compare", copies / "slow", "--html", "page.png")
    words = ["compare", copies / "slow/seed-0", "--html", copies / "slow/seed-0/report.html"]
    assert "report.html is there and is no page of a comparison" in fails(*words)
    with pytest.raises(ValueError, match="at least one run"):
        compare()


CROP = {"call": "a:Crop", "size": 24}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"epochs": 3}, {"epochs": 3, "seed": 9, "name": "x"}, {}),
        ({"dataset": "mnist"}, {"dataset": "mnist_5k"}, {"--data": ["mnist", "mnist_5k"]}),
        (
            {"loss": {"call": "a:Map", "j": 1.0}},
            {"loss": {"call": "a:Map", "j": 10.0}},
            {"--set loss.j": ["1.0", "10.0"]},
        ),
        (
            {"loss": {"call": "a:Map", "j": 1.0}},
            {"loss": {"call": "keras:CrossEntropy"}},
            {"--set loss": ["Map(j=1.0)", "CrossEntropy"]},
        ),
        (
            {"train_transforms": [CROP]},
            {"train_transforms": [{**CROP, "size": 28}]},
            {"--set train_transforms.0.size": ["24", "28"]},
        ),
        ({"train_transforms": [CROP]}, {"train_transforms": []},
         {"--set train_transforms": ["[Crop(size=24)]", "none"]}),
        ({"model": {"call": "__main__:net", "source text": "a"}},
         {"model": {"call": "__main__:net", "source text": "b"}},
         {"--set model.source text": ["code ac8d83", "code c100f9"]}),
        # What differs only where it is shortened, or only in its kind, is told apart.
        ({"dataset": f"folder:/{'a' * 90}"}, {"dataset": f"folder:/{'a' * 50}b{'a' * 39}"},
         {"--data": [f"folder:/{'a' * 22}…{'a' * 29} #{end}" for end in ("5a391e", "4bcbf9")]}),
        ({"loss": {"call": "a:Map", "j": None}}, {"loss": {"call": "a:Map", "j": "none"}},
         {"--set loss.j": ["none #74234e", "none #30a092"]}),
        # A file from before the field was there means its default.
        ({"epochs": 1}, {"epochs": 1, "precision": "float32"}, {}),
        ({"epochs": 1}, {"epochs": 1, "precision": "mixed_float16"},
         {"--precision": ["float32", "mixed_float16"]}),
    ],
)  # fmt: skip
def test_differences(first, second, expected):
    assert differing_settings(settings_of([first, second])) == expected
