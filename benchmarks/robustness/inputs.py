"""Bad inputs for every flag and every kind of file: is what comes one clear sentence?

    python -m benchmarks.robustness.inputs [--only WORD] [--output FILE] [--processes-every N]

The flags are taken from the parsers, the files from a table that a test compares with what the
package reads. Clear is: a status that is not 0; one sentence of ours, or argparse's usage and
error, below 300 characters, without control characters, that names the flag or the file; no
traceback; and nothing left behind, altered or removed. Where an input turns out to be legal, the
reason is given.

Each input is tried on the real command in a fork of one process that has imported everything, each
`--processes-every`-th in a process of its own as well. Superusers pass all rights: folders that
cannot be written are paths through files and in `/proc`.
"""

import os
import re
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import machine
from benchmarks.robustness import files, flags, intact
from benchmarks.robustness.trial import Case, fork, judge

RESULTS = Path(__file__).parents[1] / "results" / "robustness.md"
HEADING = "## Bad input"


def all_cases():
    """Returns every `Case`, of flags and of files."""
    return [*flags.cases(), *files.cases()]


def prepare(folder, needs):
    """Makes the intact things of some cases in a folder."""
    _call(folder, lambda: intact.write("."))
    if needs & {"run", "begun", "seen", "search"}:
        intact.trained(folder, lambda words: _call(folder, words))


def _call(folder, words):
    """Runs a command or a function in a folder, in a fork."""
    case = Case(subject="", label="", words=words, names=())
    with open(folder / "out", "w+b") as out, open(folder / "err", "w+b") as err:
        if fork(case, folder, out, err, 300):
            raise RuntimeError(f"{words}: {(folder / 'err').read_text()}")


def judged(cases, every=0):
    """Yields the `Verdict` of each case."""
    import keras_tuner  # noqa: F401  once for all forks
    import tensorflow  # noqa: F401

    import keras_classics.runs.loop
    import keras_classics.tuning.tuner  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="i") as folder:
        needs = {need for case in cases for need in case.needs}
        if needs:
            prepare(Path(folder), needs)
        for number, case in enumerate(cases):
            verdict = judge(case, Path(folder))
            if every and number % every == 0 and isinstance(case.words, tuple):
                alone = judge(case, Path(folder), process=True)
                verdict = verdict if alone.kind == verdict.kind else alone
            yield verdict


def section(verdicts, command):
    """Returns the section of robustness.md."""
    rows = defaultdict(Counter)
    for verdict in verdicts:
        rows[verdict.case.subject][verdict.kind] += 1
    total = sum(rows.values(), Counter())
    lines = [
        HEADING, "", f"`{command}`", "", machine.described(), "",
        "| flag or file | inputs | clear | accepted | not clear |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for subject, counts in [*rows.items(), ("**all**", total)]:
        figures = (sum(counts.values()), counts["clear"], counts["accepted"], counts["not clear"])
        lines.append(f"| {_cell(subject)} | {' | '.join(map(str, figures))} |")
    for kind, title in (("accepted", "Accepted"), ("not clear", "Not clear")):
        lines += ["", f"### {title}", ""]
        lines += [
            f"- {_cell(v.case.subject)}, {_cell(v.case.label)}: {_cell(v.why)}"
            for v in verdicts if v.kind == kind
        ] or ["None."]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cell(text):
    printable = str(text)[:200].encode("utf-8", "backslashreplace").decode()
    shown = re.sub(r"[\x00-\x1f\x7f]", lambda m: repr(m[0])[1:-1], printable)
    return shown.replace("|", "\\|")


def write_section(path, text):
    """Puts the section into the file in the place of the one before; others' stay."""
    before = path.read_text("utf-8") if path.exists() else "# Robustness\n"
    own = re.compile(rf"^{HEADING}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if own.search(before):
        after = own.sub(lambda _: text + "\n", before).rstrip("\n") + "\n"
    else:
        after = before.rstrip("\n") + "\n\n" + text
    path.write_text(after, "utf-8")


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--only", default="", help="flags and files whose row holds this")
    parser.add_argument("--output", type=Path, help="write the section there, e.g. results/…md")
    parser.add_argument("--processes-every", type=int, default=0, metavar="N")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [case for case in all_cases() if re.search(options.only, case.subject)]
    if options.smoke:
        cases = [case for case in cases if case.subject == "list pattern"]
    started, verdicts = time.perf_counter(), []
    for verdict in judged(cases, options.processes_every):
        verdicts.append(verdict)
        if verdict.kind == "not clear":
            print(f"{_cell(verdict.case.subject)}, {_cell(verdict.case.label)}: "
                  f"{_cell(verdict.why)}", flush=True)  # fmt: skip
    counts = Counter(verdict.kind for verdict in verdicts)
    print(f"{len(verdicts)} inputs: {dict(counts)} in {time.perf_counter() - started:.0f} s")
    if options.output:
        write_section(options.output, section(verdicts, f"python -m benchmarks.robustness.inputs "
                                              f"--output {options.output}"))  # fmt: skip


if __name__ == "__main__":
    main()
