"""`--seeds`: what it reads, and that each run is the run that its seed has alone."""

import json

import numpy as np
import pytest

from keras_classics.cli import run
from keras_classics.cli.seeds import seeds_of
from keras_classics.training import PassTable, RecipeError, vary
from tests.runs import small_recipes

TINY = vary(
    small_recipes.LENET5,
    {
        "limit_train": 100,
        "epochs": 1,
        "validation": 50,
        "copies": 1,
        "schedule": PassTable(((1, 1.0),)),
    },
)


def test_numbers_and_ranges():
    assert seeds_of("0-4") == (0, 1, 2, 3, 4)
    assert seeds_of("7") == (7,)
    assert seeds_of("3,0-1") == (3, 0, 1)


@pytest.mark.parametrize("text", ["4-0", "", "0-", "-1", "0-4-5", "x", "1,,2", "0-99999", "²"])
def test_what_is_no_list_of_seeds(text):
    with pytest.raises(RecipeError, match=f"rising ranges .* Received: --seeds {text}$"):
        seeds_of(text)


def test_a_seed_twice():
    with pytest.raises(RecipeError, match="twice"):
        seeds_of("0-2,1")


@pytest.mark.parametrize("words", [["--seed", "0"], ["--processes", "2"]])
def test_flags_that_exclude_it(words, tmp_path):
    with pytest.raises(SystemExit, match=f"`--seeds` and `{words[0]}` exclude each other"):
        run(TINY, argv=["--seeds", "0,1", "--run-dir", str(tmp_path / "new"), *words])
    assert not (tmp_path / "new").exists()


def test_each_run_is_that_of_its_seed_alone(tmp_path, capsys):
    """Run, interrupted by a folder that is gone, and continued: only what is missing is trained."""
    together, alone = tmp_path / "together", tmp_path / "alone"
    run(TINY, argv=["--seeds", "0,3", "--run-dir", str(together)])
    run(TINY, argv=["--seed", "3", "--run-dir", str(alone)])
    paths = (together / "seed-3" / "predictions.npz", alone / "predictions.npz")
    with np.load(paths[0]) as one, np.load(paths[1]) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)
    summary = json.loads((together / "seeds.json").read_text())
    errors = [
        json.loads((together / f"seed-{seed}" / "metrics.json").read_text())["error"]
        for seed in (0, 3)
    ]
    assert summary["seeds"] == [0, 3] and summary["error"]["each"] == errors
    assert summary["error"]["mean"] == pytest.approx(sum(errors) / 2)
    words = f"{np.mean(errors):.2f} ± {np.std(errors, ddof=1):.2f} %"
    assert words in capsys.readouterr().out

    (together / "seed-3" / "report.html").unlink()  # as killed right before its end
    trained = (together / "seed-0" / "model.keras").stat().st_mtime_ns
    run(TINY, argv=["--seeds", "0,3,4", "--run-dir", str(together)])
    assert (together / "seed-0" / "model.keras").stat().st_mtime_ns == trained
    assert (together / "seed-3" / "report.html").exists()
    assert len(json.loads((together / "seeds.json").read_text())["error"]["each"]) == 3


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit, match="is not a folder of `--seeds` .it holds mine.txt"):
        run(TINY, argv=["--seeds", "0-1", "--run-dir", str(tmp_path)])
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


def test_the_runs_of_another_recipe_are_left_alone(tmp_path):
    arguments = ["--seeds", "0", "--run-dir", str(tmp_path)]
    run(TINY, argv=arguments)
    with pytest.raises(SystemExit, match="belongs to another run .it differs in batch_size"):
        run(TINY, argv=[*arguments[:1], "1,0", *arguments[2:], "--batch-size", "16"])
    assert not (tmp_path / "seed-1").exists()
