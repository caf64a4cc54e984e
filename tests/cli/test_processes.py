"""Commands as processes: what they print, where they cannot print, and how they are stopped."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests import ROOT

QUICK = ["--data", "mnist_5k", "--epochs", "1", "--limit-train", "300", "--run-dir", "run"]
LENET = [sys.executable, str(ROOT / "recipes" / "lenet5_mnist.py"), *QUICK]
# What a command does, without what takes seconds to import.
PRINTS = [
    sys.executable,
    "-c",
    "import sys; sys.modules['__main__'].__file__ = 'mine.py'\n"
    "from keras_classics.cli import own_process; own_process()\n"
    "for number in range(9999): print('2 × 2', flush=True)\n"
    "print('– done', file=sys.stderr)\n"
    "open('written', 'w').write('all')",
]
SHELL = {  # how bash would say it
    "closed": "{} >&-",
    "all closed": "{} <&- >&- 2>&-",
    "full": "{} > /dev/full",
    "both full": "{} > /dev/full 2>&1",
    "no reader": "{} | head -1 | grep -q 2; exit ${{PIPESTATUS[0]}}",
}


def environment(**changes):
    kept = {name: v for name, v in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return kept | {"PYTHONPATH": str(ROOT)} | changes


def in_bash(command, how, tmp_path):
    line = SHELL[how].format('"$0" "$@"')
    return subprocess.run(
        ["bash", "-c", line, *command],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize("how", SHELL)
def test_output_never_ends_a_command(tmp_path, how):
    done = in_bash(PRINTS, how, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr in ("– done\n", "")
    assert (tmp_path / "written").read_text() == "all"


def test_letters_that_a_terminal_does_not_have(tmp_path):
    done = subprocess.run(
        PRINTS, cwd=tmp_path, env=environment(PYTHONIOENCODING="ascii"), capture_output=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"2 \\xd7 2\n") and done.stderr == b"\\u2013 done\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", SHELL)
def test_a_run_ends_well_whatever_becomes_of_its_output(tmp_path, how):
    done = in_bash(LENET, how, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"history.csv", "metrics.json", "model.keras", "report.html"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


@pytest.mark.backend
def test_the_first_line_is_ours_and_no_library_speaks_between(tmp_path):
    """On a terminal without our letters, which has ended such a run after its training."""
    done = subprocess.run(
        LENET, cwd=tmp_path, env=environment(PYTHONIOENCODING="ascii"),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "Run directory: run"


HUSHED = (
    "import os, signal, sys; sys.modules['__main__'].__file__ = 'mine.py'\n"
    "from keras_classics.cli import own_process, output; own_process()\n"
    "os.write(2, b'I0000 a notice\\n')\n"
)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("", ""),
        ("sys.exit('error: ours')", "error: ours\n"),
        ("output.speak(); os.write(2, b'later\\n')", "later\n"),
        ("import no_such_module", "I0000 a notice\nTraceback (most recent call last):"),
        ("os.abort()", "I0000 a notice\n"),
        ("os.kill(os.getpid(), signal.SIGILL)", "I0000 a notice\n"),
    ],
)
def test_what_libraries_say_is_kept_for_an_import_that_fails(end, expected):
    done = subprocess.run(
        [sys.executable, "-c", HUSHED + end], env=environment(), capture_output=True, text=True
    )
    assert done.stderr.startswith(expected) and bool(done.stderr) == bool(expected)


def stopped(tmp_path, number, when, words=()):
    """Starts LeNet-5's recipe, sends a signal after seconds or after a line of output."""
    process = subprocess.Popen(
        [*LENET, *words],
        cwd=tmp_path, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if isinstance(when, str):
        assert any(when in line for line in iter(process.stdout.readline, ""))
        time.sleep(1)
    else:
        time.sleep(when)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


ENDLESS = ["--epochs", "500", "--limit-train", "3000"]
CONTINUES = "Stopped. The same command with --run-dir run continues the run.\n"


def test_interrupted_while_it_trains(tmp_path):
    status, errors = stopped(tmp_path, signal.SIGINT, "Run directory", ENDLESS)
    assert (status, errors) == (130, CONTINUES)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_imports(tmp_path, number):
    assert stopped(tmp_path, number, 1.5) == (128 + number, "Stopped.\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_any_time(tmp_path, number):
    for tenths in range(8, 120, 8):
        status, errors = stopped(tmp_path, number, tenths / 10, ENDLESS)
        assert status == 128 + number
        assert errors in ("Stopped.\n", CONTINUES)
    words = [*ENDLESS[2:], "--epochs", "2", "--run-dir", "next"]
    status, errors = stopped(tmp_path, number, "epoch 1/2", words)
    assert status == 128 + number
    again = subprocess.run([*LENET, *words], cwd=tmp_path, env=environment(), capture_output=True)
    assert again.returncode == 0
