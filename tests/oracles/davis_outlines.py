"""Plain reference for the outlines that T of DAVIS 2016 compares: loops of edges, simplified to few corners.

Follows the C++ library polycont with psimpl, which both tools of davis share. A mask is an array (rows, columns), not 0
is the object. Lengths are doubled and a point is (row, column): corners of pixels are even, the edge between two pixels
has one odd number; corner (2 y, 2 x) is the upper left one of the pixel in row y and column x.

The library leaves one thing to its compiler: in which order outlines are listed, which decides between outlines of the
same number of points, and where an outline that touches another in a corner starts. Here: as GCC's library lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

TOLERANCE = 3  # of the simplification, in half pixels

Point = tuple[int, int]


class Piece(NamedTuple):
    """A line of edges from one junction to another; junctions are numbered from 1."""

    first: int
    last: int
    edges: list[Point]

    def other(self, junction: int) -> int:
        return self.last if junction == self.first else self.first

    def near(self, junction: int) -> Point:
        return self.edges[0] if junction == self.first else self.edges[-1]

    def read_from(self, junction: int) -> list[Point]:
        return self.edges if junction == self.first else self.edges[::-1]


def edges_of(mask: np.ndarray) -> set[Point]:
    padded = np.pad(mask != 0, 1)
    upright = zip(*np.nonzero(padded[1:-1, 1:] ^ padded[1:-1, :-1]), strict=True)
    level = zip(*np.nonzero(padded[1:, 1:-1] ^ padded[:-1, 1:-1]), strict=True)
    return {(2 * int(y) + 1, 2 * int(x)) for y, x in upright} | {(2 * int(y), 2 * int(x) + 1) for y, x in level}


def around(corner: Point) -> list[Point]:
    """Right, below, left, above."""
    y, x = corner
    return [(y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)]


def step(corner: Point, edge: Point) -> Point:
    """Return the other end of an edge."""
    return 2 * edge[0] - corner[0], 2 * edge[1] - corner[1]


def trace(edges: set[Point], numbers: Mapping[Point, int], start: Point, edge: Point) -> Piece:
    """Walk from a junction to the next one."""
    found, corner = [edge], step(start, edge)
    while corner not in numbers:
        (edge,) = (e for e in around(corner) if e in edges and e != found[-1])
        found.append(edge)
        corner = step(corner, edge)
    return Piece(numbers[start], numbers[corner], found)


def pieces_of(mask: np.ndarray) -> tuple[list[Piece], list[Point]]:
    """Return the pieces and the junctions: where two pixels touch in a corner, else one for each outline."""
    edges = edges_of(mask)
    below = sorted((y + 1, x) for y, x in edges if y % 2)
    junctions = [corner for corner in below if all(edge in edges for edge in around(corner))]
    numbers = {corner: number for number, corner in enumerate(junctions, 1)}
    pieces: list[Piece] = []
    visited: set[Point] = set()

    def add(start: Point, edge: Point) -> None:
        if edge not in visited:
            pieces.append(trace(edges, numbers, start, edge))
            visited.update(pieces[-1].edges)

    for corner in reversed(junctions):
        for edge in reversed(around(corner)):
            add(corner, edge)
    for edge in sorted(edge for edge in edges if edge[0] % 2):
        if edge not in visited:
            start = (edge[0] - 1, edge[1])
            junctions.append(start)
            numbers[start] = len(junctions)
            add(start, edge)
    return pieces, junctions


def loops_of(pieces: list[Piece], n_junctions: int) -> list[tuple[int, list[Point]]]:
    """Join the pieces to loops that never cross a junction straight on, each with the junction where it starts."""
    left = {number: [i for i, p in enumerate(pieces) if number in p[:2]] for number in range(n_junctions, 0, -1)}
    loops: list[tuple[int, list[Point]]] = []
    walk: list[tuple[int, int]] = []  # junction, piece

    def take(junction: int, i: int) -> int:
        for end in {junction, pieces[i].other(junction)}:
            left[end].remove(i)
            if not left[end]:
                del left[end]
        walk.append((junction, i))
        return pieces[i].other(junction)

    def cut(junction: int) -> None:
        starts = [j for j, _ in walk]
        if junction in starts:
            cycle = walk[starts.index(junction) :]
            del walk[starts.index(junction) :]
            loops.append((junction, [edge for j, i in cycle for edge in pieces[i].read_from(j)]))

    while left:
        junction = next(iter(left))
        junction = take(junction, left[junction][0])
        cut(junction)
        while walk:
            ours = pieces[walk[-1][1]].near(junction)
            theirs = pieces[left[junction][0]].near(junction)
            straight = ours[0] == theirs[0] or ours[1] == theirs[1]
            junction = take(junction, left[junction][1 if straight else 0])
            cut(junction)
    return loops


def crosses(point: Point, start: Point, end: Point) -> bool:
    """Whether a ray meets a segment, with slopes of 32 bits; first and second number are x and y here."""
    (ax, ay), (bx, by) = sorted((start, end), key=lambda p: p[1])
    px, py = float(point[0]), float(point[1])
    if py in (ay, by):
        py += float(np.finfo(np.float32).eps)
    if py > by or py < ay or px > max(ax, bx):
        return False
    if px < min(ax, bx):
        return True
    most = np.finfo(np.float32).max
    red = np.float32((by - ay) / (bx - ax)) if ax != bx else most
    blue = np.float32((py - ay) / (px - ax)) if ax != px else most
    return bool(blue >= red)


def is_inside(point: Point, loop: list[Point]) -> bool:
    return sum(crosses(point, a, b) for a, b in zip(loop, loop[1:] + loop[:1], strict=True)) % 2 == 1


def are_holes(loops: list[list[Point]]) -> list[bool]:
    """An outline is a hole when an odd number of others is around it; a tree says so, tried by first points."""
    children: list[set[int]] = [set() for _ in range(len(loops) + 1)]  # of the image (0), of loop k (k + 1)
    for new in range(1, len(loops) + 1):
        parent = 0
        while outer := [c for c in sorted(children[parent]) if is_inside(loops[new - 1][0], loops[c - 1])]:
            parent = outer[0]
        children[new] = {c for c in children[parent] if is_inside(loops[c - 1][0], loops[new - 1])}
        children[parent] = (children[parent] - children[new]) | {new}
    holes = [False] * len(loops)
    todo = [(child, False) for child in children[0]]
    while todo:
        number, hole = todo.pop()
        holes[number - 1] = hole
        todo += [(child, not hole) for child in children[number]]
    return holes


def corners_of(start: Point, loop: list[Point]) -> list[Point]:
    """Turn edges into corners; the first one is also the last one."""
    found = [start]
    for edge in loop:
        found.append(step(found[-1], edge))
    return found


def thin(points: list[Point], tolerance: float) -> list[Point]:
    """Leave out what is nearer than the tolerance to the last point that was kept; both ends stay."""
    kept = [points[0]]
    for point in points[1:-1]:
        if (point[0] - kept[-1][0]) ** 2 + (point[1] - kept[-1][1]) ** 2 >= tolerance * tolerance:
            kept.append(point)
    return [*kept, points[-1]]


def off_segment(points: np.ndarray) -> np.ndarray:
    """Squared distances of the inner points from the segment between the ends; its fractions have 32 bits."""
    start, end, inner = points[0], points[-1], points[1:-1]
    v, w = end - start, inner - start
    length, along = v @ v, w @ v  # whole numbers, so these are exact
    fraction = along.astype(np.float32) / np.float32(length or 1)
    foot = start + fraction.astype(float)[:, None] * v
    foot = np.where((along >= length)[:, None], end, foot)
    foot = np.where((along <= 0)[:, None], start, foot)
    return (inner[:, 0] - foot[:, 0]) ** 2 + (inner[:, 1] - foot[:, 1]) ** 2


def simplify(points: list[Point], tolerance: float) -> list[Point]:
    """Thin, then split at the farthest point (the last of equals) while it is farther than the tolerance."""
    if len(points) < 3:
        return points
    points = thin(points, tolerance)
    kept, todo = {0, len(points) - 1}, [(0, len(points) - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        off = off_segment(np.array(points[first : last + 1], float))
        far = len(off) - 1 - int(np.argmax(off[::-1]))
        if off[far] > tolerance * tolerance:
            middle = first + 1 + far
            kept.add(middle)
            todo += [(first, middle), (middle, last)]
    return [points[i] for i in sorted(kept)]


def is_clockwise(points: list[Point]) -> bool:
    total = np.float32(0)
    for (ay, ax), (by, bx) in zip(points, points[1:] + points[:1], strict=True):
        total += np.float32((by - ay) * (bx + ax))
    return bool(total > 0)


def contours(mask: np.ndarray) -> list[np.ndarray]:
    """Return the simplified outlines, whole numbers of shape (points, 2), without those of at most three points."""
    pieces, junctions = pieces_of(mask)
    loops = loops_of(pieces, len(junctions))
    found = []
    for (number, loop), hole in zip(loops, are_holes([loop for _, loop in loops]), strict=True):
        points = simplify(simplify(corners_of(junctions[number - 1], loop), 0.1), TOLERANCE)
        if is_clockwise(points) == hole:
            points.reverse()
        if len(points) > 3:
            found.append(np.array([(x // 2, y // 2) for y, x in points]))
    return found
