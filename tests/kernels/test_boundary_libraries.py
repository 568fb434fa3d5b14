"""Boundaries and distances as the libraries in use have them: scikit-image, OpenCV."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.kernels.boundary import boundary_map
from segbench.kernels.distance import squared_distances
from tests.metrics.label_cases import regions


@pytest.mark.parametrize(
    ("definition", "mode", "connectivity"), [("inner4", "inner", 1), ("inner8", "inner", 2), ("thick", "thick", 1)]
)
def test_boundaries_of_scikit_image(definition: str, mode: str, connectivity: int) -> None:
    segmentation = pytest.importorskip("skimage.segmentation")
    rng = np.random.default_rng(0)
    for _ in range(200):
        mask = regions(rng, 2)[0] > 0
        expected = segmentation.find_boundaries(mask, connectivity=connectivity, mode=mode)
        assert np.array_equal(boundary_map(mask=mask, definition=definition, border="nothing"), expected)


def test_distances_of_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(1)
    for _ in range(200):
        sources = rng.random(rng.integers(1, 90, 2)) < rng.choice([0.002, 0.05, 0.5])
        sources.flat[rng.integers(sources.size)] = True
        expected = cv2.distanceTransform((~sources).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # OpenCV gives 32-bit roots; their squares are less than half away from the whole numbers they stand for.
        assert np.array_equal(squared_distances(sources=sources), np.rint(expected.astype(np.float64) ** 2))
