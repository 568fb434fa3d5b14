"""The classical baselines: what they compute, and what smoothing brings on the embedded data set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets import shapes
from segbench.models.classical import NearestColour, smooth_edges

Pixels = NDArray[np.uint8]


def flat(colour: tuple[int, int, int], height: int = 4, width: int = 5) -> Pixels:
    return np.broadcast_to(np.array(colour, dtype=np.uint8), (height, width, 3)).copy()


def test_fit_averages_and_leaves_void_out() -> None:
    image = np.array([[[10, 0, 0], [20, 0, 0], [0, 99, 0], [255, 255, 255]]], dtype=np.uint8)
    rule = NearestColour.fit([image], [np.array([[0, 0, 1, 255]], dtype=np.uint8)], 2, 255)
    assert rule.means.dtype == np.float64
    assert rule.means.tolist() == [[15.0, 0.0, 0.0], [0.0, 99.0, 0.0]]


def test_fit_pools_pixels_of_images_of_any_size() -> None:
    images = [flat((0, 0, 0), 1, 1), flat((90, 30, 60), 1, 2)]
    rule = NearestColour.fit(iter(images), (np.zeros(x.shape[:2], np.uint8) for x in images), 1)
    assert rule.means.tolist() == [[60.0, 20.0, 40.0]]


def test_a_class_without_pixels_is_never_predicted() -> None:
    rule = NearestColour.fit([flat((0, 0, 0))], [np.full((4, 5), 1, np.uint8)], 3)
    assert np.isnan(rule.means[[0, 2]]).all()
    predicted = rule.predict(flat((255, 255, 255)))
    assert predicted.dtype == np.uint8 and predicted.shape == (4, 5)
    assert (predicted == 1).all()


def test_the_smaller_id_wins_a_draw() -> None:
    rule = NearestColour(np.array([[255.0, 0, 0], [0.0, 0, 0], [20.0, 0, 0]]))
    assert rule.predict(np.array([[[10, 0, 0], [11, 0, 0]]], dtype=np.uint8)).tolist() == [[1, 2]]


def test_fit_refuses_what_it_cannot_average() -> None:
    image, zeros = flat((1, 2, 3)), np.zeros((4, 5), np.uint8)
    with pytest.raises(ValueError, match="label 2 is beyond the 2 classes"):
        NearestColour.fit([image], [zeros + np.uint8(2)], 2)
    with pytest.raises(ValueError, match="no labelled pixel"):
        NearestColour.fit([image], [zeros + np.uint8(255)], 2)
    with pytest.raises(ValueError, match="shorter"):
        NearestColour.fit([image, image], [zeros], 2)


def plain_kuwahara(image: Pixels, radius: int) -> Pixels:
    """The filter of one round, pixel by pixel."""
    wide = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="edge").astype(np.float64)
    out = np.empty_like(image)
    side = radius + 1
    for row, column in np.ndindex(*image.shape[:2]):
        corners = [(row + r, column + c) for r in (0, radius) for c in (0, radius)]
        squares = [wide[r : r + side, c : c + side].reshape(-1, 3) for r, c in corners]
        calmest = min(squares, key=lambda square: round(float(square.var(axis=0).sum()), 6))
        out[row, column] = np.floor(calmest.mean(axis=0) + 0.5)
    return out


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_smoothing_is_the_filter_of_kuwahara(radius: int) -> None:
    image = np.random.default_rng(radius).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    assert np.array_equal(smooth_edges(image, radius, rounds=1), plain_kuwahara(image, radius))
    twice = plain_kuwahara(plain_kuwahara(image, radius), radius)
    assert np.array_equal(smooth_edges(image, radius, rounds=2), twice)


def test_smoothing_keeps_flat_areas_edges_and_its_input() -> None:
    image = np.concatenate([flat((200, 40, 7), 12, 10), flat((20, 90, 255), 12, 10)], axis=1)
    before = image.copy()
    assert np.array_equal(smooth_edges(image), before)
    assert np.array_equal(image, before)
    assert np.array_equal(smooth_edges(image, rounds=0), before)


def test_smoothing_calms_noise() -> None:
    noise = np.random.default_rng(0).integers(-20, 21, (40, 40, 3))
    smoothed = smooth_edges((128 + noise).astype(np.uint8))
    assert smoothed.dtype == np.uint8 and smoothed.shape == (40, 40, 3)
    assert smoothed.std() < 0.5 * noise.std()


def mean_iou(rule: NearestColour, images: list[Pixels], truths: list[Pixels]) -> float:
    k = len(shapes.CLASSES)
    table = np.zeros((k, k), dtype=np.int64)
    for image, truth in zip(images, truths, strict=True):
        kept = truth != shapes.VOID
        pairs = truth[kept].astype(np.int64) * k + rule.predict(image)[kept]
        table += np.bincount(pairs, minlength=k * k).reshape(k, k)
    hits = np.diag(table)
    return float(np.mean(hits / (table.sum(axis=0) + table.sum(axis=1) - hits)))


def test_smoothing_beats_the_bare_colour_rule_on_shapes() -> None:
    train = [shapes.scene("train", i) for i in range(shapes.SPLITS["train"])]
    test = [shapes.scene("test", i) for i in range(shapes.SPLITS["test"])]
    truths = [drawn.classes for drawn in train], [drawn.classes for drawn in test]
    scores = []
    for rounds in (0, 2):
        fitted = [smooth_edges(drawn.image, rounds=rounds) for drawn in train]
        rule = NearestColour.fit(fitted, truths[0], len(shapes.CLASSES), shapes.VOID)
        scored = [smooth_edges(drawn.image, rounds=rounds) for drawn in test]
        scores.append(mean_iou(rule, scored, truths[1]))
    assert scores[1] > scores[0] + 0.02
