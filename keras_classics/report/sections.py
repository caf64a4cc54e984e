"""The sections of the page that say what ran and how well it did."""

import math
import shlex

import numpy as np

from keras_classics.report import markup
from keras_classics.report.curves import (
    curves_svg,
    draw_curves,
    draw_growing_curves,
    published,
    series_names,
)
from keras_classics.report.markup import bullets, paragraph, section, table
from keras_classics.report.run_files import RecordedRun
from keras_classics.report.values import changes_in_words, plain
from keras_classics.words import pictures, plural
from keras_classics.zoo import paper_of


def header(run: RecordedRun) -> str:
    """The recipe's name, what, when and how long it ran, and whose network it is."""
    facts = [f"data set {run.dataset}", f"seed {run.seed}", run.day]
    if run.epochs:
        facts.append(plural(run.epochs, "epoch"))
    if run.seconds.size:
        each = np.median(run.seconds)
        facts.append(f"{_duration(run.seconds.sum())} of training, {each:.1f} s an epoch")
    return markup.header(run.name, " · ".join(facts), paper_of(run.builder))


def result(run: RecordedRun) -> str:
    """The paper's figures beside this run's, or how far the run has come."""
    if run.metrics is None:
        return section("result", "Result", _unfinished(run))
    metrics, paper = run.metrics, run.paper()
    examples, split = metrics.get("examples"), metrics.get("split", "test")
    measured_on = "–" if examples is None else pictures(examples, split)
    rows: list[tuple[str, ...]] = [
        (f"{str(split).capitalize()} error", percent(paper.get("test_error")),
         percent(metrics.get("error"))),
        *_top5(metrics, paper),
        ("Measured on", _pictures(paper.get("examples")),
         f"{measured_on}, {metrics.get('wrong', '?')} wrong"),
        ("Likely range", _range(paper.get("test_error"), paper.get("examples")),
         _range(metrics.get("error"), examples)),
        ("Training error", percent(paper.get("train_error")), percent(metrics.get("train_error"))),
    ]  # fmt: skip
    head: tuple[str, ...] = ("", "Paper", "This run")
    if not paper:
        rows, head = [(name, run_value) for name, _, run_value in rows], ("", "This run")
    note = "" if metrics.get("comparable") else str(metrics.get("note") or "")
    return section(
        "result",
        "Result",
        paragraph(note, "notice") if note else "",
        table(rows, head, "result"),
        paragraph(f"Paper: {paper['where']}.", "soft") if paper.get("where") else "",
        paragraph(
            "A test is partly luck, the more so the fewer pictures it has. The likely range is "
            "where the error on endlessly many pictures of the same kind would lie, in 19 of 20 "
            "such tests (Wilson's 95 % interval).",
            "soft",
        ),
    )


def _top5(metrics, paper):
    """The row of the top-5 error, where classes are many or the paper gives it."""
    if "top5_error" not in metrics:
        return []
    if paper.get("top5_error") is None and len(metrics.get("class_names") or ()) < 50:
        return []
    return [("Top-5 error", percent(paper.get("top5_error")), percent(metrics["top5_error"]))]


def changes(run: RecordedRun) -> list[str]:
    """What this run changes in the published recipe, if anything."""
    if not run.changed:
        return []
    return [section("changed", "Changed in this run", bullets(changes_in_words(run.changed)))]


def deviations(run: RecordedRun) -> str:
    """Where the recipe differs from the paper."""
    listed = run.recipe.get("deviations") or []
    text = bullets(listed) if listed else paragraph("The recipe names none.")
    return section("deviations", "Deviations from the paper", text)


def curves(run: RecordedRun) -> str:
    """Loss and error by epoch, still and growing."""
    title = "Loss and error"
    if not run.epochs:
        return section("curves", title, paragraph("No epoch is finished yet."))
    draw_curves(run.path)
    growing = draw_growing_curves(run).read_bytes()
    caption = (
        "In one epoch the network sees every training picture once. The training curve is measured "
        "while the weights still change, so at the start it lies above what the network can do "
        "when the epoch ends."
    )
    if run.recipe.get("auxiliary_weight") is not None:
        caption += " The training loss is the weighted sum of all heads, the other the main one's."
    if paper := published(run):
        theirs = "the paper's own curves" if paper.epochs else "where the paper's training ended"
        caption += f" Hollow points: {theirs} ({paper.where})."
        if run.dataset == "mnist_5k":
            caption += " The paper's is trained on 60,000 pictures, this one on 4,500 at most."
    return section(
        "curves",
        title,
        _diverged(run),
        markup.chart(curves_svg(run, _ends(run)), caption),
        markup.details(
            "Watch the curves grow",
            markup.card(markup.image(growing, "The same curves, growing epoch by epoch.")),
            paragraph("This animation is figures/curves.gif in the run's folder.", "soft"),
        ),
    )


def recipe(run: RecordedRun) -> str:
    """Every field of the recipe."""
    hidden = ("call", "name", "paper", "deviations")
    rows = [(name, plain(value)) for name, value in run.recipe.items() if name not in hidden]
    return section("recipe", "Recipe", table(rows, kind="plain"))


def environment(run: RecordedRun) -> str:
    """Versions and machine, and how to make this page again."""
    rows = list(run.environment.items())
    return section(
        "environment",
        "Environment",
        table(rows, kind="plain") if rows else paragraph("The run has no environment.json."),
        paragraph("Build this page again:"),
        markup.command(f"keras-classics report {shlex.quote(str(run.path))}"),
    )


def percent(value: float | None) -> str:
    """Returns a percentage with two decimals, a dash where there is none."""
    return "–" if value is None else f"{value:.2f} %"


def wilson(error: float, examples: int) -> tuple[float, float]:
    """Returns the 95 % range of an error rate measured on some examples, all in percent."""
    share, z = error / 100, 1.96
    centre = share + z * z / (2 * examples)
    spread = z * math.sqrt(share * (1 - share) / examples + (z / (2 * examples)) ** 2)
    scale = 100 / (1 + z * z / examples)
    return max(0.0, (centre - spread) * scale), min(100.0, (centre + spread) * scale)


def _unfinished(run):
    done = f"{run.epochs} of {run.planned_epochs} epochs are done"
    text = (
        f"This run is unfinished: {done}. The command that began it, given the same --run-dir, "
        "continues it."
    )
    rows = [
        (f"{name.capitalize()} error after epoch {run.epochs}", percent(values[-1]))
        for name, values in _errors(run)
    ]
    published = run.paper().get("test_error")
    if published is not None:
        rows.append(("Test error in the paper", percent(published)))
    return paragraph(text, "notice") + (table(rows) if rows else markup.Markup())


def _errors(run):
    named = [(name, run.history.get(f"{prefix}error")) for prefix, name in series_names(run)]
    return [(name, values) for name, values in named if values is not None and len(values)]


def _diverged(run):
    bad = np.flatnonzero(~np.isfinite(run.history.get("loss", np.zeros(0))))
    if not bad.size:
        return ""
    text = f"The loss is no longer a number from epoch {bad[0] + 1} on: the training has diverged."
    return paragraph(text, "notice")


def _ends(run):
    ends = [f"{name} from {percent(v[0])} to {percent(v[-1])}" for name, v in _errors(run)]
    return f"Curves of error and loss over {run.epochs} epochs; error: {', '.join(ends)}."


def _pictures(count):
    return "–" if count is None else f"{count:,} pictures"


def _range(error, examples):
    if error is None or not examples:
        return "–"
    low, high = wilson(error, examples)
    return f"{low:.2f} – {high:.2f} %"


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"
