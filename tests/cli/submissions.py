"""Submissions to compare, on a protocol of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

import segbench
from tests.conftest import CommandLine, Outcome
from tests.datasets.pngs import png

SCHEMA = json.loads((Path(segbench.__file__).parent / "schema" / "comparison.json").read_text("utf-8"))

#: Few, for speed: what they are for is tested elsewhere. Six images can be swapped in 64 ways.
FEW = ("--resamples", 40, "--permutations", 64)
SHAPE = (30, 40)


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def tree_of(tree: Path) -> Path:
    """Six images of three classes, two submissions, the second of which errs more often, and a protocol for them."""
    dice = np.random.default_rng(5)
    for i in range(6):
        truth = dice.integers(0, 3, SHAPE).astype(np.uint8)
        truth[:2] = 255
        put(tree / f"truth/im{i}.png", png(truth))
        for name, share in (("net", 0.1 + 0.02 * i), ("rival", 0.3 - 0.01 * i)):
            wrong = dice.random(SHAPE) < share
            put(tree / f"{name}/im{i}.png", png(np.where(wrong | (truth > 2), dice.integers(0, 3, SHAPE), truth)))
    text = (
        'name = "own"\nversion = 1\ntitle = "Own"\nprimary = "mean_iou"\ndefault_split = "val"\n'
        'metrics = ["mean_iou", "pixel_accuracy"]\n'
        'classes = [{ id = 0, name = "road" }, { id = 1, name = "sky" }, { id = 2, name = "car", color = [9, 8, 7] }]\n'
        '[splits]\nval = 6\n[layout]\ntruth = "{split}/{key}.png"\n[[void]]\nid = 255\n'
    )
    (tree / "own.toml").write_text(text)
    return tree


def asked(tree: Path, *more: object) -> tuple[object, ...]:
    return ("--dataset", tree / "own.toml", "--truth", tree / "truth", *more)


def result(run: CommandLine, tree: Path, name: str, *more: object) -> Path:
    output = tree / f"{name}.json"
    assert run("score", tree / name, *asked(tree), "-o", output, "--quiet", *more).code == 0
    return output


def compared(run: CommandLine, tree: Path, *args: object) -> Any:
    outcome = run("compare", *args, "--dataset", tree / "own.toml", *FEW, "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
    jsonschema.validate(outcome.record, SCHEMA)
    return outcome.record["comparison"]


def refused(outcome: Outcome, code: int) -> str:
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    return outcome.err
