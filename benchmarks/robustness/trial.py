"""One bad input: what is typed, what is damaged before, and what has to come."""

import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LONGEST = 300  # characters of a sentence
_MEMORY = 16 * 2**30


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input.

    Args:
        subject: the flag or the kind of file.
        label: what is bad about it.
        words: what is typed behind `keras-classics`; or a function, of the library alone.
        names: the sentence has to hold one of them.
        needs: intact things that lie in the folder, see `intact`.
        damage: function of the folder, called before.
        accepted: why the input may be legal, or None where it must be refused.
        environment: variables set for this case.
    """

    subject: str
    label: str
    words: tuple | Callable
    names: tuple
    needs: tuple = ()
    damage: Callable | None = None
    accepted: str | None = None
    environment: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What came of a case: "clear", "accepted" or "not clear", and why or by which words."""

    case: Case
    kind: str
    why: str


def judge(case, intact, seconds=60, process=False):
    """Runs a case in a folder of its own; returns its `Verdict`.

    Args:
        case: the `Case`.
        intact: the folder of the intact things.
        seconds: after which it counts as hanging.
        process: whether as a process from the start; else as a fork of this one, which has
            imported everything already.
    """
    with tempfile.TemporaryDirectory(prefix="b") as root:
        folder = Path(root, "w")
        folder.mkdir()
        for name in case.needs:
            copy = shutil.copytree if (intact / name).is_dir() else shutil.copy2
            copy(intact / name, folder / name)
        if case.damage is not None:
            try:
                case.damage(folder)
            except Exception as error:  # minutes of other' results do not end with it
                return Verdict(case, "not clear", f"the damage could not be done: {error!r}")
        before = _snapshot(folder)
        with open(Path(root, "out"), "w+b") as out, open(Path(root, "err"), "w+b") as err:
            start = _process if process and isinstance(case.words, tuple) else fork
            status = start(case, folder, out, err, seconds)
            err.seek(0)
            text = err.read().decode("utf-8", "backslashreplace")
        return Verdict(case, *_verdict(case, status, text, _changes(before, _snapshot(folder))))


def _environment(case):
    return {"XDG_CACHE_HOME": "cache", **case.environment}


def _process(case, folder, out, err, seconds):
    try:
        return subprocess.run(
            [sys.executable, "-m", "keras_classics", *case.words],
            cwd=folder, env={**os.environ, **_environment(case)},
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=seconds,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return None


def fork(case, folder, out, err, seconds):
    """Runs a case in a folder; returns its status, or None where it had to be killed."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _be_the_command(case, folder, out, err)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _be_the_command(case, folder, out, err):
    status = 70
    try:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        # Whatever these were: of a test, they are not the process' own.
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  a command may put others there
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        os.environ.update(_environment(case))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        from keras_classics.cli.main import main

        call = case.words if callable(case.words) else lambda: main(list(case.words))
        status = _status_of(call)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _status_of(call):
    try:
        call()
    except SystemExit as stop:  # as the interpreter does at its end
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    return 0


def _verdict(case, status, text, changes):
    if status is None:
        return "not clear", "it hangs"
    if "Traceback (most recent call last)" in text:
        return "not clear", f"traceback: {text.strip().splitlines()[-1][:200]}"
    if status < 0 or status == 70:
        return "not clear", f"died of {status}: {text.strip()[-200:]}"
    if status == 0:
        kind = "accepted" if case.accepted else "not clear"
        return kind, case.accepted or "it is taken without a word"
    lines = [line for line in text.splitlines() if re.match(r"(error|.{1,60}: error): ", line)]
    if len(lines) != 1:
        return "not clear", f"{len(lines)} sentences, status {status}: {text.strip()[-200:]}"
    sentence = lines[0]
    if len(sentence) > LONGEST:
        return "not clear", f"{len(sentence)} characters: {sentence[:200]}…"
    if re.search(r"[\x00-\x1f\x7f]", sentence):
        return "not clear", f"control characters: {sentence!r}"
    if not any(_shown(name) in sentence for name in case.names):
        return "not clear", f"it names neither {' nor '.join(case.names)}: {sentence}"
    if changes and "listed in new/bad_images.txt" not in sentence:  # that is for the user to read
        return "not clear", f"it {changes}: {sentence}"
    return "clear", sentence


def _shown(name):
    """A name as a sentence shows it, bytes that are no UTF-8 by their numbers."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _snapshot(folder):
    """{path: digest} of all that lies in a folder, but for the cache and the lock."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            place = str(path.relative_to(folder))
            if place.split("/")[0] == "cache" or name in (".lock", "__pycache__"):
                continue
            if path.suffix == ".pyc":
                continue
            is_file = path.is_file() and not path.is_symlink()
            found[place] = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
    return found


def _changes(before, after):
    kinds = {
        "removes": [p for p in before if p not in after],
        "leaves": [p for p in after if p not in before],
        "alters": [p for p in before if p in after and before[p] != after[p]],
    }
    return "; ".join(
        f"{verb} {', '.join(p[:60] for p in ps[:3])}" for verb, ps in kinds.items() if ps
    )
