"""What the differences between AlexNet's paper and its authors' code do: a section of cifar.md."""

from benchmarks.training.markdown import interval, of, seeds, table

GROUP = "cifar_alexnet_editions"

# `--change` of recipes/alexnet_editions_cifar10.py.
CHANGES = (
    ("none: as published", "none"),
    ("order and normalisations", "order"),
    ("conv3, conv4, conv5 from N(0, 0.03²)", "starts"),
    ("biases at twice the rate", "biases"),
    ("all three", "all"),
)
# A network that knows nothing of ten classes has a loss of ln 10 = 2.303; 0.05 below is off it.
# Chosen before any of the runs was looked at.
LEFT = 2.25

TEXT = f"""## CIFAR-10 (JPEG q75): AlexNet as published, as trained

Two towers at 32 pixels, 3,200 training pictures in batches of 32, 10 epochs of 100 updates; from
the paper's network to that of its authors' code, a change at a time
([as published, as trained](../../docs/alexnet_as_trained.md)). A run has left its start with the
first epoch whose mean training loss is below {LEFT}; ln 10 = 2.303 is that of a network that knows
nothing. Loss and training error are those of the last epoch, with dropout at work. Means over seeds
with their 95 % interval by Student's t; of epochs each seed's.
"""


def epochs_to_leave(row):
    """Returns the epoch, from 1, in which a run has left its start; None where it never does."""
    losses = row["curves"]["loss"]
    return next((n for n, loss in enumerate(losses, 1) if loss < LEFT), None)


def left(rows):
    """Returns e.g. `3, 4, 4: 3.67 (2.23 … 5.10)`; no mean where a run never leaves its start."""
    epochs = [epochs_to_leave(row) for row in rows]
    each = ", ".join(
        f"not within {row['epochs']}" if n is None else str(n)
        for row, n in zip(rows, epochs, strict=True)
    )
    return each if None in epochs or len(rows) == 1 else f"{each}: {interval(epochs)}"


def editions(rows):
    """The section."""
    lines = []
    for label, change in CHANGES:
        chosen = of(rows, GROUP, f"{change}-")
        if not chosen:
            lines.append([label, "not run", "", "", "", ""])
            continue
        losses = [row["curves"]["loss"][-1] for row in chosen]
        errors = [[row[key] for row in chosen] for key in ("train_error", "error")]
        lines.append([label, left(chosen), *map(interval, (losses, *errors)), seeds(chosen)])
    head = ("change", "epochs to leave the start", "loss", "training %", "test %", "runs")
    return [TEXT, *table(head, lines)]
