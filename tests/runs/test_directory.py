"""The run directory: who may use it, and what survives damage. Real files, real processes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from keras_classics.files import written_beside
from keras_classics.runs.directory import RunDirectory, RunDirectoryError, check_owner, unwritable
from keras_classics.training.fields import fields_of, vary
from tests import ROOT
from tests.runs import small_recipes

RECIPE = small_recipes.LENET5


def arrays(value):
    return [np.full((3, 2), value, "float32"), np.array(value)]


def state(epoch, step=0):
    return {"epoch": epoch, "step": step, "history": [{"epoch": 1, "loss": 0.1}]}


@pytest.fixture
def directory(tmp_path):
    directory = RunDirectory(tmp_path / "run", RECIPE)
    yield directory
    directory.close()


def refuse(text):
    raise AssertionError(f"no warning was expected: {text}")


def test_a_new_directory_has_no_checkpoint(directory):
    assert directory.load_checkpoint(refuse) is None


def test_the_newest_checkpoint_comes_back_exactly_and_old_ones_go(directory):
    for epoch, step in ((1, 0), (1, 40), (2, 0)):
        directory.save_checkpoint(arrays(epoch + step), state(epoch, step))
    loaded, stored = directory.load_checkpoint(refuse)
    assert stored == state(2)
    for one, other in zip(loaded, arrays(2), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(list(directory.checkpoints.iterdir())) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(directory, damage):
    directory.save_checkpoint(arrays(1), state(1))
    directory.save_checkpoint(arrays(2), state(2))
    newest = sorted(directory.checkpoints.iterdir())[-1]
    content = bytearray(newest.read_bytes())
    if damage == "flipped":
        content[content.index(np.float32(2).tobytes() * 6)] ^= 1  # one bit of one weight
    newest.write_bytes(
        {"truncated": content[:-100], "flipped": content, "empty": b"", "text": b"hello"}[damage]
    )
    said = []
    _, stored = directory.load_checkpoint(said.append)
    assert stored["epoch"] == 1
    assert len(said) == 1 and newest.name in said[0] and "is damaged" in said[0]


def test_any_damage_to_a_checkpoint_is_noticed(directory):
    """Bits flipped anywhere, headers and names of the archive among them; and every length."""
    directory.save_checkpoint(arrays(1), state(1))
    directory.save_checkpoint(arrays(2), state(2))
    newest = sorted(directory.checkpoints.iterdir())[-1]
    whole, rng = newest.read_bytes(), np.random.default_rng(0)
    flipped = []
    for place in rng.permutation(len(whole))[:600]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        flipped.append(bytes(damaged))
    cut = [whole[:length] for length in rng.integers(0, len(whole), 100)]
    fallen_back = 0
    for content in flipped + cut:
        newest.write_bytes(content)
        said = []
        loaded, stored = directory.load_checkpoint(said.append)
        epoch = 1 if said else 2
        assert stored == state(epoch)
        for one, other in zip(loaded, arrays(epoch), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        for sentence in said:
            assert "is damaged" in sentence and "trying the one before it" in sentence
            assert "\n" not in sentence
        fallen_back += bool(said)
    assert fallen_back > 500


def test_arrays_that_were_left_out_or_exchanged_are_noticed(directory):
    """What no check of the archive itself could tell."""
    directory.save_checkpoint(arrays(1), state(1))
    directory.save_checkpoint(arrays(2), state(2))
    newest = sorted(directory.checkpoints.iterdir())[-1]
    with np.load(newest) as file:
        named = {name: file[name] for name in file.files}
    for change in (
        {"00000": named["00000"] + 1},
        {"00002": named["00001"]},
        {"00000": named["00000"].T},
        {"00000": named["00000"].astype("float64")},
        {"state": np.array(json.dumps(state(3)))},
    ):
        np.savez(newest, **named | change)
        said = []
        assert directory.load_checkpoint(said.append)[1] == state(1)
        assert "do not have its checksum" in said[0]


def test_with_every_checkpoint_damaged_nothing_starts_from_scratch(directory):
    directory.save_checkpoint(arrays(1), state(1))
    for path in directory.checkpoints.iterdir():
        path.write_bytes(b"")
    with pytest.raises(RunDirectoryError, match="training from scratch there would overwrite"):
        directory.load_checkpoint(lambda text: None)


def test_with_every_checkpoint_removed_nothing_starts_from_scratch(directory):
    (directory.path / "history.csv").write_text("epoch,loss\n1,0.5\n")
    with pytest.raises(RunDirectoryError, match="training from scratch there would overwrite"):
        directory.load_checkpoint(refuse)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"seed": 7}, "seed"), ({"learning_rate": 1.0, "epochs": 9}, "learning_rate, epochs")],
)
def test_a_directory_of_another_run_is_refused_and_left_alone(tmp_path, changes, named):
    RunDirectory(tmp_path / "run", RECIPE).close()
    before = (tmp_path / "run" / "recipe.json").read_bytes()
    with pytest.raises(RunDirectoryError, match=f"belongs to another run .it differs in {named}"):
        RunDirectory(tmp_path / "run", vary(RECIPE, changes))
    assert (tmp_path / "run" / "recipe.json").read_bytes() == before


def test_a_field_that_recipes_did_not_have_had_its_default(tmp_path):
    RunDirectory(tmp_path, RECIPE).close()
    path = tmp_path / "recipe.json"
    stored = json.loads(path.read_text())
    del stored["recipe"]["drop_last"], stored["recipe"]["precision"]
    path.write_text(json.dumps(stored))
    with pytest.raises(RunDirectoryError, match="it differs in drop_last.;"):
        RunDirectory(tmp_path, vary(RECIPE, {"drop_last": True}))
    RunDirectory(tmp_path, RECIPE).close()


def test_a_field_that_recipes_do_not_have_is_another_run(tmp_path):
    RunDirectory(tmp_path, RECIPE).close()
    path = tmp_path / "recipe.json"
    path.write_text(path.read_text().replace('"shuffle"', '"new": 1, "shuffle"'))
    with pytest.raises(RunDirectoryError, match="it differs in new.;"):
        RunDirectory(tmp_path, RECIPE)


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunDirectoryError, match="is not a run directory"):
        RunDirectory(tmp_path, RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_killed_before_its_recipe_was_written_goes_on(tmp_path):
    for left in (".lock", ".recipe.partial.json"):
        (tmp_path / left).write_text("")
    RunDirectory(tmp_path, RECIPE).close()
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "recipe.json", "checkpoints"}


def test_a_damaged_recipe_json_is_refused(tmp_path):
    RunDirectory(tmp_path, RECIPE).close()
    (tmp_path / "recipe.json").write_text('{"recipe"')
    with pytest.raises(RunDirectoryError, match="recipe.json` cannot be read"):
        RunDirectory(tmp_path, RECIPE)


def test_a_newer_format_is_refused(tmp_path):
    RunDirectory(tmp_path, RECIPE).close()
    path = tmp_path / "recipe.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(RunDirectoryError, match="a newer version of keras_classics has written"):
        RunDirectory(tmp_path, RECIPE)


def test_a_second_process_is_refused_while_the_first_lives(tmp_path):
    code = (
        "import sys\n"
        "from tests.runs import small_recipes as s\n"
        "from keras_classics.runs.directory import RunDirectory\n"
        f"held = RunDirectory({str(tmp_path / 'run')!r}, s.LENET5)\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, cwd=ROOT)  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunDirectoryError, match="Another process is running in"):
            RunDirectory(tmp_path / "run", RECIPE)
    finally:
        other.kill()
        other.communicate()
    RunDirectory(tmp_path / "run", RECIPE).close()  # the lock went with the process


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunDirectoryError, match="cannot be written .Not a directory.; choose"):
        RunDirectory(tmp_path / "file" / "run", RECIPE)


def test_a_disk_without_room_is_said_before_training(directory):
    with pytest.raises(RunDirectoryError, match="needs about .* MB in .* make room or choose"):
        directory.require_space(2**62)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here; it takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk):
    directory = RunDirectory(small_disk / "run", RECIPE)
    directory.save_checkpoint(arrays(1), state(1))
    with pytest.raises(OSError, match="No space left on device") as raised:
        directory.save_checkpoint([np.zeros(2**20)], state(2))
    sentence = str(unwritable(directory.path, raised.value))
    assert sentence == (
        f"The run directory {directory.path} could not be written (No space left on device); what "
        "it holds is unharmed: make room there, and the same command with `run_dir` "
        f"{directory.path} continues it."
    )
    assert directory.load_checkpoint(refuse)[1] == state(1)
    assert len(list(directory.checkpoints.iterdir())) == 1
    directory.save_checkpoint(arrays(2), state(2))  # there is room again
    directory.close()


def test_a_disk_that_became_read_only_leaves_what_was_there(small_disk):
    directory = RunDirectory(small_disk / "run", RECIPE)
    directory.save_checkpoint(arrays(1), state(1))
    directory.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only") as raised:
        directory.save_checkpoint(arrays(2), state(2))
    assert "make it writable, and the same" in str(unwritable(directory.path, raised.value))
    with pytest.raises(RunDirectoryError, match="cannot be written .Read-only file system.; ch"):
        RunDirectory(small_disk / "run", RECIPE)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    again = RunDirectory(small_disk / "run", RECIPE)
    assert again.load_checkpoint(refuse)[1] == state(1)
    again.close()


def test_what_killed_processes_left_is_swept(tmp_path):
    """Also what former versions left, whose names ended or began with the process' number."""
    RunDirectory(tmp_path, RECIPE).close()
    left = (".report.html.4242", ".4242.metrics.json", ".report.4242.partial.html")
    for name in (*left, ".notes.txt", ".4242", "report.html", ".hidden.html"):
        (tmp_path / name).write_text("")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / ".curves.png.7").write_text("")
    RunDirectory(tmp_path, RECIPE).close()
    assert {path.name for path in tmp_path.rglob("*")} == {
        ".lock", "recipe.json", "checkpoints", "figures",
        ".notes.txt", ".4242", "report.html", ".hidden.html",
    }  # fmt: skip


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")

    def fail():
        with written_beside(path) as beside:
            beside.write_text("half of the n")
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["metrics.json"]


def test_recipe_json_names_every_field(directory):
    stored = json.loads((directory.path / "recipe.json").read_text())
    assert set(stored["recipe"]) == {"call"} | set(fields_of(RECIPE))
    assert stored["recipe"]["model"] == {"call": "keras_classics.models.lenet:lenet5"}


@pytest.mark.parametrize("below", ["", "/run", "/a/run"])
def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_computed(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunDirectoryError) as refused:
        check_owner(f"{tmp_path}/file{below}", RECIPE)
    assert str(refused.value) == (
        f"The run directory {tmp_path}/file{below} cannot be written (Not a directory); choose "
        "another with `run_dir`."
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_the_place_of_a_checkpoint(directory):
    directory.save_checkpoint(arrays(1), state(1))
    (directory.checkpoints / "epoch-00002-step-0000000.npz").mkdir()
    with pytest.raises(RunDirectoryError, match="step-0000000.npz is not a file; remove it, and"):
        directory.load_checkpoint(refuse)
