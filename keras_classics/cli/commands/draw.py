"""`keras-classics draw`: an architecture as a picture for a lecture."""

from __future__ import annotations

from argparse import Namespace


def draw_command(arguments: Namespace) -> None:
    """Draws a network and prints where the drawing is."""
    from keras_classics.drawings import draw

    print(draw(arguments.network, arguments.file))
