"""Dense layers as convolutions, for pictures of any size (dense evaluation)."""

from __future__ import annotations

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import Conv2D
from keras_classics.models.common import channel_axis, sides


def fully_convolutional(model: keras.Model) -> keras.Model:
    """Returns the network with its dense layers turned into convolutions with the same weights.

    The dense layer behind `Flatten` becomes a "valid" convolution over the whole map it saw (7×7
    for VGG at 224 pixels), every further one a 1×1 convolution. The result takes pictures of any
    size from the original's upwards and gives one vector of classes for each position of the
    window: at the original's size exactly the original's output, with two axes of length one.
    All layers before the dense ones are shared with the original, not copied.

    Args:
        model: a network with `Flatten` and `Dense` layers, such as VGG.

    Returns:
        A `keras.Model`, (batch, height, width, channels) to (batch, rows, columns, num_classes)
        with channels last.

    Raises:
        ValueError: if it is no network, or has no `Flatten` layer.

    Reference:
        Simonyan and Zisserman 2014, section 3.2.

    Example:
        >>> import keras_classics
        >>> model = keras_classics.vgg11(10, input_shape=(32, 32, 3))
        >>> keras_classics.fully_convolutional(model).compute_output_shape((1, 64, 96, 3))
        (1, 2, 3, 10)
    """
    if not isinstance(model, keras.Model):
        checks.refuse("model", "a Keras model", model)
    flattens = [layer for layer in model.layers if isinstance(layer, layers.Flatten)]
    if len(flattens) != 1:
        raise ValueError(
            "`model` must have one Flatten layer, with dense layers behind it. "
            f"Received: model={model.name!r} with {len(flattens)} of them"
        )
    flatten = flattens[0]
    copied = []

    def convert(layer):
        if layer is flatten:
            return layers.Identity(name=layer.name)
        if not isinstance(layer, layers.Dense):
            return layer
        convolution = Conv2D(
            layer.units,
            sides(flatten.input) if layer.input is flatten.output else 1,
            activation=layer.activation,
            use_bias=layer.use_bias,
            name=layer.name,
        )
        copied.append((layer, convolution))
        return convolution

    channels = model.input.shape[channel_axis()]
    shape = (None, None, channels) if channel_axis() == -1 else (channels, None, None)
    inputs = keras.Input(shape)
    convolutional = keras.models.clone_model(model, input_tensors=inputs, clone_function=convert)
    for dense, convolution in copied:
        # Flatten runs over height, width, channels in either data format.
        kernel = keras.ops.reshape(dense.kernel, convolution.kernel.shape)
        convolution.kernel.assign(kernel)
        if dense.use_bias:
            # A copy: under JAX both would be one array, which one model's `predict` uses up.
            convolution.bias.assign(keras.ops.copy(dense.bias))
    return convolutional
