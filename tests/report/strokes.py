"""What somebody draws on the pad: strokes, each a list of points from 0 to 1, right and down."""

SEVEN = [[[0.22, 0.2], [0.5, 0.19], [0.78, 0.2], [0.6, 0.5], [0.45, 0.85]]]
THREE = [
    [
        *([0.30, 0.24], [0.40, 0.16], [0.55, 0.15], [0.67, 0.22], [0.70, 0.33], [0.63, 0.43]),
        *([0.48, 0.48], [0.62, 0.52], [0.73, 0.62], [0.72, 0.76], [0.61, 0.86], [0.45, 0.88]),
        [0.29, 0.80],
    ]
]
# One of many random lines. LeNet-5 takes most of them for some digit: it has never seen any other.
SCRIBBLE = [
    [[0.12, 0.14], [0.89, 0.79], [0.54, 0.87], [0.89, 0.41], [0.36, 0.64], [0.12, 0.55]],
]


def moved(strokes, scale, right=0.0, down=0.0):
    """Returns strokes of another size in another place."""
    return [[[scale * x + right, scale * y + down] for x, y in stroke] for stroke in strokes]
