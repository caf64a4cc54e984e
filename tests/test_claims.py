"""The register of claims, the pages and README's table: what the record of the runs says."""

import json
import subprocess
import sys

import pytest

from benchmarks.training import claims, tables
from benchmarks.training.claims import ClaimError, completed, registers
from keras_classics.cli.commands.claims import register_paths
from keras_classics.cli.main import main
from tests import ROOT


def row(name, error, seed, **more):
    group, name = name.split("/")
    wrong = round(100 * error)
    return {
        **{"group": group, "name": name, "command": f"python x.py --seed {seed} --slow"},
        **{"error": error, "wrong": wrong, "examples": 10_000, "seed": seed, **more},
    }


def claim(value, **measure):
    return {"name": "mine", "claim": "It learns", "where": "Fig. 1", "value": value} | {
        "measure": {"of": "error"} | measure
    }


PUBLISHED = [row(f"published/seed{s}", error, s) for s, error in enumerate((0.98, 1.04, 0.94))]
DISTORTED = [row(f"distorted/seed{s}", error, s) for s, error in enumerate((0.66, 0.89, 0.69))]


def test_registers_pages_and_readme_are_what_the_record_says():
    """If this fails: python -m benchmarks.training.claims, and .tables."""
    found = registers()
    assert sum(len(register["claims"]) for register in found.values()) > 20
    for path, register in found.items():
        assert json.loads(path.read_text("utf-8")) == register
    text = (ROOT / "README.md").read_text("utf-8")
    assert claims.readme(text, found) == text
    for path, text in tables.pages().items():
        assert path.read_text("utf-8") == text


def test_a_figure_holds_where_the_interval_reaches_it():
    # Mean 0.98667, deviation 0.05033, Student's t 4.3027: ± 0.12503.
    found = completed(claim(0.95, figure="published/"), PUBLISHED)
    assert found["ours"]["value"] == 0.987 and found["ours"]["interval"] == [0.862, 1.112]
    assert found["ours"]["seeds"] == [0, 1, 2] and found["verdict"] == "holds"
    assert found["ours"]["commands"] == ["python x.py --slow"]
    assert completed(claim(0.85, figure="published/"), PUBLISHED)["verdict"] == "does not hold"
    # Better than the paper is no contradiction.
    assert completed(claim(3.0, figure="published/"), PUBLISHED)["verdict"] == "holds"


def test_a_single_seed_has_the_interval_of_its_test_pictures():
    # Wilson's for 100 of 10,000: 0.823 … 1.215 %.
    found = completed(claim(0.9, figure="published/"), [row("published/seed0", 1.0, 0)])
    assert found["ours"]["interval"] == [0.823, 1.215]


def test_an_effect_holds_where_its_interval_excludes_none():
    # Differences 0.32, 0.15, 0.25: mean 0.24, deviation 0.08544, ± 0.21225.
    better = claim(None, difference=["published/", "distorted/"])
    found = completed(better, [*PUBLISHED, *DISTORTED])
    assert found["ours"]["interval"] == [0.028, 0.452] and found["verdict"] == "holds"
    worse = claim(None, difference=["distorted/", "published/"])
    assert completed(worse, [*PUBLISHED, *DISTORTED])["verdict"] == "does not hold"
    # One pair: 0.2 ± 1.96·sqrt((1·99 + 0.8·99.2)/10,000) = ± 0.2618.
    pair = [row("published/seed0", 1.0, 0), row("distorted/seed0", 0.8, 0)]
    found = completed(better, pair)
    assert found["ours"]["interval"] == [-0.062, 0.462] and found["verdict"] == "not decided"
    assert completed(better, [PUBLISHED[0], DISTORTED[1]])["verdict"] == "not run yet"


def test_a_ratio_of_epochs():
    speed = claim(6.0, ratio=["published/", "distorted/"], of="epochs_to_25")
    slow = [
        row(f"published/seed{s}", 1.0, s, curves={"error": [60, 50, 40, 30, 25][: 5 - s]})
        for s in (0, 1)
    ]
    fast = [row(f"distorted/seed{s}", 1.0, s, curves={"error": [50, 24.0]}) for s in (0, 1)]
    # 5 / 2 and 4 / 2 (never reached: the last): geometric mean sqrt(5).
    found = completed(speed, [*slow, *fast])
    assert found["ours"]["value"] == 2.236
    assert found["ours"]["interval"] == [0.542, 9.229] and found["verdict"] == "not decided"
    # 3 / 2 and 3 / 2: more than once, but not six times.
    even = [row(f"published/seed{s}", 1.0, s, curves={"error": [60, 50, 25]}) for s in (0, 1, 2)]
    found = completed(speed, [*even, *fast])
    assert found["ours"]["interval"] == [1.5, 1.5] and found["verdict"] == "does not hold"
    assert found["ours"]["seeds"] == [0, 1]  # the third has no partner
    assert completed({**speed, "value": 1.4}, [*even, *fast])["verdict"] == "holds"
    assert completed(speed, [slow[0], fast[0]])["verdict"] == "not run yet"


def test_a_claim_whose_run_is_gone():
    found = completed(claim(0.95, figure="published/"), PUBLISHED)
    with pytest.raises(ClaimError, match="claim mine rests on the run published/seed2, which"):
        completed(found, PUBLISHED[:2])
    with pytest.raises(ClaimError, match="about the runs no_such/…, which no group has"):
        completed(claim(0.95, figure="no_such/"), PUBLISHED)


def test_two_claims_with_one_name_and_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "FOLDER", tmp_path)
    twice = {"paper": "Mine", "claims": [claim(1.0, figure="published/")] * 2}
    (tmp_path / "mine.json").write_text(json.dumps(twice))
    with pytest.raises(ClaimError, match="2 claims have the name mine; give each"):
        registers()
    (tmp_path / "mine.json").write_text('{"paper": "Mine"}')
    with pytest.raises(ClaimError, match='cannot be read \\("claims" is missing'):
        registers()
    with pytest.raises(ClaimError, match="lacks the marks <!-- claims -->"):
        claims.readme("# Mine", {})


def test_command_prints_a_paper(capsys):
    main(["claims", "lenet5"])
    printed = capsys.readouterr().out
    assert "LeNet-5 misreads 0.95 % of MNIST's test digits after 20 passes" in printed
    assert "paper 0.95 %; here 0.99 % (0.86 … 1.11), 3 runs, seeds 0, 1, 2" in printed
    main(["claims"])
    printed = capsys.readouterr().out
    assert all(f"{name}: " in printed for name in register_paths())
    assert "python recipes/alexnet_imagenet.py: 508 hours" in printed


def test_command_refuses_an_unknown_paper():
    command = [sys.executable, "-m", "keras_classics", "claims", "lenet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith('error: There are no claims of "lenet" (similar: lenet5); there')
