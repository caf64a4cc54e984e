"""Tests; a package, so that its files and the processes that they start find each other."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # where `python -m tests.…` is started
