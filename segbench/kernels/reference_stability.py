"""Plain twins of the kernels on outlines, shape contexts and their matching."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.kernels.contours import as_mask
from segbench.kernels.polygons import (
    LITTLE,
    N_BINS,
    N_RINGS,
    N_SECTORS,
    STEP,
    Contexts,
    Outline,
    Shares,
    as_contexts,
    as_outline,
    as_reading,
)

#: A corner of a pixel (row, column), and ways along edges from it.
Corner: TypeAlias = tuple[int, int]
Line: TypeAlias = list[Corner]
Mask: TypeAlias = NDArray[np.bool_]
Costs: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[int, int]

_UP_LEFT_DOWN_RIGHT = ((-1, 0), (0, -1), (1, 0), (0, 1))
_TOLERANCES = (0.05, 1.5)
#: Of Boost's heap.
_CHILDREN = 4


def outline(*, mask: Any, reading: str = "python") -> Outline:
    """Find the outline of a mask that has the most corners; see `stability.outline`."""
    is_matlab = as_reading(reading)
    foreground = as_mask(mask) != 0
    found: list[Line] = []
    for loop in _loops(foreground):
        points = loop
        for tolerance in _TOLERANCES:
            points = _simplified(points, tolerance)
        if len(points) > 3:
            found.append(points[::-1] if _is_clockwise(points) == _is_hole(foreground, loop) else points)
    longest = max(found if is_matlab else found[::-1], key=len, default=[])
    return np.array([(x, y) for y, x in longest], np.int64).reshape(-1, 2)


def shape_contexts(*, outline: Any, reading: str = "python") -> Contexts:
    """Count the points that each point of an outline sees; see `stability.shape_contexts`."""
    is_matlab = as_reading(reading)
    closed = as_outline(outline)
    if not len(closed):
        return np.empty((0, N_BINS), np.int64)
    points = np.array(list(_steps(closed[:, ::-1].astype(np.float64) if is_matlab else closed.astype(np.float32))))
    first, second = (axis[None, :] - axis[:, None] for axis in points.astype(np.float64).T)
    distances = np.sqrt(first**2 + second**2)
    limits = np.logspace(np.log10(1 / 8), np.log10(2.0), N_RINGS)
    rings = np.sum([distances / np.mean(distances) < limit for limit in limits], axis=0)
    turn = 2 * np.pi
    angles = np.fmod(np.fmod(np.arctan2(second, first), turn) + turn, turn)
    if is_matlab:
        angles[turn - angles < 2e-15] = 0
    bins = (rings - 1) * N_SECTORS + np.minimum(np.floor(angles / (turn / N_SECTORS)).astype(np.int64), N_SECTORS - 1)
    return np.array([np.bincount(row[row >= 0], minlength=N_BINS) for row in np.where(rings > 0, bins, -1)])


def matching_cost(*, before: Any, after: Any) -> float:
    """Return the mean cost of the pairs of points that answer each other; see `stability.matching_cost`."""
    shares = as_contexts(before, name="before"), as_contexts(after, name="after")
    if not all(map(len, shares)):
        return math.nan
    costs = _costs(*shares)
    # From the last cell to the first, which is free; of equals the one nearer to the end.
    row, column = min(_cheapest_path(costs)[:-1], key=lambda pair: float(costs[pair]))
    rolled = np.roll(costs, (-row - 1, -column - 1), (0, 1))
    n, m = costs.shape
    path = [((i + row + 1) % n, (j + column + 1) % m) for i, j in _cheapest_path(rolled)]
    pairs = _cheapest_of_each(_cheapest_of_each(path, 0, costs), 1, costs)
    return float(np.mean([costs[pair] for pair in pairs]))


# Outlines.


def _loops(mask: Mask) -> list[Line]:
    """Return all loops in the order of the official list: without a junction the last first, then those with any."""
    links = _links(mask)
    junctions = sorted(corner for corner, ends in links.items() if len(ends) == 4)
    pieces = [
        _traced(links, corner, way, junctions)
        for corner in reversed(junctions)
        for way in _UP_LEFT_DOWN_RIGHT
        if _moved(corner, way) in links[corner]
    ]
    alone = [
        _traced(links, corner, (1, 0), [corner]) for corner in sorted(links) if _moved(corner, (1, 0)) in links[corner]
    ]
    return alone[::-1] + list(_joined(pieces))


def _links(mask: Mask) -> dict[Corner, set[Corner]]:
    """Return which corners an edge leads to from each corner."""
    links: dict[Corner, set[Corner]] = {}
    framed = np.pad(mask, 1)
    for pixels, (down, right) in ((framed[1:-1], (1, 0)), (framed[:, 1:-1].T, (0, 1))):
        for i, j in np.argwhere(pixels[:, 1:] != pixels[:, :-1]).tolist():
            start = (i, j) if down else (j, i)
            end = start[0] + down, start[1] + right
            links.setdefault(start, set()).add(end)
            links.setdefault(end, set()).add(start)
    return links


def _moved(corner: Corner, way: tuple[int, int]) -> Corner:
    return corner[0] + way[0], corner[1] + way[1]


def _traced(links: dict[Corner, set[Corner]], start: Corner, way: tuple[int, int], ends: list[Corner]) -> Line:
    """Walk from a corner to the first of the ends; edges that were walked are gone."""
    stops, line, following = set(ends), [start], _moved(start, way)
    while True:
        links[line[-1]].remove(following)
        links[following].remove(line[-1])
        line.append(following)
        if following in stops:
            return line
        (following,) = links[following]


def _joined(pieces: list[Line]) -> Iterator[Line]:
    """Put pieces together, turning at each junction, and yield a loop whenever the walk meets itself."""
    left = dict(enumerate(pieces))
    while left:
        # The last junction that has pieces.
        walk: list[Line] = []
        at = max(end for line in left.values() for end in (line[0], line[-1]))
        while True:
            choice = [(number, line) for number, line in left.items() if at in (line[0], line[-1])]
            lines = [(number, line if line[0] == at else line[::-1]) for number, line in choice]
            number, line = next(pair for pair in lines if not (walk and _is_straight(walk[-1][-2], pair[1][1])))
            del left[number]
            walk.append(line)
            at = line[-1]
            starts = [line[0] for line in walk]
            if at in starts:
                first = starts.index(at)
                yield [at, *(corner for line in walk[first:] for corner in line[1:])]
                del walk[first:]
            if not walk:
                break


def _is_straight(before: Corner, after: Corner) -> bool:
    return before[0] == after[0] or before[1] == after[1]


def _is_hole(mask: Mask, loop: Line) -> bool:
    """Tell from the pixel on the right of the first edge, which is inside where the loop runs clockwise."""
    area = sum(p[1] * q[0] - q[1] * p[0] for p, q in zip(loop[:-1], loop[1:], strict=True))
    start, down, right = loop[0], loop[1][0] - loop[0][0], loop[1][1] - loop[0][1]
    # The corner's four pixels, of a framed mask, begin at its own numbers.
    row, column = start[0] + (right > 0 or down > 0), start[1] + (right > 0 or down < 0)
    return bool((area > 0) != np.pad(mask, 1)[row, column])


def _simplified(points: Line, tolerance: float) -> Line:
    """Drop points near the one before, then all that lie near the segment between those that stay."""
    if len(points) < 3:
        return points
    thinned = points[:1]
    for point in points[1:-1]:
        if (point[0] - thinned[-1][0]) ** 2 + (point[1] - thinned[-1][1]) ** 2 >= tolerance**2:
            thinned.append(point)
    return _split([*thinned, points[-1]], tolerance**2)


def _split(points: Line, tolerance_squared: float) -> Line:
    off = [_off_segment(point, points[0], points[-1]) for point in points[1:-1]]
    if not off or max(off) <= tolerance_squared:
        return [points[0], points[-1]]
    middle = max(range(len(off)), key=lambda i: (off[i], i)) + 1
    return _split(points[: middle + 1], tolerance_squared) + _split(points[middle:], tolerance_squared)[1:]


def _off_segment(point: Corner, start: Corner, end: Corner) -> float:
    """Return the square of a distance; the share of the segment before the foot has 32 bits."""
    side, offset = (end[0] - start[0], end[1] - start[1]), (point[0] - start[0], point[1] - start[1])
    along, length = side[0] * offset[0] + side[1] * offset[1], side[0] ** 2 + side[1] ** 2
    if along <= 0:
        return float(offset[0] ** 2 + offset[1] ** 2)
    if along >= length:
        return float((point[0] - end[0]) ** 2 + (point[1] - end[1]) ** 2)
    share = float(np.float32(along) / np.float32(length))
    y, x = point[0] - (start[0] + share * side[0]), point[1] - (start[1] + share * side[1])
    return y * y + x * x


def _is_clockwise(points: Line) -> bool:
    total = np.float32(0)
    for p, q in zip(points, [*points[1:], points[0]], strict=True):
        total += np.float32((q[0] - p[0]) * (q[1] + p[1]))
    return bool(total > 0)


# Shape contexts.


def _steps(corners: NDArray[np.floating[Any]]) -> Iterator[NDArray[np.floating[Any]]]:
    """Yield the points along an outline, in floats of its own width."""
    kind = corners.dtype.type
    point = corners[0]
    yield point
    for corner in corners[1:]:
        side = corner - point
        n = math.ceil(np.sqrt(side[0] * side[0] + side[1] * side[1]) / kind(STEP))
        for _ in range(n - 1):
            point = point + side / kind(n)
            yield point
        point = corner
        yield point


# Matching.


def _costs(before: Shares, after: Shares) -> Costs:
    """Return half the chi-squared distance of each row of one to each row of the other."""
    halves = [0.5 * np.sum((row - after) ** 2 / (row + after + LITTLE), axis=1) for row in before]
    return np.array(halves)


def _cheapest_path(costs: Costs) -> list[Pair]:
    """Return the cells of a cheapest path from the last to the first."""
    n, m = costs.shape
    distances, sources = {(0, 0): 0.0}, {}
    heap: list[Pair] = [(0, 0)]
    while heap:
        cell = _taken(heap, distances)
        for down, right in ((0, 1), (1, 0), (1, 1)):
            target = cell[0] + down, cell[1] + right
            if target[0] == n or target[1] == m:
                continue
            distance = distances[cell] + float(costs[target])
            if distance < distances.get(target, math.inf):
                if target not in distances:
                    heap.append(target)
                distances[target], sources[target] = distance, cell
                _raise(heap, heap.index(target), distances)
    path = [(n - 1, m - 1)]
    while path[-1] != (0, 0):
        path.append(sources[path[-1]])
    return path


def _raise(heap: list[Pair], i: int, distances: dict[Pair, float]) -> None:
    """Exchange a cell with the one above it while it is nearer."""
    while i and distances[heap[i]] < distances[heap[(i - 1) // _CHILDREN]]:
        above = (i - 1) // _CHILDREN
        heap[i], heap[above] = heap[above], heap[i]
        i = above


def _taken(heap: list[Pair], distances: dict[Pair, float]) -> Pair:
    """Take the head; the last one follows it and is exchanged with its nearest child while that is nearer."""
    heap[0], heap[-1] = heap[-1], heap[0]
    found, i = heap.pop(), 0
    while below := range(_CHILDREN * i + 1, min(_CHILDREN * i + _CHILDREN + 1, len(heap))):
        child = min(below, key=lambda k: distances[heap[k]])
        if not distances[heap[child]] < distances[heap[i]]:
            break
        heap[i], heap[child] = heap[child], heap[i]
        i = child
    return found


def _cheapest_of_each(path: list[Pair], axis: int, costs: Costs) -> list[Pair]:
    """Keep the cheapest pair of each point of one outline, the first of equals, in the order of the points."""
    points = sorted({pair[axis] for pair in path})
    return [min((p for p in path if p[axis] == point), key=lambda pair: float(costs[pair])) for point in points]
