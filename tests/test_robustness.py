"""The table of bad inputs covers what there is, and a sample of it is clear."""

import os
import re
from collections import Counter

import pytest

from benchmarks.robustness import files, flags
from benchmarks.robustness.inputs import HEADING, section, write_section
from benchmarks.robustness.trial import Case, judge
from tests import ROOT

PACKAGE = ROOT / "keras_classics"
_READS = re.compile(
    r"(?<![\w.])open\(|\.open\(|read_text|read_bytes|np\.load|loadtxt|json\.load|load_model\(|h5py\.File"
    r"|torch\.load|load_file\(|run_path|import_module|scandir|iterdir|load_weights\("
)


def test_every_flag_has_ten_bad_inputs():
    counts = Counter(case.subject for case in flags.cases())
    few = [flag.subject for flag in flags.flags() if counts[flag.subject] < 10]
    assert not few, "add bad values in benchmarks/robustness/texts.py"


def test_every_kind_of_file_has_ten_bad_ones():
    counts = Counter(case.subject for case in files.cases())
    assert min(counts.values()) >= 10


def test_everything_that_reads_a_file_is_in_the_table():
    covered = {module for kind in files.kinds() for module in kind.read_by}
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if _READS.search(re.sub(r"(?m)^\s*(>>>|\.\.\.) .*", "", path.read_text("utf-8")))
    }
    missing = sorted(readers - covered - set(files.OTHER_READERS))
    assert missing == [], "add a Kind in benchmarks/robustness/files.py"


SAMPLE = (
    "list pattern",
    "train RECIPE|FILE.py",
    "train flags",
    "search --tuner",
    "train RECIPE --jit",
)


@pytest.mark.parametrize("subject", SAMPLE)
def test_a_sample_is_clear(subject, tmp_path):
    cases = [case for case in flags.cases() if case.subject == subject and not case.needs]
    unclear = {
        case.label: verdict.why
        for case in cases[:5]
        if (verdict := judge(case, tmp_path)).kind == "not clear"
    }
    assert not unclear


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: None, "it is taken without a word"),
        (lambda: 1 / 0, "traceback: ZeroDivisionError: division by zero"),
        (lambda: exit("error: no"), "it names neither --flag: error: no"),
        (lambda: exit("error: --flag " + "x" * 300), "314 characters: "),
        (lambda: exit("error: --flag\x1b"), "control characters: "),
        (lambda: exit("oh"), "0 sentences, status 1: oh"),
        (lambda: os.mkdir("left") or exit("error: --flag"), "it leaves left: error: --flag"),
        (lambda: __import__("time").sleep(9), "it hangs"),
    ],
)
def test_what_is_not_clear(call, why, tmp_path):
    case = Case(subject="--flag", label="", words=call, names=("--flag",))
    verdict = judge(case, tmp_path, seconds=1)
    assert (verdict.kind, verdict.why[: len(why)]) == ("not clear", why)


def test_the_section_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "robustness.md"
    path.write_text(f"# Robustness\n\n{HEADING}\n\nold\n\n## Others\n\ntheirs\n")
    write_section(path, section([], "python"))
    text = path.read_text("utf-8")
    assert "old" not in text and text.count(HEADING) == 1
    assert text.endswith("\n\n## Others\n\ntheirs\n")
