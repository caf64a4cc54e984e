"""What the papers claim, beside what our runs gave: benchmarks/claims/*.json and README's table.

    python -m benchmarks.training.claims

A claim's words, its place in the paper and its value are written by hand in benchmarks/claims/;
what is ours is filled in from the record of the runs, so that no figure is copied by hand. A claim
that a figure or a ratio can be reached holds where the 95 % interval of ours reaches it; one that a
change has an effect holds where the interval of the differences is on the claimed side of nothing.
With --smoke it prints the verdicts and writes nothing.
"""

import math
import re
from collections import Counter
from statistics import NormalDist

from benchmarks import machine
from benchmarks.training.groups import GROUPS
from benchmarks.training.runs import ROOT, recorded
from keras_classics.cli.commands.claims import REGISTER
from keras_classics.comparison.spread import spread_of
from keras_classics.errors import UserError
from keras_classics.files import write_bytes, write_json
from keras_classics.schema import read_json

FOLDER = ROOT / "benchmarks" / "claims"
README = ROOT / "README.md"
_BEGIN, _END = "<!-- claims -->\n", "<!-- end of claims -->\n"

_Z = NormalDist().inv_cdf(0.975)
_STARTED = 25.0  # training error in percent, section 3.1 of AlexNet's paper


class ClaimError(UserError):
    """A register of claims that cannot be filled in; the message is one sentence."""


def epochs_to_25(row):
    """Returns the epochs until a run's training error is 25 %; all of them where it is never."""
    errors = row["curves"]["error"]
    return next((n for n, error in enumerate(errors, 1) if error <= _STARTED), len(errors))


_FIGURES = {
    "error": lambda row: row["error"],
    "train_error": lambda row: row["train_error"],
    "epochs_to_25": epochs_to_25,
}


def completed(claim, rows):
    """Returns a claim with what our runs say of it.

    Args:
        claim: as benchmarks/claims/ has it.
        rows: of the record, see `benchmarks.training.runs`.

    Raises:
        ClaimError: if it names runs that are nowhere.
    """
    by_hand = {key: claim[key] for key in claim if key not in ("ours", "verdict")}
    if claim["measure"] is None:
        return {**by_hand, "ours": None, "verdict": "not run here"}
    measure = dict(claim["measure"])
    figure = _FIGURES[measure.pop("of")]
    [(kind, sides)] = measure.items()
    sides = [_side(claim, prefix, rows) for prefix in ([sides] if kind == "figure" else sides)]
    if kind != "figure":  # they are compared by seed
        common = set.intersection(*({row["seed"] for row in side} for side in sides))
        sides = [[row for row in side if row["seed"] in common] for side in sides]
    found = all(sides) and _KINDS[kind]([[figure(row) for row in side] for side in sides], sides)
    if not found:
        return {**by_hand, "ours": None, "verdict": "not run yet"}
    low, value, high = found
    used = [row for side in sides for row in side]
    ours = {
        "value": round(value, 3),
        "interval": [round(low, 3), round(high, 3)],
        "seeds": sorted({row["seed"] for row in used}),
        "runs": [f"{row['group']}/{row['name']}" for row in used],
        "commands": list(dict.fromkeys(re.sub(r" --seed \d+", "", r["command"]) for r in used)),
        "commits": sorted({row["commit"] for row in used if "commit" in row}),
    }
    return {**by_hand, "ours": ours, "verdict": _verdict(kind, claim["value"], low, high)}


def _side(claim, prefix, rows):
    """Returns the recorded runs whose names begin so, by seed."""
    there = [row for row in rows if f"{row['group']}/{row['name']}".startswith(prefix)]
    group, _, name = prefix.partition("/")
    if not any(one.startswith(name) for one in GROUPS.get(group, ())):
        raise ClaimError(
            f"The claim {claim['name']} is about the runs {prefix}…, which no group has."
        )
    names = {f"{row['group']}/{row['name']}" for row in there}
    before = {one for one in (claim.get("ours") or {"runs": ()})["runs"] if one.startswith(prefix)}
    if gone := sorted(before - names):
        raise ClaimError(
            f"The claim {claim['name']} rests on the run {gone[0]}, which the record does not "
            "have; run it again, or put the record back."
        )
    return sorted(there, key=lambda row: row["seed"])


def _figure(values, sides):
    """The mean of the seeds; of a single one, with what the choice of the test pictures does."""
    [values], [rows] = values, sides
    if len(values) > 1:
        return _paired(values)
    low, high = _wilson(rows[0]["wrong"], rows[0]["examples"])
    return low, values[0], high


def _difference(values, sides):
    """First less second, by equal seeds; of a single pair, as two shares of the test pictures."""
    pairs = list(zip(*values, strict=True))
    if len(pairs) != 1:
        return _paired([one - other for one, other in pairs])
    [(one, other)] = pairs
    examples = [rows[0]["examples"] for rows in sides]
    variance = sum(p * (100 - p) / n for p, n in zip((one, other), examples, strict=True))
    return tuple(one - other + side * _Z * math.sqrt(variance) for side in (-1, 0, 1))


def _ratio(values, sides):
    """First by second, by equal seeds, of which it takes two; the mean is the geometric one."""
    logs = _paired([math.log(one / other) for one, other in zip(*values, strict=True)])
    return logs and tuple(map(math.exp, logs))


def _paired(values):
    """Returns (low, mean, high) of two values or more, else None."""
    if len(values) < 2:
        return None
    found = spread_of(values)
    return found.low, found.mean, found.high


_KINDS = {"figure": _figure, "difference": _difference, "ratio": _ratio}


def _wilson(wrong, examples):
    """The 95 % interval of a share of independent pictures, in percent (Wilson 1927)."""
    share, z2 = wrong / examples, _Z**2 / examples
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return 100 * (middle - half), 100 * (middle + half)


def _verdict(kind, value, low, high):
    if kind == "figure":
        return "holds" if low <= value else "does not hold"
    if kind == "ratio" and value is not None:  # so many times, and more than once
        if high < value:
            return "does not hold"
        return "holds" if low > 1 else "not decided"
    nothing = 1.0 if kind == "ratio" else 0.0
    if low > nothing:
        return "holds"
    return "does not hold" if high < nothing else "not decided"


def registers():
    """Returns {path: register} of all papers, with what our runs say.

    Raises:
        ClaimError: if a register is damaged, or two claims have one name.
    """
    found = {path: read_json(path, REGISTER, ClaimError) for path in sorted(FOLDER.glob("*.json"))}
    names = Counter(claim["name"] for register in found.values() for claim in register["claims"])
    for name, count in names.items():
        if count > 1:
            raise ClaimError(f"{count} claims have the name {name}; give each a name of its own.")
    rows = recorded()
    return {
        path: {**register, "claims": [completed(claim, rows) for claim in register["claims"]]}
        for path, register in found.items()
    }


def readme_table(found):
    """Returns README's table of the claims that were tried."""
    lines = ["| claim | paper | here (95 % interval) | |", "|---|---|---|---|"]
    for register in found.values():
        for claim in register["claims"]:
            if claim["ours"]:
                paper = "" if claim["value"] is None else f"{claim['value']:g}"
                low, high = claim["ours"]["interval"]
                ours = f"{claim['ours']['value']:.2f} ({low:.2f} … {high:.2f})"
                lines.append(f"| {claim['claim']} | {paper} | {ours} | {claim['verdict']} |")
    return "\n".join(lines) + "\n"


def readme(text, found):
    """Returns README's text with its table of claims written anew.

    Raises:
        ClaimError: if README lacks the marks between which it stands.
    """
    if text.count(_BEGIN) != 1 or text.count(_END) != 1:
        raise ClaimError(f"README.md lacks the marks {_BEGIN.strip()} and {_END.strip()}.")
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + readme_table(found) + _END + rest.split(_END)[1]


def main():
    options = machine.parser(__doc__).parse_args()
    found = registers()
    for path, register in found.items():
        if not options.smoke:
            write_json(path, register)
        for claim in register["claims"]:
            print(f"{claim['verdict']:<14} {claim['claim']}")
    if not options.smoke:
        write_bytes(README, readme(README.read_text("utf-8"), found).encode())


if __name__ == "__main__":
    main()
