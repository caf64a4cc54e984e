"""Bad folders: of pictures, and the one that the cache is to be in."""

import shutil

from benchmarks.robustness import intact
from benchmarks.robustness.trial import Case


def cases():
    words = (*intact.FOLDER, "--cache", "disk")
    needs = ("pictures", "pictures.py")
    shapes = {
        "train missing": lambda f: (f / "pictures/train").rename(f / "pictures/training"),
        "val missing": lambda f: (f / "pictures/val").rename(f / "pictures/validation"),
        "val empty": lambda f: _emptied(f / "pictures/val"),
        "train empty": lambda f: _emptied(f / "pictures/train"),
        "a class of val unknown": lambda f: (f / "pictures/val/class1").rename(
            f / "pictures/val/x"
        ),
        "a class without pictures": lambda f: (f / "pictures/train/class2").mkdir(),
        "train a file": lambda f: _as_file(f / "pictures/train"),
        "a class a file": lambda f: _as_file(f / "pictures/train/class1"),
        "train a link to itself": lambda f: _as_loop(f / "pictures/train"),
        "only texts": lambda f: _renamed(f / "pictures/train/class1", ".txt"),
        "all pictures damaged": lambda f: _ruined(f / "pictures/train/class1"),
        "all test pictures damaged": lambda f: _ruined(f / "pictures/val/class1"),
    }
    result = [
        Case(subject="folder: its shape", label=label, words=intact.FOLDER, needs=needs,
             damage=damage, names=("pictures", "train", "val"))
        for label, damage in shapes.items()
    ]  # fmt: skip
    caches = ("/dev/null", "/dev/null/x", "/proc", "/proc/x", "/proc/1/x", "file", "file/below",
              "loop", "mine.py", "a" * 300, "a/" * 3000, "/sys", "mine.py/\udcff")  # fmt: skip
    return result + [
        Case(subject="the cache's folder", label=where, words=words, needs=(*needs, "mine.py"),
             damage=_obstacles, environment={"XDG_CACHE_HOME": where},
             accepted="it is made" if where.startswith(("a/", "dangling")) else None,
             names=("cache", "XDG_CACHE_HOME"))
        for where in caches
    ]  # fmt: skip


def _obstacles(folder):
    (folder / "file").write_text("a file")
    (folder / "loop").symlink_to("loop")


def _emptied(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def _as_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a file")


def _as_loop(folder):
    shutil.rmtree(folder)
    folder.symlink_to(folder.name)


def _renamed(folder, suffix):
    for path in folder.iterdir():
        path.rename(path.with_suffix(suffix))


def _ruined(folder):
    for path in folder.iterdir():
        path.write_bytes(b"no picture")
