"""Plain reference for the KITTI road scores (road devkit: evaluateRoad.py, helper.py, BirdsEyeView.py).

The devkit evaluates in the PERSPECTIVE image; the server ranks in the bird's-eye view. Give the images as they are
for the first, and both mapped by `birds_eye_view` for the second. The numbers of the two are not comparable.

One threshold for each grey level k = 0..255: a pixel is called road iff its level is at least k. That this equals the
devkit's float comparison of v / 255 with k / 255 was checked elsewhere and is checked again beside this file.

From memory, not from a source: that URBAN_ROAD pools the three road sets (um_road, umm_road, uu_road), and that the
eleven precisions are added one by one. The sources do not say what happens without a road pixel: here all is NaN.
"""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

LEVELS = 256
RECALL_GRID: list[float] = np.arange(0, 1.1, 0.1).tolist()  # 0.3, 0.6 and 0.7 are a bit above their names
EPS = 1e-10
URBAN_ROAD: tuple[str, ...] = ("um_road", "umm_road", "uu_road")

ROWS, COLUMNS = 800, 400
CELL_M = 0.05
LEFT_M, FAR_M = -10.0, 46.0


class Counts(TypedDict):
    positives: int
    negatives: int
    fn: list[int]
    fp: list[int]


class RoadResult(TypedDict):
    """As fractions; the official table shows them times 100."""

    max_f: float
    average_precision: float
    precision: float
    recall: float
    fpr: float
    fnr: float
    level: int
    counts: Counts


class Calibration(TypedDict):
    p2: np.ndarray
    r0_rect: np.ndarray
    cam_to_road: np.ndarray


def count(truths: list[np.ndarray], predictions: list[np.ndarray]) -> Counts:
    """Pooled counts of one category; a truth is (rows, columns, 3) RGB, a prediction (rows, columns) levels.

    Red above 0 is valid and blue above 0 is road. What is not valid counts nowhere, blue or not.
    """
    road_at, other_at = [0] * LEVELS, [0] * LEVELS
    for truth, prediction in zip(truths, predictions, strict=True):
        if truth.ndim != 3 or truth.shape[2] != 3 or truth.shape[:2] != prediction.shape:
            raise ValueError(f"truth {truth.shape} is not an RGB image of the size of prediction {prediction.shape}")
        if prediction.dtype != np.uint8:
            raise ValueError(f"levels are 8-bit, these are {prediction.dtype}")
        for r in range(truth.shape[0]):
            for c in range(truth.shape[1]):
                red, _, blue = (int(v) for v in truth[r, c])
                if red == 0:
                    continue
                if blue > 0:
                    road_at[int(prediction[r, c])] += 1
                else:
                    other_at[int(prediction[r, c])] += 1
    return {
        "positives": sum(road_at),
        "negatives": sum(other_at),
        "fn": [sum(road_at[:k]) for k in range(LEVELS)],  # road below the threshold
        "fp": [sum(other_at[k:]) for k in range(LEVELS)],  # anything else at it or above
    }


def pool(parts: list[Counts]) -> Counts:
    """The counts of several categories together."""
    return {
        "positives": sum(part["positives"] for part in parts),
        "negatives": sum(part["negatives"] for part in parts),
        "fn": [sum(part["fn"][k] for part in parts) for k in range(LEVELS)],
        "fp": [sum(part["fp"][k] for part in parts) for k in range(LEVELS)],
    }


def curves(counts: Counts) -> tuple[list[float], list[float], list[float]]:
    """Precision, recall and F of every threshold."""
    precision, recall, f = [], [], []
    for k in range(LEVELS):
        hits = counts["positives"] - counts["fn"][k]
        recall.append(hits / counts["positives"])
        precision.append(hits / (hits + counts["fp"][k] + EPS))
        f.append(2 * precision[k] * recall[k] / (precision[k] + recall[k] + EPS))
    return precision, recall, f


def interpolated_precision(precision: list[float], recall: list[float]) -> float:
    """The mean over the grid of the best precision at that recall or more; k = 0 always has recall 1."""
    total = 0.0
    for least in RECALL_GRID:
        total += max(p for p, r in zip(precision, recall, strict=True) if r >= least)
    return total / len(RECALL_GRID)


def summarise(counts: Counts) -> RoadResult:
    """All columns of one category; among equal F the lowest threshold is the working point."""
    if counts["positives"] == 0:
        return {
            "max_f": math.nan,
            "average_precision": math.nan,
            "precision": math.nan,
            "recall": math.nan,
            "fpr": math.nan,
            "fnr": math.nan,
            "level": -1,
            "counts": counts,
        }
    precision, recall, f = curves(counts)
    best = 0
    for k in range(LEVELS):
        if f[k] > f[best]:
            best = k
    return {
        "max_f": f[best],
        "average_precision": interpolated_precision(precision, recall),
        "precision": precision[best],
        "recall": recall[best],
        "fpr": counts["fp"][best] / counts["negatives"] if counts["negatives"] else math.nan,
        "fnr": counts["fn"][best] / counts["positives"],
        "level": best,
        "counts": counts,
    }


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray]) -> RoadResult:
    """Score one category in whichever space the images are in."""
    return summarise(count(truths, predictions))


def read_calibration(text: str) -> Calibration:
    """The three matrices of a calib file: lines `name: numbers`, row by row."""
    values = {}
    for line in text.splitlines():
        name, _, numbers = line.partition(":")
        if numbers.strip():
            values[name.strip()] = [float(number) for number in numbers.split()]
    return {
        "p2": np.array(values["P2"], dtype=np.float64).reshape(3, 4),
        "r0_rect": np.array(values["R0_rect"], dtype=np.float64).reshape(3, 3),
        "cam_to_road": np.array(values["Tr_cam_to_road"], dtype=np.float64).reshape(3, 4),
    }


def homography(calibration: Calibration) -> np.ndarray:
    """From (x, z, 1) on the road plane, in metres, to homogeneous 1-based pixels."""
    r0_rect, cam_to_road = np.eye(4), np.eye(4)
    r0_rect[:3, :3] = calibration["r0_rect"]
    cam_to_road[:3] = calibration["cam_to_road"]
    return (calibration["p2"] @ r0_rect @ np.linalg.inv(cam_to_road))[:, [0, 2, 3]]


def source_pixel(h: np.ndarray, row: int, column: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """The 0-based pixel a bird's-eye cell is read from; none if the cell is out of view. Row 0 is far away."""
    x = LEFT_M + CELL_M / 2 + CELL_M * column
    z = FAR_M - CELL_M / 2 - CELL_M * row
    u, v, w = (h[i, 0] * x + h[i, 1] * z + h[i, 2] for i in range(3))
    if w == 0:
        return None
    u, v = float(u / w), float(v / w)
    if not (1 <= u <= size[1] and 1 <= v <= size[0]):
        return None
    return math.floor(v) - 1, math.floor(u) - 1


def birds_eye_view(image: np.ndarray, calibration: Calibration) -> np.ndarray:
    """The 800 x 400 view of an image of any channels, read without interpolation; 0 where out of view."""
    h = homography(calibration)
    result = np.zeros((ROWS, COLUMNS, *image.shape[2:]), dtype=image.dtype)
    for row in range(ROWS):
        for column in range(COLUMNS):
            source = source_pixel(h, row, column, (image.shape[0], image.shape[1]))
            if source is not None:
                result[row, column] = image[source]
    return result
