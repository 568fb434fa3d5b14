"""The reference for trimaps held against hand-computed values."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest

from . import trimap
from .trimap import Trimap

Image = np.ndarray


def square() -> Image:
    """The square of the probes, 100 × 100 on 375 × 500."""
    found = np.zeros((375, 500), np.uint8)
    found[100:200, 100:200] = 1
    return found


def row(*labels: int) -> Image:
    return np.array([labels], np.uint8)


def band_size(truth: Image, width: float, rules: Trimap) -> int:
    return int(trimap.band(truth, (255,), width, rules).sum())


def test_bands_of_the_probe() -> None:
    # Eight pixels on both sides: 116² - 84² = 6400. A square lacks the pixel at each corner, whose nearest ones are
    # the outer neighbours of the sides: 6396. A circle lacks 12 at each: 5 + 3 + 2 + 1 + 1 in rows 8 to 4: 6352.
    assert band_size(square(), 8, Trimap("boundary", "euclidean")) == 6352
    assert band_size(square(), 8, Trimap("boundary", "square")) == 6396


def test_three_bands_around_one_void_ring() -> None:
    # A ring of two pixels on each side: 100² - 96² = 784 inside, 4 · 200 + 4 · 3 outside.
    truth = square()
    ring = trimap.band(truth, (), 2, Trimap("boundary"))
    assert ring.sum() == 784 + 812
    ringed = np.where(ring, 255, truth)
    # Eight pixels inside, 96² - 80² = 2816, and beside the sides, 4 · 800 = 3200. At a corner the ring has 3 pixels:
    # around these 8 + 8 + 9 + 9 + 8 + 8 + 7 + 6 + 4 + 1 = 68 in rows 1 to 10, four times.
    assert band_size(ringed, 8, Trimap("void")) == 6288 == 2816 + 3200 + 4 * 68
    # The label changes beside the ring: at a corner (1, 3), (2, 2) and (3, 1) are boundary as well, and in the rows
    # around them 8 + 9 + 10 + 10 + 9 + 9 + 8 + 7 + 6 + 4 = 80.
    assert band_size(ringed, 8, Trimap("boundary")) == 6336 == 2816 + 3200 + 4 * 80
    # Around the unknown true boundary, less the ring, which it holds: 6352 - 1596.
    assert int((trimap.band(truth, (), 8, Trimap("boundary")) & ~ring).sum()) == 4756


def test_a_single_void_pixel() -> None:
    truth = np.zeros((9, 9), np.uint8)
    truth[4, 4] = 255
    # Width 1: 4 neighbours, or 8 of a 3 × 3 square; width 2: 13 - 1, or 24.
    sizes = [[band_size(truth, k, Trimap("void", m)) for k in (0, 1, 2)] for m in ("euclidean", "square")]
    assert sizes == [[0, 4, 12], [0, 8, 24]]
    assert band_size(truth, 2, Trimap("void", closed=False)) == 8


@pytest.mark.parametrize("metric", ["euclidean", "square"])
def test_on_straight_edges_widths_are_pixels_on_each_side(metric: Literal["euclidean", "square"]) -> None:
    plain, ringed = np.repeat(row(0, 0, 0, 0, 1, 1, 1, 1), 3, axis=0), np.repeat(row(0, 0, 0, 255, 255, 1, 1, 1), 3, 0)
    boundary, void = Trimap("boundary", metric), Trimap("void", metric)
    for width in (0, 1, 2, 3):
        assert band_size(plain, width, boundary) == 3 * 2 * width
        assert band_size(ringed, width, boundary) == band_size(ringed, width, void) == 3 * 2 * width


def test_void_parts_labels_only_when_it_is_an_edge() -> None:
    truth = row(0, 0, 255, 1, 1, 0)
    # With void: 1, 2 | 2, 3 and 4 | 5. Without: 4 | 5 only.
    assert trimap.band(truth, (255,), 1, Trimap("boundary")).tolist() == [[False, True, False, True, True, True]]
    without = trimap.band(truth, (255,), 1, Trimap("boundary", void_edges=False))
    assert without.tolist() == [[False, False, False, False, True, True]]
    # Two void ids are one region.
    both = trimap.band(row(0, 0, 254, 255, 255), (254, 255), 1, Trimap("boundary"))
    assert both.tolist() == [[False, True, False, False, False]]


def test_scores_of_a_curve() -> None:
    truth, prediction = row(0, 0, 0, 255, 255, 1, 1, 1), row(0, 0, 1, 1, 0, 1, 0, 1)
    curve = trimap.evaluate([truth], [prediction], 3, (255,), (0, 1, 2), Trimap("void"))
    # 0: no pixel. 1: pixels 2 and 5, one right; IoU 0 / 1 and 1 / 2. 2: also 1 and 6, two of four right; IoU 1 / 3
    # twice. Class 2 is absent.
    assert math.isnan(curve[0].accuracy) and math.isnan(curve[0].mean_iou)
    assert curve[1][:2] == (0.5, 0.25)
    assert curve[2][:2] == (0.5, 1 / 3)
    assert math.isnan(curve[2].iou[2])


def test_pixels_are_pooled_and_void_predictions_missed() -> None:
    truths = [row(0, 0, 1, 1), row(1, 1, 1, 0)]
    predictions = [row(1, 0, 255, 1), row(1, 0, 1, 1)]
    found = trimap.evaluate(truths, predictions, 2, (255,), [1], Trimap("boundary"))[1]
    # Scored: 0 right, 1 void; 1 right, 0 taken for 1. IoU: 0 1 / 2, 1 1 / 3.
    assert found.table == [[1, 1, 0], [0, 1, 1]]
    assert found.accuracy == 0.5 and found.mean_iou == math.fsum([1 / 2, 1 / 3]) / 2


def test_trimap_refuses_strays_anywhere() -> None:
    with pytest.raises(ValueError, match="neither"):
        trimap.evaluate([row(0, 0, 0, 1)], [row(9, 0, 0, 1)], 2, (), [1], Trimap("boundary"))
