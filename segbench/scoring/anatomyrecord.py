"""An anatomy of detected instances as JSON shows it."""

from __future__ import annotations

import math
from typing import Any

from segbench.metrics.annotations import needed
from segbench.metrics.detection_confusion import most_frequent
from segbench.metrics.label_errors import Suspicion
from segbench.metrics.reliability import Reliability
from segbench.metrics.tide import ERRORS
from segbench.scoring.anatomy import Anatomy

#: Version of the format.
SCHEMA = 1

#: Confusions that are listed one by one; the matrix has them all.
MOST_CONFUSIONS = 100


def as_record(found: Anatomy) -> dict[str, Any]:
    """Return an anatomy as plain values: what is undefined is null.

    Parameters
    ----------
    found : Anatomy
        The anatomy.

    Returns
    -------
    dict
        Fractions; classes by their names, images and annotations by their ids, detections by their place in the file
        from 1 on; in the matrix a row for each true class, a column for each predicted one, background last.
    """
    material, limits = found.material, found.limits
    return {
        "anatomy": SCHEMA,
        "protocol": material.protocol.identity,
        "split": material.split,
        "truth": material.source.digest,
        "results": material.digest,
        "n_images": len(material.source.ids),
        "n_annotations": len(material.truth),
        "n_detections": len(material.detections),
        "iou_type": material.matching.iou_type,
        "iou": limits.iou,
        "background_iou": limits.background_iou,
        "least_score": limits.least_score,
        "max_detections": material.metric.max_detections,
        "errors": _errors(found),
        "confusion": _confusion(found),
        "calibration": _calibration(found),
        "label_errors": [suspicion_record(found, one) for one in found.suspicions],
        "warnings": list(found.warnings),
    }


def suspicion_record(found: Anatomy, one: Suspicion) -> dict[str, Any]:
    """Return one suspicion against the truth: where it is, and what speaks for it."""
    material = found.material
    names, truth, detections = material.names, material.truth, material.detections
    record: dict[str, Any] = {"reason": one.reason, "weight": one.weight, "annotation": None, "detection": None}
    image = truth.images[one.truth] if one.truth >= 0 else detections.images[one.detection]
    record["image"] = int(material.source.ids[image])
    if one.truth >= 0:
        record["annotation"] = {
            "id": None if material.ids is None else int(material.ids[one.truth]),
            "class": names[truth.classes[one.truth]],
            "area": float(truth.sizes()[one.truth]),
            "box": needed(truth.boxes, "boxes")[one.truth].tolist(),
        }
    if one.detection >= 0:
        record["detection"] = {
            "number": int(detections.order[one.detection]) + 1,
            "class": names[detections.classes[one.detection]],
            "score": float(detections.scores[one.detection]),
            "box": needed(detections.boxes, "boxes")[one.detection].tolist(),
        }
    return record


def _errors(found: Anatomy) -> dict[str, Any]:
    errors, names = found.errors, found.material.names
    of_classes = {
        name: {kind: int(errors.counts[kind][k]) for kind in ERRORS}
        for k, name in enumerate(names)
        if any(errors.counts[kind][k] for kind in ERRORS)
    }
    return {
        "ap": _or_null(errors.ap),
        "delta": {kind: _or_null(value) for kind, value in errors.delta.items()},
        "counts": {kind: int(errors.counts[kind].sum()) for kind in ERRORS},
        "classes": of_classes,
    }


def _confusion(found: Anatomy) -> dict[str, Any]:
    names, table = found.material.names, found.confusion
    listed = most_frequent(table, MOST_CONFUSIONS)
    background = {
        name: {"missed": missed, "spurious": spurious}
        for name, missed, spurious in zip(names, table[:-1, -1].tolist(), table[-1, :-1].tolist(), strict=True)
        if missed or spurious
    }
    return {
        "classes": names,
        "frequent": [{"truth": names[row], "prediction": names[column], "count": n} for row, column, n in listed],
        "background": background,
        "matrix": table.tolist(),
    }


def _calibration(found: Anatomy) -> dict[str, Any] | None:
    curve = found.calibration
    if curve is None:
        return None
    return {
        "bins": found.limits.bins,
        "expected_error": _or_null(curve.expected_error),
        "largest_error": _or_null(curve.largest_error),
        "points": _points(curve),
        "classes": {name: _or_null(one.expected_error) for name, one in found.of_classes.items()},
    }


def _points(curve: Reliability) -> list[dict[str, Any]]:
    columns = (curve.lower, curve.upper, curve.predicted, curve.observed, curve.detections)
    keys = ("lower", "upper", "score", "precision", "detections")
    return [dict(zip(keys, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
