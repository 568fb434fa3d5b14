"""Plain reference for T of DAVIS 2016, the temporal (in)stability of a prediction: how much its outline changes.

Lower is better. The longest outline of a frame is compared with that of the frame before: shape contexts of points
along it, a cheapest path through the table of their costs, the mean cost of the pairs on it. A frame is an array
(rows, columns), not 0 is the object; without an outline there is no value.

There are two official tools, and they differ. `PYTHON` follows davis (t_stability.py, python.cpp, loader.py), to the
last bit. `MATLAB` follows davis-matlab (t_stability.m, eval_sequence.m), by which the published numbers were made. Its
last bits are not defined, and of two paths that cost the same it may take the other one. What differs: MATLAB takes
(row, column) where python takes (column, row), so the other end of a sector is closed; it resamples in 64 bits; it
takes the first of equally long outlines; its first value compares the first scored frame with the truth of the first
frame of all; an undefined sequence makes the mean over sequences undefined.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .davis_outlines import contours

STEP = 3  # longest segment of the resampled outline, in pixels
N_SECTORS, N_RINGS = 12, 5
INNER, OUTER = 1 / 8, 2.0  # radii, in mean distances
EPS = 2.2204e-16
SCALE = 5.0

# 23 of the 50 sequences, for occlusions and strong changes of shape.
LEFT_OUT = frozenset(
    {
        "bmx-bumps",
        "bmx-trees",
        "breakdance",
        "breakdance-flare",
        "dance-twirl",
        "dog",
        "dog-agility",
        "drift-chicane",
        "goat",
        "horsejump-high",
        "horsejump-low",
        "libby",
        "lucia",
        "mallard-fly",
        "motocross-jump",
        "motorbike",
        "paragliding",
        "parkour",
        "rollerblade",
        "scooter-gray",
        "soccerball",
        "swing",
        "tennis",
    }
)

Frames = Sequence[np.ndarray]
Cell = tuple[int, int]


class Tool(NamedTuple):
    dtype: type[np.float32 | np.float64]  # of resampled points
    rows_first: bool
    last_of_equals: bool
    from_truth: bool
    skips_undefined: bool


PYTHON = Tool(np.float32, rows_first=False, last_of_equals=True, from_truth=False, skips_undefined=True)
MATLAB = Tool(np.float64, rows_first=True, last_of_equals=False, from_truth=True, skips_undefined=False)


# Points along the outline, and their shape contexts.


def longest(found: Sequence[np.ndarray], tool: Tool = PYTHON) -> np.ndarray:
    """Return the outline of most corners, which need not be the longest one."""
    return max(reversed(found) if tool.last_of_equals else found, key=len)


def upsample(contour: np.ndarray, tool: Tool = PYTHON) -> np.ndarray:
    """Cut segments into equal steps of at most STEP; the first point comes again at the end."""
    points = (contour[:, ::-1] if tool.rows_first else contour).astype(tool.dtype)
    found = [points[0]]
    for start, end in zip(points[:-1], points[1:], strict=True):
        v = end - start
        n = math.ceil(np.sqrt(v[0] * v[0] + v[1] * v[1]) / tool.dtype(STEP))
        for _ in range(n - 1):
            found.append(found[-1] + v / tool.dtype(n))
        found.append(end)
    return np.array(found)


def sectors(angle: np.ndarray, tool: Tool = PYTHON) -> np.ndarray:
    turn = 2 * np.pi
    angle = np.fmod(np.fmod(angle, turn) + turn, turn)
    if tool is MATLAB:  # whose remainder of what is nearly a whole turn is 0
        angle = np.where(turn - angle < 2e-15, 0, angle)
    return np.floor(angle / (turn / N_SECTORS)).astype(int)


def shape_contexts(points: np.ndarray, tool: Tool = PYTHON) -> np.ndarray:
    """Of each point, how many points are seen in each bin, sector by sector within rings; it sees itself too."""
    first, second = points.T.astype(float)
    across, along = first - first[:, None], second - second[:, None]  # row sees column
    radius = np.sqrt(across * across + along * along)
    limits = np.logspace(np.log10(INNER), np.log10(OUTER), N_RINGS)
    inside = (radius / np.mean(radius))[..., None] < limits
    ring = inside.sum(axis=-1)  # N_RINGS close by, 0 beyond all limits
    seen = ring > 0
    found = np.zeros((len(points), N_RINGS, N_SECTORS), int)
    np.add.at(found, (np.nonzero(seen)[0], ring[seen] - 1, sectors(np.arctan2(along, across), tool)[seen]), 1)
    return found.reshape(len(points), -1)


def chi_squared(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Half the chi-squared distance of every two histograms; both are made shares first."""
    a, b = (h / (np.sum(h, axis=1, keepdims=True) + EPS) for h in (before, after))
    return np.array([0.5 * np.sum((row - b) ** 2 / (row + b + EPS), axis=1) for row in a])


# The path. Which one of equally cheap paths is found depends on the queue: a heap in which each item has four children.


class Queue:
    """Nodes by their distance. Equal ones do not pass each other on their way up; down, the first child goes before."""

    def __init__(self, distance: list[float]) -> None:
        self.distance = distance
        self.heap: list[int] = []
        self.place = [-1] * len(distance)

    def push_or_update(self, node: int) -> None:
        heap, distance = self.heap, self.distance
        if self.place[node] < 0:
            self.place[node] = len(heap)
            heap.append(node)
        i = self.place[node]
        while i and distance[node] < distance[heap[(i - 1) // 4]]:
            i = self.put(i, heap[(i - 1) // 4], (i - 1) // 4)
        self.put(i, node)

    def pop(self) -> int:
        heap, distance = self.heap, self.distance
        found, node, i = heap[0], heap.pop(), 0
        while children := heap[4 * i + 1 : 4 * i + 5]:
            distances = [distance[child] for child in children]
            least = min(distances)
            if least >= distance[node]:
                break
            k = distances.index(least)
            i = self.put(i, children[k], 4 * i + 1 + k)
        if heap:
            self.put(i, node)
        return found

    def put(self, i: int, node: int, then: int = 0) -> int:
        self.heap[i] = node
        self.place[node] = i
        return then


def cheapest_path(costs: np.ndarray) -> list[Cell]:
    """Return the cells from the last to the first corner; each but the first one costs when it is entered."""
    cost, (n, m) = costs.ravel().tolist(), costs.shape
    distance, parent = [math.inf] * (n * m), [0] * (n * m)
    distance[0] = 0.0
    queue = Queue(distance)
    queue.push_or_update(0)
    while queue.heap:
        node = queue.pop()
        right, down = node % m < m - 1, node < (n - 1) * m
        for allowed, child in ((right, node + 1), (down, node + m), (right and down, node + m + 1)):
            if allowed and distance[node] + cost[child] < distance[child]:
                distance[child] = distance[node] + cost[child]
                parent[child] = node
                queue.push_or_update(child)
    path = [n * m - 1]
    while path[-1]:
        path.append(parent[path[-1]])
    return [divmod(node, m) for node in path]


def one_to_one(path: Sequence[Cell], costs: np.ndarray) -> list[Cell]:
    """Keep the cheapest cell of each row, then of each column; of equals the first one on the way."""
    for axis in (0, 1):
        best: dict[int, Cell] = {}
        for cell in path:
            if cell[axis] not in best or costs[cell] < costs[best[cell[axis]]]:
                best[cell[axis]] = cell
        path = [best[line] for line in sorted(best)]
    return list(path)


def matches(costs: np.ndarray) -> list[Cell]:
    """Pair points of two loops: the cheapest cell of a first path comes last in the table of the second one."""
    n, m = costs.shape
    last = min(cheapest_path(costs)[:-1], key=lambda cell: costs[cell])
    down, right = last[0] + 1, last[1] + 1
    path = cheapest_path(np.roll(costs, (-down, -right), axis=(0, 1)))
    return one_to_one([((i + down) % n, (j + right) % m) for i, j in path], costs)


# The measure.


def instability(before: np.ndarray, after: np.ndarray, tool: Tool = PYTHON) -> float:
    """Mean cost of the pairs of two frames, not yet scaled; NaN where a frame has no outline."""
    found = [contours(frame) for frame in (before, after)]
    if not all(found):
        return math.nan
    contexts = [shape_contexts(upsample(longest(one, tool), tool), tool) for one in found]
    costs = chi_squared(*contexts)
    return float(np.mean(np.array([costs[cell] for cell in matches(costs)])))


def mean_of_defined(values: Sequence[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # "mean of empty slice" is NaN
        return float(np.nanmean(values))


def of_frames(frames: Frames, tool: Tool = PYTHON, first_truth: np.ndarray | None = None) -> list[float]:
    """Return the values of a sequence, not yet scaled. The first and last frame are left out."""
    scored = list(frames[1:-1])
    if tool.from_truth:
        if first_truth is None:
            raise ValueError("this tool compares with the truth of the first frame")
        scored.insert(0, first_truth)
    return [instability(*pair, tool) for pair in zip(scored[:-1], scored[1:], strict=True)]


def stability(frames: Frames, tool: Tool = PYTHON, first_truth: np.ndarray | None = None) -> float:
    """T of a sequence."""
    values = of_frames(frames, tool, first_truth)
    if tool is MATLAB:
        return SCALE * mean_of_defined(values)
    return mean_of_defined([math.nan, *(SCALE * value for value in values), math.nan])


def mean_stability(sequences: Mapping[str, float], tool: Tool = PYTHON) -> float:
    """T of a data set from the T of its sequences, added in their order; LEFT_OUT does not count."""
    values = [value for name, value in sequences.items() if name not in LEFT_OUT]
    if tool.skips_undefined:
        values = [value for value in values if not math.isnan(value)]
    return sum(values) / len(values) if values else math.nan
