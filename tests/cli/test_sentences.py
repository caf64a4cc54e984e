"""What is typed, and how the sentence that refuses it looks on a terminal."""

import argparse
import errno

import numpy as np
import pytest

from keras_classics.cli.main import main
from keras_classics.cli.sentences import end_in_a_sentence, one_line


def fails(capsys, *arguments):
    """The one line that a command ends with."""
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    if isinstance(stopped.value.code, str):
        return stopped.value.code
    return capsys.readouterr().err.splitlines()[-1]


def test_a_terminal_is_sent_nothing_that_it_obeys():
    assert one_line("no \x1b]0;title\x07\n  file \udcff, caf\xe9 漢") == (
        r"no \x1b]0;title\x07 file \xff, café 漢"
    )


def test_long_words_lose_their_middle_and_sentences_their_length():
    assert one_line("a" * 5000 + " is no number.").endswith("aaaaaaaaaa is no number.")
    for words in (["a" * 5000], ["b" * 400, "c" * 500], ["d" * 41] * 20):
        text = one_line(" ".join(["It is", *words, "and ends."]))
        assert text.startswith("It is ") and text.endswith(" and ends.")
        assert len(text) < 300 or max(map(len, text.split())) <= 40


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list", "lenet"], 'No network has a name like "lenet" (similar: lenet5'),
        (["list", "zzz"], 'No network has a name like "zzz"; `keras-classics list` shows all'),
        (
            ["train", "--epochs", "3", "lenet5_mnist"],
            "unrecognized arguments: --epochs; a recipe's flags stand behind its name",
        ),
        (["list", "lenet5", "vgg16"], "unrecognized arguments: vgg16"),
        (["list", ""], "argument pattern: the text is empty"),
        (["train", " "], "argument RECIPE|FILE.py: the text is empty"),
        (["evaluate", "run", "--data", ""], "argument --data: the text is empty"),
        (["evaluate", "run", "--split", "\x1b[31m"], r"invalid choice: '\x1b[31m'"),
        (["evaluate", "a" * 300], "cannot be used (File name too long)."),
    ],
)
def test_what_is_typed_wrong(capsys, arguments, sentence):
    line = fails(capsys, *arguments)
    assert sentence in line
    assert line.isprintable() and len(line) < 300


def test_a_path_that_the_system_refuses_is_named(tmp_path, capsys):
    loop = tmp_path / "loop.py"
    loop.symlink_to(loop)
    line = fails(capsys, "evaluate", str(loop / "x"))
    assert str(loop) in line and "Traceback" not in line
    assert errno.errorcode[errno.ELOOP] not in line


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"batch_size": 8}, "error: There is not enough free memory; try a smaller --batch-size."),
        ({}, "error: There is not enough free memory."),
    ],
)
def test_full_memory_is_a_sentence(flags, sentence):
    with pytest.raises(SystemExit) as stopped:
        end_in_a_sentence(lambda: np.zeros((10**6, 10**8)), argparse.Namespace(**flags))
    assert stopped.value.code == sentence
