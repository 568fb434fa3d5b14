"""Plain reference for surfels, the pieces of contour or surface of google-deepmind/surface-distance, 2-D and 3-D.

Every corner of the pixel lattice, beyond the image as well, has a code: a bit for each of the 2 × 2 (× 2) pixels around
it, the first pixel in C order the highest, 0 beyond the image. A corner whose code is neither 0 nor all ones is a
surfel. It lies on the corner; its length or area is that of marching squares or cubes between the centres of the
pixels around. Distances run from corner to corner, along array axes in mm.

In 2-D: one or three pixels cut off half a diagonal, a diagonal pair two halves, a pair in a row or column a side.

In 3-D a code is made of triangles between midpoints of cube edges, each given by its normal, whose length is its area
in voxels of 1 × 1 × 1. Only the sizes of the components matter to an area: `EIGHTHS` has them in eighths, three digits
a triangle, for codes 0 to 127; code 255 - c has the row of c. The numbers are those of `lookup_tables.py` at commit
1f805ce (which lists signed normals), in its order, because floats are summed in that order; the tests derive the
triangles from the cube. Rotated, mirrored and complementary codes have the same area under the same spacing.

Sums follow that package too: surfels sorted by distance, then area; NumPy's sums over the arrays in that order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

EIGHTHS = """
0 111 111 220+220 111 202+202 111+111 400+222+111 111 111+111 202+202 400+222+111 220+220 400+222+111 400+222+111
400+400 111 022+022 111+111 040+222+111 111+111 004+222+111 111+111+111 111+222+222+111 111+111 022+022+111
202+202+111 111+333+022+202 111+220+220 333+022+111+220 400+111+222+111 400+111+222 111 111+111 022+022 040+111+222
111+111 111+202+202 022+022+111 333+022+111+202 111+111 111+111+111 004+222+111 222+222+111+111 111+220+220
400+222+111+111 022+333+111+220 400+222+111 220+220 040+222+111 040+111+222 040+040 220+220+111 333+202+111+220
111+040+222+111 040+222+111 111+220+220 040+222+111+111 333+220+111+202 040+222+111 220+220+220+220 220+220+111
111+220+220 220+220 111 111+111 111+111 111+220+220 022+022 004+222+111 022+022+111 333+022+111+220 111+111
111+111+111 111+202+202 400+222+111+111 040+222+111 222+222+111+111 202+333+022+111 400+222+111 202+202 004+222+111
111+202+202 202+333+220+111 004+222+111 004+004 111+111+222+004 111+222+004 202+202+111 004+222+111+111
202+202+202+202 111+202+202 202+333+220+111 004+222+111 111+202+202 202+202 111+111 111+111+111 111+022+022
040+111+222+111 022+022+111 004+222+111+111 022+022+022+022 022+022+111 111+111+111 111+111+111+111 004+222+111+111
111+111+111 040+222+111+111 111+111+111 022+022+111 111+111 400+222+111 222+111+222+111 333+022+111+202 040+222+111
333+220+022+111 111+222+004 111+022+022 022+022 400+222+111+111 111+111+111 202+202+111 111+111 220+220+111 111+111
111+111 111
"""


class Surfels(NamedTuple):
    """The surfels of one mask, sorted by distance to the other mask's surfels, then by size."""

    distances: np.ndarray  # mm, inf where the other mask is empty
    sizes: np.ndarray  # lengths in mm, or areas in mm²


def triangles(code: int) -> list[tuple[float, float, float]]:
    """The sizes of the components of the normals of a 3-D code, in voxels."""
    row = EIGHTHS.split()[min(code, 255 - code)]
    return [] if row == "0" else [tuple(int(digit) / 8 for digit in normal) for normal in row.split("+")]


def areas(spacing: Sequence[float]) -> np.ndarray:
    """The area of each of the 256 codes."""
    a, b, c = spacing
    found = np.zeros(256)
    for code in range(256):
        for x, y, z in triangles(code):
            found[code] += np.linalg.norm([x * b * c, y * a * c, z * a * b])
    return found


def lengths(spacing: Sequence[float]) -> np.ndarray:
    """The length of each of the 16 codes: bits 8 and 4 are the upper row, 2 and 1 the lower one."""
    down, along = spacing
    half = 0.5 * math.sqrt(down**2 + along**2)
    found = np.full(16, half)
    found[[0b0000, 0b1111]] = 0
    found[[0b0110, 0b1001]] = 2 * half
    found[[0b0011, 0b1100]] = along
    found[[0b0101, 0b1010]] = down
    return found


def codes(mask: np.ndarray) -> np.ndarray:
    """The code of every corner; an axis of n pixels has n + 1 corners."""
    padded = np.pad(mask.astype(bool), 1)
    found = np.zeros([n + 1 for n in mask.shape], np.int64)
    for place in np.ndindex(*[2] * mask.ndim):
        around = tuple(slice(i, i + n + 1) for i, n in zip(place, mask.shape, strict=True))
        found = 2 * found + padded[around]
    return found


def is_surfel(code: np.ndarray, ndim: int) -> np.ndarray:
    return (code > 0) & (code < 2 ** (2**ndim) - 1)


def directed(of: np.ndarray, to: np.ndarray, spacing: Sequence[float]) -> Surfels:
    """The surfels of a mask with their distances to those of another."""
    code = codes(of)
    here, there = is_surfel(code, of.ndim), is_surfel(codes(to), to.ndim)
    far = distance_transform_edt(~there, sampling=spacing) if there.any() else np.full(there.shape, math.inf)
    table = lengths(spacing) if of.ndim == 2 else areas(spacing)
    distances, sizes = far[here], table[code][here]
    order = np.lexsort((sizes, distances))
    return Surfels(distances[order], sizes[order])


def surfels(truth: np.ndarray, prediction: np.ndarray, spacing: Sequence[float]) -> tuple[Surfels, Surfels]:
    """Those of the truth, then those of the prediction."""
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    return directed(truth, prediction, spacing), directed(prediction, truth, spacing)


def percentile_of(one: Surfels, percent: float) -> float:
    """The first distance up to which the surfels hold the share of the size, without interpolation."""
    if not len(one.distances):
        return math.inf
    share = np.cumsum(one.sizes) / np.sum(one.sizes)
    return float(one.distances[min(np.searchsorted(share, percent / 100.0), len(share) - 1)])


def hausdorff(pair: tuple[Surfels, Surfels], percent: float = 100) -> float:
    """The larger of the two directed percentiles."""
    return max(percentile_of(one, percent) for one in pair)


def averages(pair: tuple[Surfels, Surfels]) -> tuple[float, float]:
    """From the truth to the prediction, and back; NaN from a mask without surfels."""
    return tuple(float(np.sum(d * s) / np.sum(s)) if len(d) else math.nan for d, s in pair)


def surface_dice(pair: tuple[Surfels, Surfels], tolerance: float) -> float:
    """The share of the size that is not farther away than the tolerance; NaN where both masks are empty."""
    near = [np.sum(s[d <= tolerance]) for d, s in pair]
    whole = [np.sum(s) for _, s in pair]
    return float((near[0] + near[1]) / (whole[0] + whole[1])) if sum(whole) else math.nan
