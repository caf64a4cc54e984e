"""`keras-classics draw`."""

import subprocess
import sys

import pytest

from keras_classics.cli.main import main
from tests.drawings.regenerate import FOLDER


def test_it_writes_the_drawing_and_names_it(tmp_path, capsys):
    path = tmp_path / "lenet5.svg"
    main(["draw", "lenet5", str(path)])
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes() == (FOLDER / "lenet5.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lenet", "x.svg"], "similar: lenet5"),
        (["lenet5", "x.png"], "a file that ends in .svg"),
        (["lenet5", "old.svg"], "There is something at old.svg already; nothing was written."),
    ],
)
def test_a_mistake_ends_in_one_sentence(words, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.svg").write_text("old")
    with pytest.raises(SystemExit) as ended:
        main(["draw", *words])
    message = str(ended.value.code)
    assert message.startswith("error: ") and sentence in message and "\n" not in message
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_mistake_is_found_before_keras_is_imported():
    code = (
        "import sys; from keras_classics.drawings import DrawingError, draw\n"
        "for model, path in (('lenet', 'x.svg'), ('lenet5', 'x.png')):\n"
        "    try: draw(model, path)\n"
        "    except DrawingError: pass\n"
        "    else: sys.exit('drawn')\n"
        "assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
