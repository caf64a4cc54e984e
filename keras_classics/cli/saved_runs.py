"""What the commands read of runs after they ended."""

import json

from keras_classics.errors import UserError


def load_model(path):
    """Loads a saved model, or raises a UserError."""
    import keras

    if not path.exists():
        raise UserError(f"{path} does not exist; is the run finished, and was this epoch kept?")
    try:
        return keras.models.load_model(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be loaded as a model: {reason}") from error


def read_json(run_dir, name):
    """Reads a JSON file of a run, or raises a UserError."""
    try:
        return json.loads((run_dir / name).read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{run_dir} has no readable {name}; is it a finished run?") from error
    except ValueError as error:
        raise UserError(f"{run_dir / name} is damaged.") from error
