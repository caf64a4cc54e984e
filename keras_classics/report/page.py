"""One self-contained HTML page about a run."""

import contextlib
import os
from pathlib import Path

from keras_classics.files import sweep, utf8
from keras_classics.report.run_files import read_run, write_figure

_HOUR = 3600  # seconds; a run that goes on draws into the same folder


def write_report(run_dir: str | os.PathLike) -> Path:
    """Draws all figures of a run and writes report.html, a page that needs nothing else.

    An unfinished run gets a page about what is there so far.

    Args:
        run_dir: the directory that training wrote.

    Returns:
        The path of the page.

    Raises:
        ReportError: if this is no run directory, a file in it is damaged, or it cannot be written
            to.
    """
    # Not above: templates, drawings and tables would be loaded before a run's first step.
    from keras_classics.report import sections
    from keras_classics.report.answers import answers
    from keras_classics.report.inside import inside
    from keras_classics.report.markup import document

    run = read_run(run_dir)
    with contextlib.suppress(OSError):  # what follows says it, where nothing can be written
        sweep(run.path, age=_HOUR)
    parts = [
        sections.header(run),
        sections.result(run),
        *sections.changes(run),
        sections.deviations(run),
        sections.curves(run),
        *answers(run),
        *inside(run),
        sections.recipe(run),
        sections.environment(run),
    ]
    page = document(f"{run.name} on {run.dataset}", parts)
    return write_figure(run.path / "report.html", utf8(page))
