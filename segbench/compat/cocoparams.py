"""The parameters of an evaluation, with the names of pycocotools."""

from __future__ import annotations

from typing import Any

import numpy as np

from segbench.errors import BadParameter

IOU_TYPES = ("segm", "bbox", "boundary")


class Params:
    """What is evaluated, and how; all of it may be changed before `COCOeval.evaluate`.

    Parameters
    ----------
    iouType : {'segm', 'bbox', 'boundary'}
        What overlaps: masks, boxes, or the smaller of the overlap of masks and of their inner bands.

    Raises
    ------
    BadParameter
        For another kind: key points are no segmentation.

    Attributes
    ----------
    imgIds, catIds : list
        Images and categories.
    iouThrs : ndarray of float64
        The least overlap of a match: 0.5, 0.55, … 0.95.
    recThrs : ndarray of float64
        Where precision is read: 0, 0.01, … 1.
    maxDets : list of int
        How many detections of an image and category count: 1, 10, 100.
    areaRng : list of (float, float)
        Areas, both ends included.
    areaRngLbl : list of str
        Their names.
    useCats : int
        0 to take all categories for one.
    useSegm : int, optional
        Outdated: 1 for masks, 0 for boxes, whatever `iouType` says.
    """

    def __init__(self, iouType: str = "segm") -> None:
        if iouType not in IOU_TYPES:
            raise BadParameter(f"iouType={iouType!r}", expected=" | ".join(map(repr, IOU_TYPES)))
        small, medium, most = 32**2, 96**2, 1e10
        self.imgIds: Any = []
        self.catIds: Any = []
        self.iouThrs: Any = np.linspace(0.5, 0.95, 10)
        self.recThrs: Any = np.linspace(0.0, 1.0, 101)
        self.maxDets: Any = [1, 10, 100]
        self.areaRng: Any = [[0, most], [0, small], [small, medium], [medium, most]]
        self.areaRngLbl: Any = ["all", "small", "medium", "large"]
        self.useCats: Any = 1
        self.iouType = iouType
        self.useSegm: Any = None
