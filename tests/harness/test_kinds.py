"""Data sets whose predictions are no label maps, from training to a score by the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import CommandLine
from tests.training.detecting import STAGE, nuclei, recipe


def test_real_membranes(run: CommandLine, real_data: Path, tmp_path: Path) -> None:
    root = real_data / "isbi2012-membrane"
    (tmp_path / "recipe.toml").write_text(
        'name = "found"\nmodel = "tests.training.tiny:CARD"\noptions = { classes = 2 }\n'
        '[[stage]]\ndata = "isbi2012"\nsteps = 60\nbatch = 4\ncrop = [64, 64]\noptimiser = "adam(lr=0.02)"\n'
    )
    done = run("train", tmp_path / "recipe.toml", "-o", tmp_path / "net", "--data-root", root, "--threads", "1")
    assert done.code == 0, done.err
    of = ["--dataset", "isbi2012", "--data-root", root, "--threads", "1"]
    done = run(
        "run",
        "--model",
        f"tests.training.tiny:CARD@{tmp_path / 'net'}",
        *of,
        "-o",
        tmp_path / "out",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    (row,) = done.record
    assert (row["status"], row["images_predicted"]) == ("scored", 30)
    again = run("score", tmp_path / "out/isbi2012-train/found/predictions", *of[:4], "--format", "json")
    assert again.record["scores"]["v_rand"]["value"] == row["scores"]["v_rand"]
    # Membranes are dark, which two convolutions see: a guess without any border reaches 0.08.
    assert row["scores"]["v_rand"] > 0.3


def test_real_instances(run: CommandLine, real_data: Path, tmp_path: Path) -> None:
    for split, first, last in (("train", 0, 6), ("val", 6, 10)):
        nuclei(real_data / "dsb2018-nuclei", tmp_path / "nuclei", split=split, first=first, last=last)
    stage = STAGE.replace("batch = 3", "batch = 2").replace("lr=0.05", "lr=0.01")
    path = recipe(tmp_path, stage, model="tests.training.detecting:SMALL")
    root = ["--data-root", tmp_path / "nuclei"]
    done = run("train", path, "-o", tmp_path / "net", *root, "--threads", "1")
    assert done.code == 0, done.err
    args = [
        "run",
        "--model",
        f"tests.training.detecting:SMALL@{tmp_path / 'net'}",
        "--dataset",
        "instances",
        *root,
        "--split",
        "val",
        "--threads",
        "1",
    ]
    done = run(*args, "-o", tmp_path / "out", "--format", "json")
    assert done.code == 0, done.err
    (row,) = done.record
    assert (row["status"], row["images_predicted"]) == ("scored", 4)
    (folder,) = (tmp_path / "out").glob("*/*")
    kept = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert json.loads(kept["results.json"])
    again = run(*args, "-o", tmp_path / "out", "--format", "json").record[0]
    assert (again["status"], again["images_predicted"], again["scores"]) == ("there", 0, row["scores"])
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == kept
