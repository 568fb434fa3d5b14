"""The tables of surfels derived from squares and cubes: what marching squares and cubes cut off."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from . import surfels

Corner = tuple[int, ...]
Vector = tuple[float, ...]
SPACING = (0.7, 1.3, 2.5)


def corners(code: int, ndim: int = 3) -> set[Corner]:
    """The pixels of a code: the first in C order is the highest bit."""
    places = list(itertools.product((0, 1), repeat=ndim))
    return {place for bit, place in enumerate(reversed(places)) if code >> bit & 1}


def code_of(places: set[Corner]) -> int:
    return sum(2 ** (7 - (4 * x + 2 * y + z)) for x, y, z in places)


def neighbours(place: Corner) -> Iterator[Corner]:
    for axis in range(3):
        yield (*place[:axis], 1 - place[axis], *place[axis + 1 :])


def components(places: set[Corner]) -> list[set[Corner]]:
    """Parts joined along edges of the cube."""
    left, found = set(places), []
    while left:
        part = {left.pop()}
        while more := {n for place in part for n in neighbours(place)} & left:
            part |= more
            left -= more
        found.append(part)
    return found


def loop(part: set[Corner]) -> list[Vector]:
    """The midpoints of the edges that leave a part, in order: two of them are joined where they lie on one face."""
    cut = [tuple((a + b) / 2 for a, b in zip(p, n, strict=True)) for p in part for n in neighbours(p) if n not in part]
    found = [cut.pop(0)]
    while cut:
        following = [p for p in cut if any(a == b != 0.5 for a, b in zip(p, found[-1], strict=True))]
        found.append(following[0])
        cut.remove(following[0])
    return found


def triangulations(polygon: list[Vector]) -> Iterator[list[list[Vector]]]:
    """All ways to cut a polygon into triangles: one lies on the edge from the first to the last."""
    if len(polygon) < 3:
        yield []
        return
    for k in range(1, len(polygon) - 1):
        for left in triangulations(polygon[: k + 1]):
            for right in triangulations(polygon[k:]):
                yield [*left, [polygon[0], polygon[k], polygon[-1]], *right]


def normal(triangle: list[Vector]) -> Vector:
    a, b, c = map(np.array, triangle)
    return tuple(abs(np.cross(b - a, c - a)) / 2)


def cuts(code: int) -> Iterator[Counter[Vector]]:
    """The normals of every triangulation of a code; the loops are those of the side with fewer corners."""
    places = corners(code if code.bit_count() <= 4 else 255 - code)
    for choice in itertools.product(*(list(triangulations(loop(part))) for part in components(places))):
        yield Counter(normal(triangle) for part in choice for triangle in part)


@pytest.mark.parametrize("code", range(256))
def test_a_row_is_a_triangulation_of_marching_cubes(code: int) -> None:
    assert Counter(surfels.triangles(code)) in list(cuts(code))


def flat(code: int) -> float:
    """The area for a spacing of 1."""
    return sum(math.hypot(*triangle) for triangle in surfels.triangles(code))


def test_areas_of_plane_surfaces() -> None:
    # A corner: an equilateral triangle with sides √½. An edge: √½ × 1. A face: 1. Tripod: a hexagon with sides √½.
    side = math.sqrt(0.5)
    for places, expected in (
        ({(0, 0, 0)}, math.sqrt(3) / 4 * side**2),
        ({(0, 0, 0), (0, 0, 1)}, side),
        ({(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)}, 1),
        ({(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)}, 6 * math.sqrt(3) / 4 * side**2),
    ):
        assert flat(code_of(places)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_areas_know_no_direction(axes: tuple[int, int, int]) -> None:
    """Turned, mirrored and complementary codes have one area: the choice of triangles is that of the shape."""
    areas, turned_areas = surfels.areas(SPACING), surfels.areas([SPACING[axis] for axis in axes])
    assert np.array_equal(areas, areas[::-1])
    for code, flips in itertools.product(range(256), itertools.product((0, 1), repeat=3)):
        turned = {tuple(place[axis] ^ flips[axis] for axis in axes) for place in corners(code)}
        # Up to four terms are multiplied and added in another order.
        assert turned_areas[code_of(turned)] == pytest.approx(areas[code], rel=1e-15)


def test_lengths_of_contours() -> None:
    down, along = 2.0, 0.5
    lengths = surfels.lengths((down, along))
    slanted = math.hypot(down / 2, along / 2)
    for code in range(16):
        places = corners(code, 2)
        rows, columns = ({place[axis] for place in places} for axis in (0, 1))
        if len(places) in (0, 4):
            expected = 0.0
        elif len(places) in (1, 3):
            expected = slanted
        else:
            # In one row the contour runs along it, in one column down it, else it cuts off both corners.
            expected = along if len(rows) == 1 else down if len(columns) == 1 else 2 * slanted
        assert lengths[code] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("ndim", [2, 3])
def test_codes_of_a_single_pixel(ndim: int) -> None:
    # Each corner around a pixel sees it in the place opposite.
    found = surfels.codes(np.ones([1] * ndim))
    assert found.ravel().tolist() == [2**bit for bit in range(2**ndim)]


def test_total_area_of_a_box() -> None:
    # 3 × 4 × 5 voxels: 2 · (2 · 3 + 2 · 4 + 3 · 4) = 52 straight pieces, 4 · (2 + 3 + 4) edges of √½, 8 corners.
    pair = surfels.surfels(np.ones((3, 4, 5)), np.ones((3, 4, 5)), (1, 1, 1))
    assert pair[0].sizes.sum() == pytest.approx(52 + 36 * math.sqrt(0.5) + math.sqrt(3), rel=1e-14)
    assert surfels.hausdorff(pair) == 0 and surfels.surface_dice(pair, 0) == 1


def test_the_share_is_reached_not_interpolated() -> None:
    one = surfels.Surfels(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0]))
    # Shares 1/4, 3/4 and 1, exact in floats.
    expected = {0: 1, 25: 1, 26: 2, 75: 2, 76: 3, 100: 3}
    assert {percent: surfels.percentile_of(one, percent) for percent in expected} == expected
