"""The kernels on masks as runs against pycocotools, thousands of random cases of each."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as official

from segbench.kernels import rle
from segbench.kernels.rasterise import rasterise
from tests.kernels.overlapping import broken, mask, runs_of
from tests.kernels.runmasks import in_json, joined, polygon, polygon_case, string_case

HALF = 250

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def sizes_of(rng, n):
    """Sizes from 1×1 on, some of them up to 1000×1000."""
    for _ in range(n):
        side = rng.choice([1, 3, 12, 40, 40, 40, 1000], p=[0.04, 0.1, 0.2, 0.2, 0.22, 0.2, 0.04])
        yield tuple(rng.integers(1, side + 1, 2).tolist())


def official_of(counts, size):
    return official.frPyObjects({"size": list(size), "counts": counts}, *size)


@pytest.mark.parametrize("seed", range(4))
def test_encode_decode_area_and_box(seed):
    rng = np.random.default_rng(seed)
    for size in sizes_of(rng, 2 * HALF):
        images = [mask(rng, *size).astype(np.uint8) for _ in range(rng.integers(1, 5))]
        expected = [official.encode(np.asfortranarray(image)) for image in images]
        strings = [one["counts"] for one in expected]
        runs = rle.from_masks(images)
        assert rle.encode_strings(runs) == strings
        escaped = (rng.random(len(images)) < 0.5).tolist()
        written = [in_json(string) if flag else string for string, flag in zip(strings, escaped, strict=True)]
        decoded = rle.decode_strings(**string_case(written, [size] * len(images), escaped))
        assert np.array_equal(decoded.counts, runs.counts) and np.array_equal(decoded.offsets, runs.offsets)
        assert rle.areas(decoded).tolist() == official.area(expected).tolist()
        assert np.array_equal(rle.boxes(decoded), official.toBbox(expected))
        for i, one in enumerate(expected):
            assert np.array_equal(rle.decode(decoded, i), official.decode(one))


@pytest.mark.parametrize("seed", range(4))
def test_lists_with_runs_of_length_0(seed):
    rng = np.random.default_rng(seed)
    for size in sizes_of(rng, 2 * HALF):
        counts = broken(rng, runs_of(mask(rng, *size)))
        runs = rle.from_counts(counts, [0, len(counts)], [size[0]], [size[1]])
        expected = official_of(counts, size)
        assert rle.encode_strings(runs) == [expected["counts"]]
        assert rle.areas(runs)[0] == official.area(expected)
        assert np.array_equal(rle.decode(runs, 0), official.decode(expected))
        if sum(counts[1::2]):
            assert np.array_equal(rle.boxes(runs)[0], official.toBbox(expected))


@pytest.mark.parametrize("intersect", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_unions_and_intersections(seed, intersect):
    rng = np.random.default_rng(seed)
    for size in sizes_of(rng, 2 * HALF):
        lists = [runs_of(mask(rng, *size)) for _ in range(rng.integers(1, 6))]
        expected = official.merge([official_of(counts, size) for counts in lists], intersect=intersect)
        runs = rle.merge(joined(lists, [size] * len(lists)), intersect=intersect)
        assert rle.encode_strings(runs) == [expected["counts"]]
        assert expected["size"] == [*size]
        lists[0] = broken(rng, lists[0])
        # The official tool has memory for as many runs as there are pixels, and looks at nothing.
        if len(lists) > 1 and sum(map(len, lists)) < size[0] * size[1]:
            # With runs of length 0 in one of them the same mask, in which the official tool keeps such runs.
            expected = official.merge([official_of(counts, size) for counts in lists], intersect=intersect)
            again = rle.merge(joined(lists, [size] * len(lists)), intersect=intersect)
            assert np.array_equal(rle.decode(again, 0), official.decode(expected))
            assert np.array_equal(again.counts, runs.counts)


@pytest.mark.parametrize("seed", range(4))
def test_polygons(seed):
    rng = np.random.default_rng(seed)
    found = {"empty": 0, "some": 0, "full": 0, "several": 0, "large": 0}
    for size in sizes_of(rng, 4 * HALF):
        drawn = [polygon(rng, max(size)) for _ in range(rng.choice([1, 1, 2, 3]))]
        if len(drawn[0]) == 4:
            # Four numbers are a box there.
            drawn[0] = np.append(drawn[0], 7.0)
        expected = official.merge(official.frPyObjects([one.tolist() for one in drawn], *size))
        runs = rasterise(**polygon_case([drawn], [size]))
        assert rle.encode_strings(runs) == [expected["counts"]], (size, drawn)
        area, pixels = int(rle.areas(runs)[0]), size[0] * size[1]
        found["empty" if area == 0 else "full" if area == pixels else "some"] += 1
        found["several"] += len(drawn) > 1
        found["large"] += max(size) > 300
    assert all(n > 10 for n in found.values()), found


def test_polygons_of_many_vertices_and_of_few():
    rng = np.random.default_rng(0)
    for n in [*range(3, 12)] * 30 + [300, 2000]:
        points = (rng.random(2 * n) * 120 - 10).round(int(rng.integers(0, 3)))
        points = np.append(points, [] if n % 3 else points[0])
        size = tuple(rng.integers(1, 100, 2).tolist())
        expected = official.frPyObjects([points.tolist()], *size)
        assert rle.encode_strings(rasterise(**polygon_case([[points]], [size]))) == [expected[0]["counts"]]


def test_rectangles_from_boxes():
    rng = np.random.default_rng(0)
    boxes = rng.uniform(-5, 30, (500, 4)).round(1)
    for box, expected in zip(boxes, official.frPyObjects(boxes, 25, 31), strict=True):
        left, top, width, height = box.tolist()
        right, bottom = left + width, top + height
        drawn = polygon_case([[np.array([left, top, left, bottom, right, bottom, right, top])]], [(25, 31)])
        assert rle.encode_strings(rasterise(**drawn)) == [expected["counts"]]


# Where segbench differs on purpose.


def test_the_box_of_foreground_runs_of_length_0_overflows_there():
    broken_box = official.toBbox(official_of([5, 0], (5, 1)))
    assert broken_box.tolist() != [0, 0, 0, 0]
    assert rle.boxes(rle.from_counts([5, 0], [0, 2], [5], [1])).tolist() == [[0, 0, 0, 0]]


def test_unions_stop_there_where_both_have_a_run_of_length_0():
    lists, size = [[1, 1, 0, 0, 2], [1, 1, 0, 0, 1, 1]], (4, 1)
    theirs = official.merge([official_of(counts, size) for counts in lists])
    # Counts of 1 and 1, which are no mask of 4 pixels.
    assert theirs == {"size": [4, 1], "counts": b"11"}
    ours = rle.merge(joined(lists, [size] * 2))
    assert rle.decode(ours, 0).ravel().tolist() == [0, 1, 0, 1]
