"""Plain reference for the membrane scores of ISBI 2012: V^Rand and V^Info after border thinning.

Follows Fiji's Trainable_Segmentation, classes RandError, VariationOfInformation, ClassificationStatistics and
WatershedTransform2D, and the official script of 12 January 2016: thresholds 0.0 to 1.0 in steps of 0.1, means over
slices. Pixels are visited as there, x first (columns), and floats are added in the order of the loops there, with the
rules of IEEE 754 where Python would stop.

Not in the source as far as it is public: the last bit of a logarithm, which Java leaves open.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple, TypedDict

import numpy as np

INIT, WSHED, MASK, INQUEUE = -1, 0, -2, -3
HIGHEST = 65535  # ImageJ keeps labels in 16 bits

#: Pixels by [x][y], as ImageJ addresses them.
Grid = list[list[int]]


class Slice(NamedTuple):
    """One slice at one threshold."""

    v_rand: float
    v_info: float


class MembraneResult(TypedDict):
    thresholds: list[float]
    slices: list[list[Slice]]  # by threshold, then by slice
    means: list[Slice]  # by threshold
    v_rand: float
    v_rand_threshold: float
    v_info: float
    v_info_threshold: float


def thresholds(lowest: float = 0.0, highest: float = 1.0, step: float = 0.1) -> list[float]:
    """The thresholds of a loop that adds the step in double precision."""
    found, threshold = [], lowest
    while threshold <= highest:
        found.append(threshold)
        threshold += step
    return found


def above(image: np.ndarray, threshold: float) -> Grid:
    """1 where the 32-bit float is larger than the 64-bit threshold, by [x][y]."""
    columns = image.astype(np.float32).T.tolist()
    return [[int(value > threshold) for value in column] for column in columns]


def neighbours(grid: Grid, x: int, y: int) -> list[tuple[int, int]]:
    """The four neighbours inside the image, in the order they are visited."""
    around = ((x - 1, y), (x, y - 1), (x + 1, y), (x, y + 1))
    return [(u, v) for u, v in around if 0 <= u < len(grid) and 0 <= v < len(grid[0])]


def connected_regions(foreground: Grid) -> Grid:
    """4-connected regions, numbered from 1 in the order in which rows meet them, in 16 bits."""
    labels = [[0] * len(column) for column in foreground]
    seen = [[False] * len(column) for column in foreground]
    number = 0
    for y in range(len(foreground[0])):
        for x in range(len(foreground)):
            if not foreground[x][y] or seen[x][y]:
                continue
            number += 1
            stack = [(x, y)]
            seen[x][y] = True
            while stack:
                i, j = stack.pop()
                labels[i][j] = number & HIGHEST
                for u, v in neighbours(foreground, i, j):
                    if foreground[u][v] and not seen[u][v]:
                        seen[u][v] = True
                        stack.append((u, v))
    return labels


def watershed(heights: Grid) -> Grid:
    """Basins and lines (0) by flooding level after level, after Soille and Vincent, with 4 neighbours."""
    labels = [[INIT] * len(column) for column in heights]
    current = 0
    for height in sorted({h for column in heights for h in column}):
        level = [(x, y) for x, column in enumerate(heights) for y, h in enumerate(column) if h == height]
        flood_from_labels(labels, level)
        current = label_new_minima(labels, level, current)
    return labels


def flood_from_labels(labels: Grid, level: list[tuple[int, int]]) -> None:
    queue: deque[tuple[int, int]] = deque()
    for i, j in level:
        labels[i][j] = MASK
        if any(labels[u][v] >= WSHED for u, v in neighbours(labels, i, j)):
            queue.append((i, j))
            labels[i][j] = INQUEUE
    flag = False
    while queue:
        i, j = queue.popleft()
        for u, v in neighbours(labels, i, j):
            if labels[u][v] > 0:
                if labels[i][j] == INQUEUE or (labels[i][j] == WSHED and flag):
                    labels[i][j] = labels[u][v]
                elif labels[i][j] > 0 and labels[i][j] != labels[u][v]:
                    labels[i][j] = WSHED
                    flag = False
            elif labels[u][v] == WSHED:
                if labels[i][j] == INQUEUE:
                    labels[i][j] = WSHED
                    flag = True
            elif labels[u][v] == MASK:
                labels[u][v] = INQUEUE
                queue.append((u, v))


def label_new_minima(labels: Grid, level: list[tuple[int, int]], current: int) -> int:
    for i, j in level:
        if labels[i][j] != MASK:
            continue
        current += 1
        labels[i][j] = current
        queue = deque([(i, j)])
        while queue:
            p = queue.popleft()
            for u, v in neighbours(labels, *p):
                if labels[u][v] == MASK:
                    labels[u][v] = current
                    queue.append((u, v))
    return current


def thinned(foreground: Grid) -> Grid:
    """Basins of the foreground (height 0) in the rest (height 255), in 16 bits."""
    labels = watershed([[0 if value else 255 for value in column] for column in foreground])
    return [[min(label, HIGHEST) for label in column] for column in labels]


def divide(a: float, b: float) -> float:
    """Division as in Java; no divisor here is a negative zero whose quotient is used."""
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)


def logarithm(x: float) -> float:
    return math.log(x) if x else -math.inf


def overlap(truth: Grid, prediction: Grid) -> tuple[float, list[list[float]]]:
    """Pixels of true foreground, and the matrix of shares of them by [truth][prediction]."""
    n = float(sum(1 for column in truth for label in column if label != 0))
    largest_truth, largest_prediction = max(map(max, truth)), max(map(max, prediction))
    matrix = [[0.0] * (largest_prediction + 1) for _ in range(largest_truth + 1)]
    for one, other in zip(truth, prediction, strict=True):
        for i, j in zip(one, other, strict=True):
            matrix[i][j] += 1
    return n, [[divide(count, n) for count in row] for row in matrix]


def margins(matrix: list[list[float]]) -> tuple[list[float], list[float], float]:
    """Sums of rows, sums of columns, and what of the true foreground is a line; never row 0."""
    rows, columns, lines = [0.0] * len(matrix), [0.0] * len(matrix[0]), 0.0
    for i in range(1, len(matrix)):
        for j in range(len(matrix[0])):
            rows[i] += matrix[i][j]
    for j in range(1, len(matrix[0])):
        for i in range(1, len(matrix)):
            columns[j] += matrix[i][j]
    for i in range(1, len(matrix)):
        lines += matrix[i][0]
    return rows, columns, lines


def v_rand(truth: Grid, prediction: Grid) -> float:
    n, matrix = overlap(truth, prediction)
    rows, columns, lines = margins(matrix)
    sum_a = sum_b = sum_ab = 0.0
    for a in rows:
        sum_a += a * a
    for b in columns:
        sum_b += b * b
    sum_b += divide(lines, n)
    for i in range(1, len(matrix)):
        for j in range(1, len(matrix[0])):
            sum_ab += matrix[i][j] * matrix[i][j]
    sum_ab += divide(lines, n)
    squared = n * n
    hits = squared * sum_ab
    return f_score(hits, squared * sum_b - hits, squared * sum_a - hits)


def f_score(hits: float, false: float, missed: float) -> float:
    """ClassificationStatistics: nothing false is precision 1, nothing missed is recall 1, else 0 when undefined."""
    precision = 1.0 if false == 0 else divide(hits, hits + false)
    recall = 1.0 if missed == 0 else divide(hits, hits + missed)
    return 2.0 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def v_info(truth: Grid, prediction: Grid) -> float:
    n, matrix = overlap(truth, prediction)
    rows, columns, lines = margins(matrix)
    sum_a = sum_b = sum_ab = 0.0
    for a in rows:
        if a != 0:
            sum_a += a * logarithm(a)
    for b in columns:
        if b != 0:
            sum_b += b * logarithm(b)
    sum_b -= lines * logarithm(n)
    for i in range(1, len(matrix)):
        for j in range(1, len(matrix[0])):
            if matrix[i][j] != 0:
                sum_ab += matrix[i][j] * logarithm(matrix[i][j])
    sum_ab -= lines * logarithm(n)
    h_truth, h_prediction = -sum_a, -sum_b
    precision = divide(h_truth - (sum_b - sum_ab), h_truth)
    recall = divide(h_prediction - (sum_a - sum_ab), h_prediction)
    if h_truth == 0:
        precision, recall = 0.0, 1.0
    if h_prediction == 0:
        precision, recall = 1.0, 0.0
    return divide(2.0 * precision * recall, precision + recall)


def score_slice(truth: np.ndarray, prediction: np.ndarray, threshold: float) -> Slice:
    segments = connected_regions(above(truth, threshold))
    basins = thinned(above(prediction, threshold))
    return Slice(v_rand(segments, basins), v_info(segments, basins))


def mean(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def best(values: list[float], at: list[float]) -> tuple[float, float]:
    """The largest value and its threshold: the search begins at 0 and the first threshold, and NaN never wins."""
    value, threshold = 0.0, at[0]
    for candidate, candidate_threshold in zip(values, at, strict=True):
        if candidate > value:
            value, threshold = candidate, candidate_threshold
    return value, threshold


def evaluate(truth: np.ndarray, prediction: np.ndarray) -> MembraneResult:
    """Score a stack of shape (slices, rows, columns); labels 0 or 255, probabilities of being inside a cell."""
    if truth.shape != prediction.shape:
        raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
    at = thresholds()
    slices = [[score_slice(t, p, threshold) for t, p in zip(truth, prediction, strict=True)] for threshold in at]
    means = [Slice(mean([s.v_rand for s in row]), mean([s.v_info for s in row])) for row in slices]
    rand = best([m.v_rand for m in means], at)
    info = best([m.v_info for m in means], at)
    return {
        "thresholds": at,
        "slices": slices,
        "means": means,
        "v_rand": rand[0],
        "v_rand_threshold": rand[1],
        "v_info": info[0],
        "v_info_threshold": info[1],
    }
