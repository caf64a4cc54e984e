"""Looks into networks: filters, maps, what speaks for a class, and which classes are confused.

    plot_filters         the filters of the first convolution
    feature_maps         what the layers make of a picture
    grad_cam             where a layer's maps speak for a class
    occlusion            a class's probability while a square hides a part of the picture
    plot_confusion       which class is taken for which

These return matplotlib figures. `grad_cam_map` and `occlusion_map` return the numbers, as an
`Explanation`.
"""

from keras_classics.visualization.classes import Explanation
from keras_classics.visualization.confusion import plot_confusion
from keras_classics.visualization.filters import plot_filters
from keras_classics.visualization.grad_cam import grad_cam, grad_cam_map
from keras_classics.visualization.maps import feature_maps
from keras_classics.visualization.occlusion import occlusion, occlusion_map

__all__ = [
    "Explanation",
    "feature_maps",
    "grad_cam",
    "grad_cam_map",
    "occlusion",
    "occlusion_map",
    "plot_confusion",
    "plot_filters",
]
