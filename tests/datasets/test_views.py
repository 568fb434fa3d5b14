"""Views fused: votes and their ties, means of probabilities, and files that hold none."""

from __future__ import annotations

import gzip
from collections import Counter

import numpy as np
import pytest

from segbench.datasets.nifti import open_nifti
from segbench.datasets.probabilities import View, most_likely
from segbench.datasets.views import voted
from segbench.errors import UnreadableImage
from tests.datasets.niftis import nifti

RNG = np.random.default_rng(0)
SHAPE = (5, 4, 3)


def plain_vote(labels: tuple[int, ...]) -> int:
    """The label with the most votes; `Counter` keeps the order in which labels came, so the first view wins ties."""
    return Counter(labels).most_common(1)[0][0]


@pytest.mark.parametrize("n_views", [2, 3, 4, 5, 9])
def test_votes_and_ties(n_views: int) -> None:
    ties = 0
    for _ in range(20):
        views = RNG.integers(0, 4, (n_views, *SHAPE)).astype(np.uint8)
        expected = np.apply_along_axis(plain_vote, 0, views)
        np.testing.assert_array_equal(voted(list(views)), expected)
        ties += int((expected != np.apply_along_axis(plain_vote, 0, views[::-1])).sum())
    assert ties > 20


def test_a_tie_goes_to_the_first_view_that_has_one_of_the_labels() -> None:
    views = [np.full((1, 1, 1), label, np.uint8) for label in (7, 3, 5, 5, 3)]
    assert voted(views).item() == 3
    assert voted(views[:2]).item() == 7
    assert voted(views[:3]).item() == 7


def test_views_of_several_types() -> None:
    views = [np.full(SHAPE, 3, np.uint8), np.full(SHAPE, -70000, np.int32), np.full(SHAPE, -70000, np.int64)]
    assert (voted(views) == -70000).all()


def view(values: np.ndarray, name: str = "file", **options: object) -> View:
    return View(name, open_nifti(nifti(values, **options), layers=True))  # type: ignore[arg-type]


def probabilities(n_classes: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    values = RNG.random((*shape, n_classes)).astype(np.float32)
    return values / values.sum(-1, keepdims=True)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [SHAPE, (70, 60, 50)])
def test_the_largest_mean(dtype: str, packed: bool, shape: tuple[int, ...]) -> None:
    arrays = [probabilities(4, shape) for _ in range(3)]
    expected = np.sum(arrays, axis=0, dtype=np.float64).argmax(-1)
    found = most_likely([view(a.astype(dtype), packed=packed) for a in arrays], [0, 1, 2, 3])
    np.testing.assert_array_equal(found, expected)
    # No single view, and no vote, says the same.
    assert all((a.argmax(-1) != expected).any() for a in arrays)
    assert (voted([a.argmax(-1) for a in arrays]) != expected).any()


def test_of_equal_means_the_first_class_is_taken_and_ids_are_those_of_the_layers() -> None:
    first = np.zeros((1, 1, 3, 3), np.float32)
    first[0, 0] = [[0.25, 0.5, 0.25], [0, 1, 0], [0.5, 0.25, 0.25]]
    second = first[:, :, :, [2, 0, 1]]  # second[..., k] is first[..., (2, 0, 1)[k]]
    # Sums: (.5, .75, .75), (0, 1, 1), (.75, .75, .5).
    assert most_likely([view(first), view(second)], [4, -7, 300]).tolist() == [[[-7, -7, 4]]]


def test_scaling_is_applied() -> None:
    values = np.zeros((1, 1, 1, 2), np.float32)
    values[..., 1] = 2
    found = most_likely([view(values, scaling=(-0.5, 1.0)), view(values, scaling=(0.25, 0.0))], [0, 1])
    # The layers are 1 and 0 in the first, 0 and 0.5 in the second.
    assert found.item() == 0


@pytest.mark.parametrize("value", [-0.01, 1.01, 7.3, np.nan, np.inf, -np.inf])
def test_what_is_no_probability(value: float) -> None:
    values = probabilities(3)
    values[2, 3, 1, 1] = value
    with pytest.raises(UnreadableImage, match="a value of .*probabilities from 0 to 1.*softmax") as caught:
        most_likely([view(probabilities(3)), view(values, "second")], [0, 1, 2])
    assert caught.value.file == "second"


def test_rounding_may_go_a_little_beyond() -> None:
    values = np.zeros((1, 1, 1, 2), np.float32)
    values[..., :] = -1e-6, 1 + 1e-6
    assert most_likely([view(values)] * 2, [0, 1]).item() == 1


PLAIN = nifti(probabilities(3), packed=False)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (PLAIN[:-1], "ends too early"),
        (PLAIN + bytes(1 << 17), "more bytes than its header says"),
        (gzip.compress(PLAIN[:-1]), "ends too early"),
        (gzip.compress(PLAIN)[:-1], "ends too early"),
        (gzip.compress(PLAIN + bytes(1 << 24)), "more bytes than its header says"),
        (gzip.compress(PLAIN) + b"text", "is damaged"),
    ],
)
def test_cut_damaged_and_overlong_files(data: bytes, found: str) -> None:
    with pytest.raises(UnreadableImage, match=found) as caught:
        most_likely([View("a", open_nifti(PLAIN, layers=True)), View("b", open_nifti(data, layers=True))], [0, 1, 2])
    assert caught.value.file == "b"


def test_damage_behind_the_header() -> None:
    values = probabilities(3, (40, 40, 40))
    data = gzip.compress(nifti(values, packed=False))
    damaged = View("b", open_nifti(data[:-8] + bytes(4) + data[-4:], layers=True))
    with pytest.raises(UnreadableImage, match="a file that is damaged; expected a whole") as caught:
        most_likely([view(values), damaged], [0, 1, 2])
    assert caught.value.file == "b"


def test_few_bytes_behind_and_several_streams_are_taken() -> None:
    several = gzip.compress(PLAIN[:400]) + gzip.compress(PLAIN[400:] + bytes(100))
    found = most_likely([View("a", open_nifti(data, layers=True)) for data in (PLAIN, several)], [0, 1, 2])
    np.testing.assert_array_equal(found, most_likely([View("a", open_nifti(PLAIN, layers=True))], [0, 1, 2]))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.zeros((2, 2, 2), np.float32), "3 axes: 2×2×2; expected four"),
        (np.zeros((2, 2, 2, 1), np.float32), "4 axes: 2×2×2×1; expected four"),
        (np.zeros((2, 2, 2, 3, 2), np.float32), "5 axes"),
        (np.zeros((2, 2, 2, 3), np.uint8), "voxels of uint8; expected probabilities: floats"),
        (np.zeros((2, 2, 2, 3), np.complex64), "voxels of complex64"),
    ],
)
def test_headers_of_no_probabilities(values: np.ndarray, found: str) -> None:
    with pytest.raises(UnreadableImage) as caught:
        open_nifti(nifti(values), layers=True)
    assert found in str(caught.value)
