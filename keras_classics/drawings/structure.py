"""Folds a graph of parts into what a figure has: residual blocks, towers, auxiliary heads."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from keras_classics.drawings.parts import Part

_MOST_LINES = 4  # that cross where towers meet; more are drawn to one point


def folded(parts: dict[str, Part]) -> dict[str, Part]:
    """Returns the parts with each residual block as one, and heads at the part they look at.

    Where towers meet, each part behind sees all of them, as in the figures of AlexNet.

    Args:
        parts: {name: part}, first what comes first; those given are not changed.

    Example:
        >>> import keras_classics
        >>> from keras_classics.drawings.parts import parts_of
        >>> from keras_classics.drawings.structure import folded
        >>> parts = folded(parts_of(keras_classics.cifar_resnet20()))
        >>> [part.label for part in parts.values() if part.kind == "block"][:2]
        ['conv2_block1', 'conv2_block2']
    """
    parts = {
        name: dataclasses.replace(part, inputs=[*part.inputs], after=[*part.after], heads=[])
        for name, part in parts.items()
    }
    _fold_blocks(parts)
    _let_towers_cross(parts)
    _hang_heads(parts)
    return parts


def consumers_of(parts: dict[str, Part]) -> dict[str, list[str]]:
    """Returns {name: names of the parts that see it}."""
    found = defaultdict(list)
    for part in parts.values():
        for name in part.inputs:
            found[name].append(part.name)
    return found


def columns_of(parts: dict[str, Part]) -> dict[str, int]:
    """Returns {name: how many parts lie before it on the longest way from an input}."""
    columns: dict[str, int] = {}
    for part in parts.values():
        columns[part.name] = 1 + max((columns[name] for name in part.inputs), default=-1)
    return columns


def _fold_blocks(parts):
    """Puts a block in the place of each sum whose one input skipped what made the other."""
    for name in [name for name, part in parts.items() if (part.kind, part.what) == ("join", "+")]:
        add = parts[name]
        if len(add.inputs) != 2:
            continue
        consumers = consumers_of(parts)
        chains = [_chain_to(parts, consumers, source) for source in add.inputs]
        (fork, bypass), (other, chain) = sorted(chains, key=lambda found: len(found[1]))
        if fork != other or len(bypass) > 1 or len(chain) < 1 or len(chain) == len(bypass):
            continue
        kinds = {"convolution": "projection", "zeros": "zeros"}
        shortcut = kinds.get(bypass[0].kind) if bypass else "identity"
        if shortcut is None:
            continue
        for part in (*chain, *bypass):
            del parts[part.name]
        kernels = [part.what.removesuffix(" conv") for part in chain]
        add.kind, add.what, add.inputs = "block", ", ".join(kernels), [fork]
        add.inner, add.bypass, add.shortcut = chain, bypass, shortcut
        add.stride = max(part.stride for part in chain)


def _chain_to(parts, consumers, name):
    """The parts that lead to one and to nothing else, and the part before them."""
    chain = []
    while len(consumers[name]) == 1 and len(parts[name].inputs) == 1:
        chain.insert(0, parts[name])
        name = parts[name].inputs[0]
    return name, chain


def _let_towers_cross(parts):
    for name in [name for name, part in parts.items() if (part.kind, part.what) == ("join", "‖")]:
        join, consumers = parts[name], consumers_of(parts)
        seen_by = consumers[name]
        alone = all(len(consumers[one]) == 1 and parts[one].kind != "join" for one in join.inputs)
        if not alone or not 1 <= len(join.inputs) * len(seen_by) <= _MOST_LINES:
            continue
        for one in join.inputs:
            parts[one].after += join.after
        for one in seen_by:
            place = parts[one].inputs.index(name)
            parts[one].inputs[place : place + 1] = join.inputs
        del parts[name]


def _hang_heads(parts):
    """Takes the chains that do not lead to the deepest output out, and hangs them where they begin.

    What branches again, or sees two parts, stays in the graph.
    """
    columns, consumers = columns_of(parts), consumers_of(parts)
    needed = {max(columns, key=columns.__getitem__)}
    for name in reversed(parts):
        if name in needed:
            needed.update(parts[name].inputs)
    for end in [name for name in parts if not consumers[name] and name not in needed]:
        chain = [parts[end]]
        while len(chain[0].inputs) == 1 and chain[0].inputs[0] not in needed:
            chain.insert(0, parts[chain[0].inputs[0]])
        inner = chain[:-1]
        if len(chain[0].inputs) == 1 and all(len(consumers[part.name]) == 1 for part in inner):
            parts[chain[0].inputs[0]].heads.append(chain)
            for part in chain:
                del parts[part.name]
