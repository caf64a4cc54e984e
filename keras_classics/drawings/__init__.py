"""Drawings of architectures for a lecture: a functional Keras model in, an SVG out."""

from keras_classics.drawings.draw import DrawingError, draw

__all__ = ["DrawingError", "draw"]
