"""The sections about what a network answered, and about pictures that it was shown."""

from keras_classics.report.answers import confusions, pictures, training
from keras_classics.report.markup import paragraph, section
from keras_classics.report.predictions import read_predictions
from keras_classics.report.run_files import RecordedRun, ReportError


def answers(run: RecordedRun) -> list[str]:
    """Returns the sections that predictions.npz holds something for."""
    try:
        predictions = read_predictions(run.path / "predictions.npz")
    except ReportError as error:
        text = paragraph(f"{error} Without it there are no confusions and mistakes to show.")
        return [section("confusion", "Confusions and mistakes", text)]
    names = run.class_names(predictions["probabilities"].shape[1])
    kept = pictures.kept(predictions)
    return [
        confusions.confusion(run, predictions, names),
        confusions.classes(predictions, names),
        pictures.misclassified(run, predictions, names),
        pictures.certain(predictions, names, kept),
        pictures.best_answers(predictions, names, kept),
        training.neighbours(predictions, names, kept),
        training.first_batch(run, predictions, names),
    ]
