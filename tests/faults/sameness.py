"""Whether a run that was disturbed ended as one that was not."""

import csv
import json
import re

import keras
import numpy as np

import keras_classics  # noqa: F401  registers the layers of the saved models


def final_state(run_dir):
    """Everything that a run ends with, but for its times: dicts of arrays, and texts."""
    arrays, state = last_checkpoint(run_dir)
    with np.load(run_dir / "predictions.npz") as file:
        predictions = {name: file[name] for name in file.files}
    model = keras.models.load_model(run_dir / "model.keras")
    weights = {w.path: keras.ops.convert_to_numpy(w) for w in model.weights}
    texts = {name: (run_dir / name).read_text() for name in ("history.csv", "metrics.json")}
    with open(run_dir / "timings.csv") as file:
        texts["timings.csv"] = [row["epoch"] for row in csv.DictReader(file)]
    texts["report.html"] = page_text(run_dir)
    return (arrays, weights, predictions), {"state": state, **texts}


def last_checkpoint(run_dir):
    """The arrays and the state of a run's last checkpoint, but for its times."""
    with np.load(sorted((run_dir / "checkpoints").glob("epoch-*.npz"))[-1]) as file:
        arrays = {name: file[name] for name in file.files}
    # The seconds of the epochs, and the sum that covers them.
    state = json.loads(str(arrays.pop("state")))
    assert len(state.pop("seconds")) == state["epoch"] and arrays.pop("checksum")
    return arrays, state


def page_text(run_dir):
    """The words of a run's page, but for times and the run directory's own name."""
    page = (run_dir / "report.html").read_text().replace("<wbr>", "")
    page = page.replace(str(run_dir), "RUN_DIR")
    # From where a text begins: else a search begins at each letter of the weights in the page.
    page = re.sub(r'src="data:[^"]*"|(?<=[·>])[^·<]* of training, [\d.]+ s an epoch', "", page)
    return re.sub(r"<td>\d{4}-\d\d-\d\dT[^<]*</td>|<[^>]*>", "", page)


def files_of(folder):
    """The names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def assert_same(one, other):
    """Compares two run directories: names of files, histories, figures, arrays, weights, page."""
    (arrays, texts), (other_arrays, other_texts) = final_state(one), final_state(other)
    for a, b in zip(arrays, other_arrays, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    assert texts == other_texts
    assert files_of(one) == files_of(other)
