"""The Cityscapes reference compared with the published cityscapesScripts on random small scenes."""

from __future__ import annotations

import argparse
import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from . import cityscapes

pytest.importorskip("cityscapesscripts")
CASES = 300
GROUPS = 10  # so that a failure names its part


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The official module; NumPy 2.4 removed a function it still calls."""
    monkeypatch.setattr(np, "in1d", np.isin, raising=False)
    return importlib.import_module("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")


def quiet_arguments(module: Any) -> argparse.Namespace:
    # Both caches are per process and are reset with the copy.
    changed = {"quiet": True, "JSONOutput": False, "predictionPath": None, "predictionWalk": None}
    return argparse.Namespace(**{**vars(module.args), **changed, "evalLabels": []})


def random_scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth of rectangles, some numbered objects, some group regions, and a partly wrong prediction.

    Few ids are used per scene, so that many classes are absent or only predicted.
    """
    shape = (int(rng.integers(4, 14)), int(rng.integers(4, 14)))
    ids = rng.integers(0, cityscapes.LABELS, size=int(rng.integers(2, 9)))
    truth = np.full(shape, rng.choice(ids), dtype=np.uint8)
    instances = truth.astype(np.int32)
    for number in range(int(rng.integers(2, 9))):
        top, left = int(rng.integers(0, shape[0])), int(rng.integers(0, shape[1]))
        height, width = (int(n) for n in rng.integers(1, 7, size=2))
        box = slice(top, top + height), slice(left, left + width)
        label = int(rng.choice(ids)) if rng.random() < 0.5 else int(rng.integers(24, cityscapes.LABELS))
        truth[box] = label
        separable = label in (*cityscapes.AVERAGE_SIZE, *cityscapes.UNUSED_SIZE)
        instances[box] = label * 1000 + number if separable and rng.random() < 0.75 else label
    prediction = truth.copy()
    wrong = rng.random(shape) < rng.choice([0.0, 0.2, 0.6, 1.0])
    pool = rng.integers(0, cityscapes.LABELS, size=5) if rng.random() < 0.5 else np.array([26, 29, 30, 33, 24, 25, 0])
    prediction[wrong] = rng.choice(pool, size=int(wrong.sum()))
    return truth, prediction, instances


def write(folder: Path, name: str, scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    truth = folder / f"{name}_gtFine_labelIds.png"
    prediction = folder / f"{name}_prediction.png"
    Image.fromarray(scene[0]).save(truth)
    Image.fromarray(scene[1]).save(prediction)
    Image.fromarray(scene[2].astype(np.uint16)).save(folder / f"{name}_gtFine_instanceIds.png")
    return str(prediction), str(truth)


def assert_close(found: float, expected: float, what: str) -> None:
    # The official sums run in another order; everything else is the same, so only rounding may differ.
    equal = math.isnan(found) if math.isnan(expected) else found == pytest.approx(expected, rel=1e-12, abs=0)
    assert equal, f"{what}: {found} instead of {expected}"


def compare(mine: cityscapes.CityscapesResult, theirs: dict[str, Any]) -> None:
    for name, key in (
        ("classScores", "class_iou"),
        ("classInstScores", "class_iiou"),
        ("categoryScores", "category_iou"),
        ("categoryInstScores", "category_iiou"),
    ):
        values: dict[str, float] = mine[key]  # type: ignore[literal-required]
        for label, expected in theirs[name].items():
            # What the reference does not list (ignored, without instances, void) has no official score.
            assert_close(values.get(label, math.nan), expected, f"{key} {label}")
        assert set(values) <= set(theirs[name])
    for name, key in (
        ("averageScoreClasses", "mean_class_iou"),
        ("averageScoreInstClasses", "mean_class_iiou"),
        ("averageScoreCategories", "mean_category_iou"),
        ("averageScoreInstCategories", "mean_category_iiou"),
    ):
        assert_close(mine[key], theirs[name], key)  # type: ignore[literal-required]


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_scenes(official: Any, tmp_path: Path, group: int) -> None:
    rng = np.random.default_rng(group)
    for case in range(CASES // GROUPS):
        scenes = [random_scene(rng) for _ in range(int(rng.integers(1, 4)))]
        paths = [write(tmp_path / str(case), f"x_{n:06}_000000", scene) for n, scene in enumerate(scenes)]
        theirs = official.evaluateImgLists([p[0] for p in paths], [p[1] for p in paths], quiet_arguments(official))
        mine = cityscapes.evaluate([s[0] for s in scenes], [s[1] for s in scenes], [s[2] for s in scenes])
        compare(mine, theirs)
