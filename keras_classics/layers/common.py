"""Checks of arguments that several layers share."""

import keras


def standardize_data_format(data_format):
    """Returns "channels_last" or "channels_first", Keras' setting for None."""
    if data_format is None:
        return keras.config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            '`data_format` must be one of "channels_last", "channels_first" or None. '
            f"Received: data_format={data_format!r}"
        )
    return data_format


def check_positive_integers(**arguments):
    """Raises a ValueError that names the first argument that is not an integer above 0."""
    for name, value in arguments.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")


def drawing_anew(initializer):
    """Returns the initialiser with a generator in place of an integer seed.

    An integer seed gives the same numbers at every call; a generator moves on.
    """
    seed = getattr(initializer, "seed", None)
    if not isinstance(seed, int):
        return initializer
    config = {**initializer.get_config(), "seed": keras.random.SeedGenerator(seed)}
    return type(initializer).from_config(config)
