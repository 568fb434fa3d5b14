"""Classical rules over a data set, as they come out in plain loops."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segbench.cli.main import _run
from segbench.harness.rules import fit_rule
from segbench.models.classical import smooth_edges
from segbench.protocols.load import load_protocol
from segbench.training.pictures import Pictures
from tests.conftest import CommandLine
from tests.harness.smalldata import IDS, KEYS, image_of, over

#: What is on disk, read by Pillow alone.
VOID = 255


def pixels(path: Path, mode: str | None = None) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode) if mode else image)


def trained(root: Path) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Images and truths of the train split of shapes."""
    keys = (root / "ImageSets/Segmentation/train.txt").read_text().split()
    return [
        (pixels(root / f"JPEGImages/{key}.png", "RGB"), pixels(root / f"SegmentationClass/{key}.png")) for key in keys
    ]


@pytest.fixture(scope="module")
def answered(shapes_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What rules say of shapes."""
    out = tmp_path_factory.mktemp("rules")
    models = "majority,nearest_colour"
    args = ["run", "--model", models, "--dataset", "shapes", "--data-root", shapes_root, "--split", "val", "-o", out]
    assert _run([str(arg) for arg in args]) == 0
    return out / "shapes-val"


def test_majority(answered: Path, shapes_root: Path) -> None:
    counts: Counter[int] = Counter()
    for _, truth in trained(shapes_root):
        counts.update(truth[truth != VOID].tolist())
    (most,) = (value for value, n in counts.items() if n == max(counts.values()))
    files = sorted((answered / "majority/predictions").glob("*.png"))
    assert len(files) == 60
    for path in files:
        answer = pixels(path)
        assert answer.shape == pixels(shapes_root / f"JPEGImages/{path.name}", "RGB").shape[:2]
        assert (answer == most).all()


def test_nearest_colour(answered: Path, shapes_root: Path) -> None:
    pictures = trained(shapes_root)
    of_class = [np.concatenate([image[truth == value] for image, truth in pictures]) for value in range(7)]
    means = [colours.mean(0) for colours in of_class]
    files = sorted((answered / "nearest_colour/predictions").glob("*.png"))
    assert len(files) == 60
    for path in files:
        image, answer = pixels(shapes_root / f"JPEGImages/{path.name}", "RGB").astype(float), pixels(path)
        distances = np.stack([np.sqrt(((image - mean) ** 2).sum(-1)) for mean in means])
        chosen = np.take_along_axis(distances, answer[None].astype(int), 0)[0]
        # Two classes may be nearly as near: then rounding decides.
        assert (chosen <= distances.min(0) + 1e-9).all()
    assert len(np.unique(answer)) > 3


def test_ids_that_are_no_indices_and_void(run: CommandLine, small: Path, tmp_path: Path) -> None:
    """The classes 0, 3 and 7, of which void pixels are none, even where they are the most."""
    for key in ("t0", "t1"):
        path = small / f"truth/{key}.png"
        shape = pixels(path).shape
        Image.fromarray(np.full(shape, VOID, np.uint8)).save(path)
    truth, image = pixels(small / "truth/t2.png"), image_of(small, "t2")
    done = run(*over(small, tmp_path / "out", "majority,nearest_colour,smoothed_colour"))
    assert done.code == 0, done.err
    most = Counter(truth[truth != VOID].tolist()).most_common(1)[0][0]
    for name, prepare in (("nearest_colour", lambda image: image), ("smoothed_colour", smooth_edges)):
        means = [prepare(image)[truth == value].astype(float).mean(0) for value in IDS]
        for key in KEYS:
            assert set(np.unique(pixels(tmp_path / f"out/small-val/majority/predictions/{key}.png"))) == {most}
            distances = np.stack([((prepare(image_of(small, key)) - mean) ** 2).sum(-1) for mean in means])
            answer = pixels(tmp_path / f"out/small-val/{name}/predictions/{key}.png")
            chosen = np.take_along_axis(distances, np.searchsorted(IDS, answer)[None], 0)[0]
            assert (chosen <= distances.min(0) + 1e-6).all()


@pytest.mark.parametrize("kind", ["levels", "membranes"])
def test_rules_know_no_probabilities(kind: str, shapes_root: Path) -> None:
    pictures = Pictures.open(load_protocol("shapes"), split="train", data_root=shapes_root)
    with pytest.raises(Exception, match=f"rule majority for predictions that are {kind}"):
        fit_rule("majority", pictures, IDS, kind)
