"""The work behind ``segbench demo``: data set, two baselines, and scores by the same door as anybody's submission."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import segbench
from segbench.cli import report
from segbench.cli.progress import progress_bar
from segbench.datasets import shapes
from segbench.datasets.pillow import write_label_png
from segbench.errors import MissingPackage, OutputProblem
from segbench.late import late
from segbench.leaderboard.entry import Entry
from segbench.models.classical import NearestColour, smooth_edges
from segbench.result import Result

_trained = late("segbench.cli.traindemo:trained")
_add = late("segbench.leaderboard.store:add")
_boards_of = late("segbench.leaderboard.board:boards_of")
_build = late("segbench.leaderboard.site:build")

Image = NDArray[np.uint8]

#: Folder of each baseline, what it is, and what it does to an image first.
BASELINES: tuple[tuple[str, str, Callable[[Image], Image]], ...] = (
    ("nearest-colour", "the class with the nearest mean colour", lambda image: image),
    ("smoothed-colour", "the same after edge-preserving smoothing", smooth_edges),
)

_WHAT = "A U-Net of a quarter of its width learns from the train split; stopped, it goes on when it is started again"


def run(folder: Path, *, with_training: bool = False) -> int:
    """Go the whole way in a folder: data set, baselines, scores, and the pages of a leaderboard.

    Parameters
    ----------
    folder : Path
        Where everything is written; made where it is missing.
    with_training : bool
        Whether a small net is trained and put beside the baselines.

    Returns
    -------
    int
        The exit code, 0.

    Raises
    ------
    OutputProblem
        When something cannot be written.
    """
    root = folder / "shapes"
    print(f"1. The data set: {sum(shapes.SPLITS.values())} small images, made from a seed, in {root}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with progress_bar(" images") as progress:
            shapes.write(
                root, progress=None if progress is None else lambda n: progress(n, sum(shapes.SPLITS.values()))
            )
        for i, (name, what, prepare) in enumerate(BASELINES, 2):
            print(f"\n{i}. {name}: {what}\n")
            predict(folder / name, prepare)
            print(report.table(scored(folder, name)), end="")
        entries = [(folder / f"{name}.json", entry(name, what)) for name, what, _ in BASELINES]
        if with_training:
            print(f"\n{len(entries) + 2}. {_WHAT}\n")
            # Beside other work, threads that spin while they wait for each other take several times as long. It is
            # read when torch is loaded.
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            entries.append(_trained(folder))
        print(f"\n{len(entries) + 2}. The leaderboard: {pages(folder, entries)}")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputProblem(f"cannot be written: {error.strerror}", file=str(error.filename or folder)) from None
    print(next_steps(folder))
    return 0


def predict(folder: Path, prepare: Callable[[Image], Image]) -> None:
    """Fit the colour rule on the train split and write its label maps of the test split."""
    scenes = [shapes.scene("train", i) for i in range(shapes.SPLITS["train"])]
    rule = NearestColour.fit(
        (prepare(scene.image) for scene in scenes),
        (scene.classes for scene in scenes),
        len(shapes.CLASSES),
        shapes.VOID,
    )
    folder.mkdir(exist_ok=True)
    for i in range(shapes.SPLITS["test"]):
        scene = shapes.scene("test", i)
        write_label_png(folder / f"{scene.key}.png", rule.predict(prepare(scene.image)), shapes.palette())


def scored(folder: Path, name: str) -> Result:
    """Score one baseline as anybody's submission and keep its result."""
    output = folder / f"{name}.json"
    state = segbench.state_path(output)
    start = time.monotonic()
    result = segbench.score(folder / name, dataset="shapes", data_root=folder / "shapes", state=state)
    segbench.write_result(result, output, seconds=time.monotonic() - start, state=state)
    return result


def pages(folder: Path, entries: Sequence[tuple[Path, Entry]]) -> str:
    """Build the pages of a board of results and what is told of them, and return where they are."""
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch)
        for result, told in entries:
            _add(result, told, store)
        try:
            _build(_boards_of(store), folder / "site")
        except MissingPackage as error:
            return f"left out: {error}"
    return f"open {folder / 'site' / 'index.html'}"


def entry(name: str, what: str) -> Entry:
    """Return what a board tells of a baseline by its `name` and `what` it does."""
    return Entry(
        id=name,
        name=name.replace("-", " ").capitalize(),
        authors=("The segbench developers",),
        training_data=f"the {shapes.SPLITS['train']} images of shapes train",
        backbone=f"none: {what}",
        licence="Apache-2.0",
        origin="made by `segbench demo`",
    )


def next_steps(folder: Path) -> str:
    """Return what to try next."""
    # By its path where the name alone would not be found, as after `make demo`.
    called = "python -m segbench" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
    command = "segbench" if shutil.which("segbench") else called
    score = f"{command} score {folder}/nearest-colour --dataset shapes --data-root {folder}/shapes"
    return f"""
Results, counts and signatures are in {folder}/*.json. What to try next:
  {score} --format json
  {score} --metric 'mean_iou(pool=image)'
  {command} compare {folder}/nearest-colour.json {folder}/smoothed-colour.json
  {command} check {folder}/nearest-colour --dataset shapes --data-root {folder}/shapes
  {command} score YOUR_PREDICTIONS --dataset voc --data-root VOCdevkit/VOC2012"""
