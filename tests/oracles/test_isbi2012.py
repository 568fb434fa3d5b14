"""The membrane reference held against hand-computed values, each derived beside its test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from . import isbi2012

INSIDE = 255


def rows_of(grid: isbi2012.Grid) -> list[list[int]]:
    """The rows of a grid that is addressed by [x][y]."""
    return [list(row) for row in zip(*grid, strict=True)]


def thinned_rows(*rows: str) -> list[list[int]]:
    """Thin an image written with # for foreground."""
    return rows_of(isbi2012.thinned([list(column) for column in zip(*inside(*rows).tolist(), strict=True)]))


def inside(*rows: str) -> np.ndarray:
    return np.array([[int(c == "#") for c in row] for row in rows], np.uint8)


def stack(*rows: str) -> np.ndarray:
    return inside(*rows)[np.newaxis]


def score(truth: np.ndarray, prediction: np.ndarray) -> tuple[float, float]:
    result = isbi2012.evaluate(truth * INSIDE, prediction.astype(np.float32))
    return result["v_rand"], result["v_info"]


def test_thresholds_are_added_up() -> None:
    found = isbi2012.thresholds()
    assert len(found) == 11
    # 0.1 + 0.1 + 0.1 is above 0.3; from 0.7 on the sum stays below, so that 1.0 itself is never reached.
    assert found[3] == 0.1 + 0.1 + 0.1 == 0.30000000000000004
    assert found[-1] == 0.9999999999999999 < 1.0
    assert isbi2012.thresholds(highest=0.0) == [0.0]


def test_probabilities_are_32_bits_and_thresholds_64() -> None:
    # In 32 bits 0.1 and 0.8 lie above the decimal number, 0.7 and 0.9 below.
    values = np.array([[0.1, 0.8, 0.7, 0.9, 0.0, 1.0]])
    at = dict(zip((0.0, 0.1, 0.7, 0.8, 0.9, 1.0), [isbi2012.thresholds()[i] for i in (0, 1, 7, 8, 9, 10)], strict=True))
    assert rows_of(isbi2012.above(values, at[0.1])) == [[1, 1, 1, 1, 0, 1]]
    assert rows_of(isbi2012.above(values, at[0.7])) == [[0, 1, 0, 1, 0, 1]]
    assert rows_of(isbi2012.above(values, at[0.8])) == [[0, 1, 0, 1, 0, 1]]
    assert rows_of(isbi2012.above(values, at[0.9])) == [[0, 0, 0, 0, 0, 1]]
    assert rows_of(isbi2012.above(values, at[1.0])) == [[0, 0, 0, 0, 0, 1]]
    assert rows_of(isbi2012.above(values, at[0.0])) == [[1, 1, 1, 1, 0, 1]]


def test_regions_are_numbered_by_rows_and_basins_by_columns() -> None:
    image = ["#.#", "...", "#.#"]
    columns = [list(column) for column in zip(*inside(*image).tolist(), strict=True)]
    assert rows_of(isbi2012.connected_regions(columns)) == [[1, 0, 2], [0, 0, 0], [3, 0, 4]]
    # Each side lies between two corners; the centre is reached from sides only, which are lines by then.
    assert thinned_rows(*image) == [[1, 0, 3], [0, 0, 0], [2, 0, 4]]


def test_diagonal_pixels_are_apart() -> None:
    assert rows_of(isbi2012.connected_regions([[1, 0], [0, 1]])) == [[1, 0], [0, 2]]


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ("#.#", [1, 0, 2]),
        ("#..#", [1, 1, 0, 2]),  # the left pixel takes 1, the right one then lies between 1 and 2
        ("#...#", [1, 1, 0, 2, 2]),  # both sides grow by one and meet
        ("..#..", [1, 1, 1, 1, 1]),  # one basin has nothing to be parted from
        ("####", [1, 1, 1, 1]),
        ("....", [1, 1, 1, 1]),  # without foreground the background is the only minimum
    ],
)
def test_membranes_become_lines(row: str, labels: list[int]) -> None:
    assert thinned_rows(row) == [labels]
    assert thinned_rows(*row) == [[label] for label in labels]


def test_a_label_beats_a_line() -> None:
    # Basins: 1 above on the left, 3 above on the right, 2 below. The centre meets two lines and then basin 2.
    assert thinned_rows("#.#", "...", "###") == [[1, 0, 3], [0, 2, 0], [2, 2, 2]]


def test_perfect() -> None:
    # p11 = p22 = 1/2: Rand 0.5 / 0.5 both ways; information ln 2 of ln 2 both ways.
    assert score(stack("##.##"), stack("##.##")) == (1.0, 1.0)


@pytest.mark.parametrize("prediction", [".....", "#####"])
def test_everything_merged(prediction: str) -> None:
    # p11 = p21 = 1/2: AB = 1/2, A = 1/2, B = 1. Precision 1/2, recall 1: F = 2/3. H(S) = 0, hence V^Info = 0.
    v_rand, v_info = score(stack("##.##"), stack(prediction))
    assert v_rand == 2 * 0.5 * 1 / 1.5
    assert v_info == 0.0


def test_a_line_through_a_cell_counts_as_single_pixels() -> None:
    # n = 5, p11 = p12 = 2/5, q = 1/5: AB = B = 4/25 + 4/25 + 1/25 = 9/25, A = 1. Precision 1, recall 9/25: F = 9/17.
    v_rand, v_info = score(stack("#####"), stack("##.##"))
    assert v_rand == pytest.approx(9 / 17, abs=1e-15)
    assert v_info == 0.0  # H(T) = 0


def test_information_by_hand() -> None:
    # Truth: cells of 2 and 2 pixels. Prediction: 1 pixel, a line, and the other cell: labels 1 0 0 2 2.
    # n = 4, p11 = 1/4, p22 = 1/2, q = 1/4.
    # SA = 2 · 1/2 ln 1/2 = -ln 2. SB = SAB = 1/4 ln 1/4 + 1/2 ln 1/2 - 1/4 ln 4 = -(1/2 + 1/2 + 1/2) ln 2.
    # I = SAB - SA - SB = ln 2; precision 1, recall 1 / 1.5 = 2/3: F = 4/5.
    truth, prediction = [[1], [1], [0], [2], [2]], [[1], [0], [0], [2], [2]]
    assert isbi2012.v_info(truth, prediction) == pytest.approx(4 / 5, abs=1e-15)
    # AB = 1/16 + 1/4 + 1/16 = 3/8, A = 1/2, B = 3/8: precision 1, recall 3/4: F = 6/7.
    assert isbi2012.v_rand(truth, prediction) == pytest.approx(6 / 7, abs=1e-15)


def test_independent_segmentations_have_no_information_score() -> None:
    # All p = 1/4: I = 0, so precision + recall = 0.
    truth, prediction = [[1, 2], [1, 2]], [[1, 1], [2, 2]]
    assert math.isnan(isbi2012.v_info(truth, prediction))
    # AB = 1/4, A = B = 1/2.
    assert isbi2012.v_rand(truth, prediction) == 0.5


def test_no_true_foreground_scores_zero() -> None:
    for prediction in (".....", "##.##", "#####"):
        assert score(stack("....."), stack(prediction)) == (0.0, 0.0)


def test_the_best_threshold_is_the_first_and_nan_never_wins() -> None:
    at = isbi2012.thresholds()
    assert isbi2012.best([0.5, math.nan, 0.7, 0.7, *[0.1] * 7], at) == (0.7, 0.2)
    assert isbi2012.best([math.nan] * 11, at) == (0.0, 0.0)


def test_mean_over_slices_before_the_best_over_thresholds() -> None:
    # Slice one is right up to 0.2 and merged (2/3) from there on; slice two the other way round.
    truth = np.concatenate([stack("##.##")] * 2) * INSIDE
    fades = np.array([[0.25, 0.25, 0.0, 0.25, 0.25]], np.float32)
    forms = np.array([[1.0, 1.0, 0.25, 1.0, 1.0]], np.float32)
    result = isbi2012.evaluate(truth, np.stack([fades, forms]))
    # 0.0 to 0.2: 1 and 2/3; from 0.3 on: 2/3 and 1.
    assert [s.v_rand for s in result["slices"][2]] == [1.0, 2 * 0.5 * 1 / 1.5]
    assert [s.v_rand for s in result["slices"][3]] == [2 * 0.5 * 1 / 1.5, 1.0]
    assert result["v_rand"] == pytest.approx(5 / 6, abs=1e-15)
    assert (result["v_rand_threshold"], result["v_info"], result["v_info_threshold"]) == (0.0, 0.5, 0.0)


def test_labels_have_16_bits() -> None:
    # A chessboard of 363 × 363 has 65885 single pixels: those of the truth begin anew at 65536, those of the
    # prediction stay at 65535.
    board = (np.indices((363, 363)).sum(axis=0) % 2 == 0).astype(int).tolist()
    regions = np.array(isbi2012.connected_regions(board))
    assert regions.max() == 65535
    assert np.count_nonzero(regions) == 65885 - 1  # number 65536 is 0
    assert np.count_nonzero(np.array(isbi2012.thinned(board)) == 65535) == 65885 - 65534


def test_size_mismatch_is_an_error() -> None:
    with pytest.raises(ValueError):
        isbi2012.evaluate(np.zeros((1, 2, 3)), np.zeros((1, 3, 2)))
