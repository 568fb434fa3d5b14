"""Plain reference for the ADE20K SceneParse150 score.

It follows sceneparsing, evaluationCode/intersectionAndUnion.m and pixelAccuracy.m.
"""

from __future__ import annotations

import math
from typing import Literal, TypedDict

import numpy as np

CLASSES = 150  # ids 1..150; a truth of 0 is void
EPS = 2.0**-52  # MATLAB's eps: the gap between 1 and the next double

Over150 = Literal["clamp", "drop"]


class AdeResult(TypedDict):
    iou: list[float]
    mean_iou: float
    pixel_accuracy: float
    score: float
    intersection: list[int]
    union: list[int]


class ImageAreas(TypedDict):
    intersection: list[int]
    union: list[int]
    correct: int
    labelled: int


def predicted_bin(value: int, over150: Over150) -> int:
    """The class whose area a prediction enlarges; 0 stands for none."""
    if value <= CLASSES:
        return value
    return CLASSES if over150 == "clamp" else 0


def image_areas(truth: np.ndarray, prediction: np.ndarray, over150: Over150) -> ImageAreas:
    """Areas of one image, index 0 being class 1; only labelled pixels are looked at."""
    both = [0] * (CLASSES + 1)
    in_truth = [0] * (CLASSES + 1)
    in_prediction = [0] * (CLASSES + 1)
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if not 0 <= t <= CLASSES or p < 0:
            raise ValueError(f"truth {t} or prediction {p} is outside the encoding")
        if t == 0:
            continue
        in_truth[t] += 1
        in_prediction[predicted_bin(p, over150)] += 1
        # A hit needs equal values, so a clamped 151 on class 150 enlarges both areas but not the overlap.
        if t == p:
            both[t] += 1
    classes = range(1, CLASSES + 1)
    return {
        "intersection": [both[c] for c in classes],
        "union": [in_truth[c] + in_prediction[c] - both[c] for c in classes],
        "correct": sum(both),
        "labelled": sum(in_truth),
    }


def class_iou(images: list[ImageAreas], index: int) -> float:
    """Summed overlap over summed (eps + union): eps enters once for each image, so an absent class gets 0."""
    whole = 0.0
    for image in images:
        whole += EPS + image["union"][index]
    part = sum(image["intersection"][index] for image in images)
    return math.nan if whole == 0.0 else part / whole


def evaluate(truths: list[np.ndarray], predictions: list[np.ndarray], over150: Over150 = "clamp") -> AdeResult:
    """Score a split; "clamp" is the MATLAB treatment of predictions above 150, "drop" the Python one."""
    if over150 not in ("clamp", "drop"):
        raise ValueError(f"unknown over150: {over150}")
    images: list[ImageAreas] = []
    for truth, prediction in zip(truths, predictions, strict=True):
        if truth.shape != prediction.shape:
            raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
        images.append(image_areas(truth, prediction, over150))
    iou = [class_iou(images, index) for index in range(CLASSES)]
    labelled = sum(image["labelled"] for image in images)
    correct = sum(image["correct"] for image in images)
    mean_iou = math.fsum(iou) / CLASSES
    pixel_accuracy = math.nan if labelled == 0 else correct / labelled
    return {
        "iou": iou,
        "mean_iou": mean_iou,
        "pixel_accuracy": pixel_accuracy,
        "score": (pixel_accuracy + mean_iou) / 2,
        "intersection": [sum(image["intersection"][c] for image in images) for c in range(CLASSES)],
        "union": [sum(image["union"][c] for image in images) for c in range(CLASSES)],
    }
