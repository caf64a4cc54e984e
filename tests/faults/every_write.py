"""Does something once undisturbed, then again with a fault at each of its writes, and goes on.

    python -m tests.faults.every_write TASK FAULT FOLDER [PATTERN …]

FOLDER/whole is what the undisturbed one left, FOLDER/<n> what was left and continued after the
fault at write n. FAULT is `kill` (SIGKILL) or `full` (the disk, a small one of FOLDER's own, is
full). With patterns, only the last write that matches each of them. Prints the writes of the
undisturbed one and what each fault brought, as JSON.

Each is a process of its own, forked from one that has imported everything and computed nothing;
which JAX would not survive.
"""

import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path

from keras_classics.cli import tune
from keras_classics.errors import UserError
from keras_classics.files import is_torn
from keras_classics.runs import loop
from keras_classics.training import vary
from tests.runs import small_recipes

LENET5 = vary(
    small_recipes.LENET5,
    {"epochs": 3, "limit_train": 64, "validation": 30, "keep_epochs": (1,), "paper": None},
)
SEARCHED = vary(
    small_recipes.PLAIN, {"limit_train": 64, "epochs": 2, "schedule.at": (99,), "validation": 30}
)


def space(hp):
    hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")


def search(path):
    tune(SEARCHED, space, ["--tuner", "random", "--trials", "2", "--directory", str(path)])


TASKS = {"run": lambda path: loop.train(LENET5, path, verbose=0), "search": search}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(folder, at_write):
    """Calls a function with a line for each write below a folder, before it happens."""

    def hook(event, arguments):
        if event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"):
            return
        path = arguments[1] if event == "os.rename" else arguments[0]
        if event == "open" and not (arguments[2] or 0) & _WRITING:
            return
        if not Path(os.fsdecode(path)).is_relative_to(folder):
            return
        if event == "os.remove" and not os.path.exists(path):
            return
        if event == "os.mkdir" and os.path.isdir(path):
            return
        at_write(f"{event} {os.path.relpath(path, folder)}")

    sys.addaudithook(hook)


def in_a_process(task, path, at_write, output):
    """Does a task in a process of its own; returns how it ended, and what it printed."""
    sys.stdout.flush()
    number = os.fork()
    if not number:
        for stream in (1, 2):
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        watch(path, at_write)
        try:
            TASKS[task](path)
            os._exit(0)
        except (UserError, SystemExit) as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        finally:
            os._exit(2)
    status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return status, Path(output).read_text()


def fault_at(number, fault, folder):
    """Returns a function that counts writes, and at the right one lets it go wrong."""
    left = [number]

    def at_write(line):
        left[0] -= 1
        if left[0] == 0 and fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if left[0] == 0 and fault == "full":
            fill(folder)

    return at_write


def fill(folder):
    """Leaves no room on the disk of a folder."""
    with open(Path(folder, "filler"), "wb", buffering=0) as file:
        for size in (2**20, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def main():
    task, fault, folder, *patterns = sys.argv[1:]
    folder, output = Path(folder), f"{sys.argv[3]}.output"
    folder.mkdir(parents=True, exist_ok=True)
    seen = Path(f"{folder}.writes")
    with open(seen, "w") as lines:
        status, said = in_a_process(
            task, folder / "whole", lambda line: print(line, file=lines, flush=True), output
        )
    assert status == 0, said
    writes = seen.read_text().splitlines()
    chosen = range(1, len(writes) + 1)
    if patterns:
        chosen = [
            max(n for n in chosen if re.search(pattern, writes[n - 1])) for pattern in patterns
        ]
    results = {}
    for number in chosen:
        path = folder / str(number)
        status, said = in_a_process(task, path, fault_at(number, fault, folder), output)
        torn = [file.name for file in path.rglob("*") if is_torn(file.name)]
        Path(folder, "filler").unlink(missing_ok=True)
        again, more = in_a_process(task, path, lambda line: None, output)
        results[number] = {
            "write": writes[number - 1], "status": status, "said": said, "torn": torn,
            "again": again, "more": more,
        }  # fmt: skip
        print(number, writes[number - 1], status, again, file=sys.stderr, flush=True)
    print(json.dumps({"writes": writes, "results": results}))


if __name__ == "__main__":
    main()
