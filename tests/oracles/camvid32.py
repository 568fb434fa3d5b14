"""Plain reference for CamVid in its 32 colours, and for the two ways to make 11 classes of them.

The data set has no evaluator of its own. The colours are those of label_colors.txt, in its order. From memory, not
from a source: that the 32-class score drops black truth and is a mean over 31 classes. The formulas of the
SegNet-Tutorial script (see camvid.py) are carried over to 31 classes: a class without truth is 0 and stays in the
means, and a black prediction on labelled truth is in no cell of the table but in the divisor of the global accuracy.
`void_prediction="miss"` is the honest variant: there such a pixel is a miss of its truth class.

The SegNet grouping was recalled too, and later confirmed row by row. The other common variant keeps only the eleven
colours of the same names (Column_Pole stands for Pole, Sidewalk for Pavement) and makes all others void. Grouped maps
are scored by camvid.evaluate.
"""

from __future__ import annotations

import math
from typing import Literal, TypedDict

import numpy as np

Color = tuple[int, int, int]

COLORS: dict[str, Color] = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0),
    "Wall": (64, 192, 0),
}
VOID_COLOR: Color = (0, 0, 0)
CLASSES: tuple[str, ...] = tuple(name for name in COLORS if name != "Void")  # 31
VOID = len(CLASSES)  # the index that stands for black, here only

GROUPS: tuple[str, ...] = (
    *("Sky", "Building", "Pole", "Road", "Pavement", "Tree"),
    *("SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist"),
)
GROUP_VOID = 11

SEGNET_GROUPS: dict[str, tuple[str, ...]] = {
    "Sky": ("Sky",),
    "Building": ("Archway", "Bridge", "Building", "Tunnel", "Wall"),
    "Pole": ("Column_Pole", "TrafficCone"),
    "Road": ("LaneMkgsDriv", "LaneMkgsNonDriv", "Road"),
    "Pavement": ("ParkingBlock", "RoadShoulder", "Sidewalk"),
    "Tree": ("Tree", "VegetationMisc"),
    "SignSymbol": ("Misc_Text", "SignSymbol", "TrafficLight"),
    "Fence": ("Fence",),
    "Car": ("Car", "OtherMoving", "SUVPickupTruck", "Train", "Truck_Bus"),
    "Pedestrian": ("Animal", "CartLuggagePram", "Child", "Pedestrian"),
    "Bicyclist": ("Bicyclist", "MotorcycleScooter"),
}
EPONYMOUS_GROUPS: dict[str, tuple[str, ...]] = {
    "Sky": ("Sky",),
    "Building": ("Building",),
    "Pole": ("Column_Pole",),
    "Road": ("Road",),
    "Pavement": ("Sidewalk",),
    "Tree": ("Tree",),
    "SignSymbol": ("SignSymbol",),
    "Fence": ("Fence",),
    "Car": ("Car",),
    "Pedestrian": ("Pedestrian",),
    "Bicyclist": ("Bicyclist",),
}


class Camvid32Result(TypedDict):
    table: np.ndarray
    global_accuracy: float
    class_accuracy: float
    per_class_accuracy: list[float]
    iou: list[float]
    mean_iou: float


def translate(image: np.ndarray, code_of: dict[Color, int]) -> np.ndarray:
    """A (rows, columns) map of codes from a (rows, columns, 3) colour mask; an unknown colour is an error."""
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"a colour mask has three channels, this has shape {image.shape}")
    codes = np.zeros(image.shape[:2], dtype=np.uint8)
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            red, green, blue = (int(v) for v in image[r, c])
            if (red, green, blue) not in code_of:
                raise ValueError(f"colour {(red, green, blue)} at {(r, c)} is in no table")
            codes[r, c] = code_of[red, green, blue]
    return codes


def indices(image: np.ndarray) -> np.ndarray:
    """Class indices 0..30 in the order of CLASSES, and 31 for black."""
    return translate(image, {COLORS[name]: VOID if name == "Void" else CLASSES.index(name) for name in COLORS})


def group(image: np.ndarray, groups: dict[str, tuple[str, ...]]) -> np.ndarray:
    """The 11-class map of a colour mask; what no group claims is void (11)."""
    code_of = dict.fromkeys(COLORS.values(), GROUP_VOID)
    for name, members in groups.items():
        for member in members:
            code_of[COLORS[member]] = GROUPS.index(name)
    return translate(image, code_of)


def confusion(truths: list[np.ndarray], predictions: list[np.ndarray]) -> np.ndarray:
    """Pixels by [truth, prediction], pooled, without black truth; column 31 holds the black predictions."""
    table = np.zeros((VOID, VOID + 1), dtype=np.int64)
    for truth, prediction in zip(truths, predictions, strict=True):
        if truth.shape != prediction.shape:
            raise ValueError(f"size differs: truth {truth.shape}, prediction {prediction.shape}")
        t_codes, p_codes = indices(truth).ravel().tolist(), indices(prediction).ravel().tolist()
        for t, p in zip(t_codes, p_codes, strict=True):
            if t != VOID:
                table[t, p] += 1
    return table


def class_scores(table: np.ndarray, index: int, columns: int) -> tuple[float, float]:
    """Accuracy and IoU of one class; both are 0 where the class has an empty row."""
    hits = int(table[index, index])
    in_truth = sum(int(table[index, p]) for p in range(columns))
    in_prediction = sum(int(table[t, index]) for t in range(VOID))
    if in_truth == 0:
        return 0.0, 0.0
    return hits / in_truth, hits / (in_truth + in_prediction - hits)


def evaluate(
    truths: list[np.ndarray],
    predictions: list[np.ndarray],
    void_prediction: Literal["skip", "miss"] = "skip",
) -> Camvid32Result:
    """Score a split of colour masks; both means always divide by 31, and the table is 31 x 32."""
    table = confusion(truths, predictions)
    columns = VOID if void_prediction == "skip" else VOID + 1
    scores = [class_scores(table, index, columns) for index in range(VOID)]
    accuracy = [score[0] for score in scores]
    iou = [score[1] for score in scores]
    labelled = int(table.sum())
    correct = sum(int(table[index, index]) for index in range(VOID))
    return {
        "table": table,
        "global_accuracy": math.nan if labelled == 0 else correct / labelled,
        "class_accuracy": math.fsum(accuracy) / VOID,
        "per_class_accuracy": accuracy,
        "iou": iou,
        "mean_iou": math.fsum(iou) / VOID,
    }
