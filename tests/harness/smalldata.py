"""A data set of a few images of two sizes, and what a run over it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.pillow import read_rgb, write_rgb_png
from segbench.datasets.pngwriter import encode_png
from tests.harness.nets import MARK

TOML = """
name = "small"
version = 1
title = "A few images of noise"
source = ["these tests"]
default_split = "val"
primary = "mean_iou"
metrics = ["mean_iou", "pixel_accuracy"]
classes = [
    { id = 0, name = "ground", color = [0, 0, 0] },
    { id = 3, name = "box", color = [128, 0, 0] },
    { id = 7, name = "disc", color = [0, 128, 0] },
]
[policies]
void_prediction = "miss"
absent = "skip"
[splits]
train = 3
val = 7
[layout]
images = "images/{key}.png"
truth = "truth/{key}.png"
list = "{split}.txt"
[[void]]
id = 255
"""

#: Ids of the classes by their index.
IDS = np.array([0, 3, 7], np.uint8)

#: The keys of the split that is predicted: four images of one size, then three of another.
KEYS = tuple(f"v{number}" for number in range(7))


def size_of(key: str) -> tuple[int, int]:
    return (11, 14) if int(key[1:]) < 4 else (8, 9)


def write_small(folder: Path, *, marked: Sequence[str] = ()) -> Path:
    """Write the data set and its protocol; `marked` images are those that some nets answer badly."""
    for name in ("images", "truth"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(7)
    for split, keys in (("train", ("t0", "t1", "t2")), ("val", KEYS)):
        (folder / f"{split}.txt").write_text("".join(f"{key}\n" for key in keys))
        for key in keys:
            image = rng.integers(0, 255, (*size_of(key), 3)).astype(np.uint8)
            if key in marked:
                image[0, 0] = MARK
            write_rgb_png(folder / "images" / f"{key}.png", image)
            truth = np.array([0, 3, 7, 255], np.uint8)[rng.integers(0, 4, size_of(key))]
            (folder / "truth" / f"{key}.png").write_bytes(encode_png(truth))
    (folder / "small.toml").write_text(TOML)
    return folder


def image_of(folder: Path, key: str) -> NDArray[np.uint8]:
    return read_rgb(folder / "images" / f"{key}.png")


def over(folder: Path, output: Path, *models: str) -> list[object]:
    """Arguments of a run over the data set."""
    named = [part for model in models for part in ("--model", model)]
    return ["run", *named, "--dataset", folder / "small.toml", "--data-root", folder, "-o", output, "--threads", "1"]


def result_of(output: Path, name: str = "plain") -> list[bytes]:
    """The result of a model and its state, byte by byte."""
    return [(output / "small-val" / name / file).read_bytes() for file in ("result.json", "result.state.jsonl")]


def predicted(output: Path, name: str = "plain") -> dict[str, bytes]:
    """The predictions of a model, by key."""
    folder = output / "small-val" / name / "predictions"
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}
