"""Takes a model apart, call after call, and counts each weight once."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_classics import checks
from keras_classics.anatomy import counting
from keras_classics.anatomy.parts import Counts, Part, Reduction
from keras_classics.anatomy.windows import Field, Side
from keras_classics.compat import calls_of
from keras_classics.layers import Inception

if TYPE_CHECKING:
    from keras_classics.types import Shape

# Names that say a block, as ours and those of `keras.applications` do: conv2_block1_1_conv,
# block_1_expand, block2a_se_reduce; and conv1_1, conv1_2 of VGG.
_BLOCK = re.compile(r"(.*?block_?\d+[a-z]?)(?:_|$)|(conv\d+)_\d+(?:_bn|_relu)?$")
# What they give lies in the memory already.
_VIEWS = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Identity)
_NOTHING = Counts()


def dissect(model: keras.Model) -> tuple[tuple[Part, ...], tuple[Reduction, ...]]:
    """Returns the parts of a built model, and the reductions inside its Inception modules.

    A model that is no graph of layers is its layers, without sizes.

    Example:
        >>> import keras_classics
        >>> from keras_classics.anatomy.dissection import dissect
        >>> parts, _ = dissect(keras_classics.lenet5())
        >>> parts[1].name, parts[1].counts.parameters, parts[1].counts.multiply_adds
        ('C1', 156, 117600)
    """
    walk = _Walk()
    parts = walk.graph(model, None, "")[0] if _is_graph(model) else walk.listed(model, "")
    return tuple(parts), tuple(walk.reductions)


def checked(name: str, model: object) -> keras.Model:
    """Returns the model, once it is one and has its weights.

    Args:
        name: of the argument.
        model: what came.

    Raises:
        ValueError: if it is no Keras model, or none that is built.
    """
    if not isinstance(model, keras.Model):
        checks.refuse(name, "a Keras model", model)
    if not model.built:
        rule = "built, by its input's shape or a first call"
        checks.refuse(name, rule, f"{type(model).__name__} {model.name!r}")
    return model


def _is_graph(layer):
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


class _Walk:
    def __init__(self) -> None:
        self.reductions: list[Reduction] = []
        self._counted: set[int] = set()  # ids of weights
        # By the ids of tensors, which have to live as long.
        self._fields: dict[int, tuple[Any, Field]] = {}

    def graph(
        self, model: keras.Model, inputs: Sequence[Any] | None, place: str
    ) -> tuple[list[Part], list[Field]]:
        """Returns the parts of a model that is called on `inputs`, None for its own, and fields."""
        calls, outputs = calls_of(model, inputs)
        parts = []
        for layer, before, behind in calls:
            if before:
                parts.append(self._call(layer, before, behind, place))
            elif inputs is None:
                parts.append(self._input(layer, behind, place))
        return _in_blocks(parts, place), self._seen(outputs)

    def listed(self, model: keras.Model, place: str) -> list[Part]:
        """Returns the parts of a model whose calls nobody knows."""
        parts = []
        for layer in model.layers:
            name = f"{place}{layer.name}"
            if _is_graph(layer):
                inside, _ = self.graph(layer, None, f"{name}/")
                parts.append(Part(name=name, kind=type(layer).__name__, parts=tuple(inside)))
            else:
                parts.append(self._leaf(layer, name, (), (), None, ""))
        return parts

    def _seen(self, tensors):
        return [self._fields[id(tensor)][1] for tensor in tensors]

    def _note(self, tensors, fields):
        for tensor, field in zip(tensors, fields, strict=True):
            self._fields[id(tensor)] = tensor, field

    def _input(self, layer, tensors, place):
        counts = [len(counting.sides(layer, tensor.shape)) for tensor in tensors]
        fields = [(Side(),) * count or "all" for count in counts]
        self._note(tensors, fields)
        shapes = [tensor.shape for tensor in tensors]
        return self._leaf(layer, place + layer.name, (), shapes, fields[0], tensors[0].dtype)

    def _call(self, layer, before, behind, place):
        name, seen = place + layer.name, self._seen(before)
        inputs, outputs = ([tensor.shape for tensor in side] for side in (before, behind))
        if _is_graph(layer) and len(before) == len(layer.inputs):
            inside, fields = self.graph(layer, before, f"{name}/")
            part = _group(layer, name, inputs, outputs, fields[0], inside)
        else:
            if isinstance(layer, Inception):
                part = self._module(layer, name, inputs, outputs, seen, behind[0].dtype)
            else:
                field = counting.field_behind(layer, seen, inputs, outputs[0])
                part = self._leaf(layer, name, inputs, outputs, field, behind[0].dtype)
            fields = [part.receptive_field] * len(behind)
        self._note(behind, fields)
        return part

    def _module(self, layer, name, inputs, outputs, seen, dtype):
        """The layers of an Inception module's paths, and the stack of what they give."""
        inside, ends = [], []
        for path in layer.paths:
            shape, field = inputs[0], seen[0]
            start = len(inside)
            for inner in path:
                behind = tuple(inner.compute_output_shape(shape))
                field = counting.field_behind(inner, [field], [shape], behind)
                own = f"{name}/{inner.name}"
                inside.append(self._leaf(inner, own, [shape], [behind], field, dtype))
                shape = behind
            ends.append(field)
            self._note_reduction(path, inside[start:])
        stack = _activations(outputs, dtype)
        return _group(layer, name, inputs, outputs, counting.widest(ends), inside, stack)

    def _note_reduction(self, path, parts):
        pairs = zip(path, parts, strict=True)
        found = [(layer, part) for layer, part in pairs if part.counts.neurons]
        if len(found) == 2:
            (_, before), (layer, part) = found
            self.reductions.append(
                Reduction(
                    name=part.name,
                    sides=counting.sides(layer, (None, *part.outputs[0])),
                    channels=counting.maps(layer, (None, *before.inputs[0])),
                    reduced=before.maps,
                    kernel_size=part.window.kernel_size,
                    filters=part.maps,
                )
            )

    def _leaf(self, layer, name, inputs, outputs, field, dtype):
        """A layer by itself; of shapes with the batch, none where they are not known."""
        weights = getattr(layer, "weights", [])
        fresh = [weight for weight in weights if id(weight) not in self._counted]
        self._counted.update(map(id, fresh))
        trained = [weight for weight in fresh if weight.trainable]
        counts = _activations(outputs, dtype, kept=not isinstance(layer, _VIEWS))
        products, window = 0, None
        if not outputs:
            products = None if weights else 0
        elif inputs:
            known = counting.is_known(layer)
            products = counting.multiply_adds(layer, inputs[0], outputs[0]) if known else None
            sides = counting.sides(layer, outputs[0])
            window = counting.window_of(layer, len(sides)) if known else None
        return Part(
            name=name,
            kind=type(layer).__name__,
            inputs=_without_batch(inputs),
            outputs=_without_batch(outputs),
            window=window,
            maps=counting.maps(layer, outputs[0]) if outputs else None,
            receptive_field=field,
            own=counts
            + Counts(
                parameters=_size(fresh),
                trained=_size(trained),
                multiply_adds=products or 0,
                neurons=counts.activations if products else 0,
                weight_bytes=_size(fresh, in_bytes=True),
                gradient_bytes=_size(trained, in_bytes=True),
            ),
            uncounted=products is None,
            shared=bool(weights) and not fresh,
        )


def _group(layer, name, inputs, outputs, field, parts, own=_NOTHING):
    return Part(
        name=name,
        kind=type(layer).__name__,
        inputs=_without_batch(inputs),
        outputs=_without_batch(outputs),
        maps=counting.maps(layer, outputs[0]),
        receptive_field=field,
        own=own,
        parts=tuple(parts),
    )


def _in_blocks(parts, place):
    """Puts layers that stand side by side and are named as of one block into one part."""

    def block(part):
        found = _BLOCK.match(part.name.removeprefix(place))
        return found and (found[1] or found[2])

    folded = []
    for name, run in itertools.groupby(parts, block):
        members = tuple(run)
        if not name or len(members) == 1:
            folded += members
            continue
        first, last = members[0], members[-1]
        folded.append(
            Part(
                name=place + name,
                kind="block",
                inputs=first.inputs,
                outputs=last.outputs,
                maps=last.maps,
                receptive_field=last.receptive_field,
                parts=members,
            )
        )
    return folded


def _activations(shapes: Sequence[Shape], dtype: str, kept: bool = True) -> Counts:
    """What lies in the memory of outputs; nothing of those whose size is not known."""
    numbers = sum(math.prod(shape[1:]) for shape in shapes if None not in shape[1:])
    return Counts(activations=numbers, activation_bytes=numbers * _bytes(dtype) if kept else 0)


def _size(weights, in_bytes=False):
    return sum(math.prod(one.shape) * (_bytes(one.dtype) if in_bytes else 1) for one in weights)


def _bytes(dtype):
    """4 of "float32", 2 of "bfloat16", 1 of "bool"."""
    bits = re.search(r"\d+", str(dtype))
    return max(int(bits[0]) // 8, 1) if bits else 1


def _without_batch(shapes):
    return tuple(tuple(shape[1:]) for shape in shapes)
