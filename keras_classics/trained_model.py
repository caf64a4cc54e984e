"""The parts of a model that training made: pixels, what normalises them, the network, its ends."""


def network_of(model):
    """Returns the network inside a trained model; of a builder's own model, the model itself.

    A trained model is (pixels, layers of pixels, network), the saved one with the layers `logits`
    and `probabilities` behind it. Layers inside are reached through the network, since
    `model.get_layer("C1")` does not look inside.

    Args:
        model: a Keras model.

    Example:
        >>> import keras
        >>> from keras_classics.trained_model import network_of
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="inside")
        >>> model = keras.Sequential([keras.Input((4,)), network, keras.layers.Softmax()])
        >>> network_of(model).name, network_of(network).name
        ('inside', 'inside')
    """
    import keras

    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return nested[-1] if nested else model
