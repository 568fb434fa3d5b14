"""Folders of label maps to score, made from the scenes in `benchmarks.workloads`: palette files and grey files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pngs import saved
from benchmarks.workloads import VOID, Workload, city, voc

_CITY = f"""
name = "city-like"
version = 1
title = "19 classes and void, as a benchmark needs them"
default_split = "val"
metrics = ["mean_iou", "mean_accuracy", "pixel_accuracy"]
classes = [{", ".join(f'{{ id = {i}, name = "class {i}" }}' for i in range(19))}]
void = [{{ id = {VOID} }}]
splits = {{ val = 0 }}
layout = {{ truth = "{{key}}.png" }}
"""


@dataclass(frozen=True)
class Folders:
    """Truth and predictions, one file each for an image, of the same name; `dataset` is the protocol for segbench."""

    name: str
    root: Path
    dataset: str
    n_classes: int
    palette: bool
    n_files: int

    @property
    def truth(self) -> Path:
        return self.root / "truth"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    def pairs(self) -> list[tuple[Path, Path]]:
        """Return the files of truth and prediction of every image."""
        return [(path, self.predictions / path.name) for path in sorted(self.truth.iterdir())]


def voc_folders(root: Path, n_files: int) -> Folders:
    """Write pairs like PASCAL VOC's: palette files of 500×375 pixels, 21 classes."""
    folders = Folders(f"score {n_files} VOC-like pairs", root, "voc2012", 21, True, n_files)
    return _written(folders, voc, scenes=120)


def city_folders(root: Path, n_files: int) -> Folders:
    """Write pairs like Cityscapes' and a protocol for them: grey files of 2048×1024 pixels, 19 classes."""
    folders = Folders(f"score {n_files} city-like pairs", root, str(root / "city.toml"), 19, False, n_files)
    root.mkdir(parents=True, exist_ok=True)
    Path(folders.dataset).write_text(_CITY, "utf-8")
    return _written(folders, city, scenes=10)


def _written(folders: Folders, scene: Callable[[int], Workload], *, scenes: int) -> Folders:
    """Write all files; every so many scenes begin again, mirrored and with other classes, so that no two are equal."""
    # At least two variants of each, or few images would take a scene each.
    scenes = min(scenes, -(-folders.n_files // 2))
    folders.truth.mkdir(parents=True)
    folders.predictions.mkdir()
    for number in range(folders.n_files):
        work = scene(number % scenes).variant(number // scenes)
        name = f"image_{number:05}.png"
        (folders.truth / name).write_bytes(saved(work.truth, palette=folders.palette))
        (folders.predictions / name).write_bytes(saved(work.prediction, palette=folders.palette))
    return folders
