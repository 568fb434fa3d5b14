"""Average precision of instances, with the names of `pycocotools.cocoeval`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat.cococurves import Judged
from segbench.compat.cocomatches import Matched, Rules, matched
from segbench.compat.cocoparams import IOU_TYPES, Params
from segbench.compat.cocorows import rows_of_results, rows_of_truth
from segbench.compat.cocosides import Wanted
from segbench.compat.cocosummary import summary
from segbench.compat.shown import show
from segbench.errors import BadParameter


class COCOeval:
    """Scores detections: `evaluate`, `accumulate`, `summarize`.

    The same numbers as pycocotools, to the last bit. Different by intent:

    - Nothing is printed but the table of `summarize`.
    - `evalImgs` and `ious` are made when they are first read; annotations stay as they are.
    - `accumulate` takes other parameters where they name images, categories, areas and limits that were evaluated, and
      reads those that they name; pycocotools reads those that stand in the same places. What was not evaluated is
      refused.
    - `iouThrs` may be a list.
    - An id that two annotations share, a detection whose id is not positive, a score that is no number, and masks of
      different sizes in one image are refused; pycocotools counts with them, wrongly.
    - ``iouType="boundary"`` is there, and ``"keypoints"`` is not; nor are the methods for one image, `computeIoU` and
      `evaluateImg`, whose results are in `ious` and `evalImgs`.

    Parameters
    ----------
    cocoGt, cocoDt : COCO, optional
        Truth and detections, of this module or of pycocotools.
    iouType : {'segm', 'bbox', 'boundary'}
        What overlaps: masks, boxes, or the smaller of the overlap of masks and of their inner bands.
    dilation_ratio : float
        Width of inner bands as a share of the image diagonal.

    Raises
    ------
    BadParameter
        For another `iouType`.

    Attributes
    ----------
    params : Params
        What is evaluated; may be changed before `evaluate`.
    eval : dict
        ``precision`` (thresholds, recalls, categories, areas, limits), ``recall`` (without recalls), ``scores``,
        ``counts``, ``date`` and ``params``; -1 where the truth has nothing.
    stats : ndarray of float64, shape (12,)
        The numbers of the table.
    """

    def __init__(
        self, cocoGt: Any = None, cocoDt: Any = None, iouType: str = "segm", dilation_ratio: float = 0.02
    ) -> None:
        self.cocoGt = cocoGt
        self.cocoDt = cocoDt
        self.params = Params(iouType)
        self.dilation_ratio = dilation_ratio
        self.eval: dict[str, Any] = {}
        self.stats: Any = []
        # Users that gather the work of several processes set both this and `evalImgs`.
        self._paramsEval: Any = None
        self._matched: Matched | None = None
        self._notes: Sequence[Any] | None = None
        self._ious: dict[Any, Any] | None = None
        if cocoGt is not None:
            self.params.imgIds = sorted(cocoGt.getImgIds())
            self.params.catIds = sorted(cocoGt.getCatIds())

    def evaluate(self) -> None:
        """Match the detections of all images.

        Raises
        ------
        BadParameter
            When truth or detections lack, or a parameter is none.
        DatasetError, SubmissionError
            For what is wrong with either.
        """
        if self.cocoGt is None or self.cocoDt is None:
            raise BadParameter("evaluate() without truth or detections", expected="cocoGt and cocoDt")
        params = self.params
        _settle(params)
        wanted = Wanted(params.imgIds, params.catIds, not params.useCats, params.iouType)
        truth, found = rows_of_truth(self.cocoGt, wanted), rows_of_results(self.cocoDt, wanted, self.cocoGt)
        rules = _rules(params, self.dilation_ratio if params.iouType == "boundary" else None)
        self._matched = matched(truth, found, rules, len(params.imgIds))
        self._notes, self._ious, self.eval = None, None, {}
        self._paramsEval = copy.deepcopy(params)

    @property
    def evalImgs(self) -> Sequence[Any]:
        """What became of each image, by category, then area, then image; None where there is nothing."""
        if self._notes is None and self._matched is not None:
            self._notes = self._noted(self._matched)
        return [] if self._notes is None else self._notes

    @evalImgs.setter
    def evalImgs(self, notes: Sequence[Any]) -> None:
        self._notes = notes

    @property
    def ious(self) -> dict[Any, Any]:
        """Overlaps by image and category, of shape (detections, true instances); an empty list where one lacks."""
        if self._ious is None and self._matched is not None:
            images, classes = self._paramsEval.imgIds, _classes(self._paramsEval)
            self._ious = {(image, label): [] for image in images for label in classes}
            for k, i, overlaps in self._matched.overlaps():
                self._ious[images[i], classes[k]] = overlaps
        return {} if self._ious is None else self._ious

    def accumulate(self, p: Params | None = None) -> None:
        """Make the tables of `eval`.

        Parameters
        ----------
        p : Params, optional
            Other parameters: other recalls, and some of the images, categories, areas and limits that were evaluated.

        Raises
        ------
        BadParameter
            Before `evaluate`, or for what was not evaluated.
        """
        done = self._paramsEval
        if done is None:
            raise BadParameter("accumulate() before evaluate()", mend="call evaluate() first")
        params = copy.copy(self.params if p is None else p)
        if not np.array_equal(np.asarray(params.iouThrs), np.asarray(done.iouThrs)) or params.useCats != done.useCats:
            raise BadParameter("another iouThrs or useCats than was evaluated", mend="call evaluate() again")
        params.catIds = _classes(params)
        if max(params.maxDets, default=0) > max(done.maxDets):
            raise BadParameter(f"maxDets={list(params.maxDets)}", expected=f"at most {max(done.maxDets)}, as evaluated")
        images = np.zeros(len(done.imgIds), np.bool_)
        images[_places(params.imgIds, done.imgIds, "imgIds")] = True
        classes = _places(params.catIds, _classes(done), "catIds")
        areas = _places([tuple(a) for a in params.areaRng], [tuple(a) for a in done.areaRng], "areaRng")
        tables = self._judged(done).within(images).curves(len(_classes(done)), params.recThrs, params.maxDets)
        precision, recall, scores = (table.take(classes, axis=-3).take(areas, axis=-2) for table in tables)
        self.eval = {
            "params": params,
            "counts": [precision.shape[0], precision.shape[1], *precision.shape[2:]],
            "date": datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
            "precision": precision,
            "recall": recall,
            "scores": scores,
        }

    def summarize(self) -> None:
        """Set `stats` to the twelve numbers, and write them to standard output as a table.

        Raises
        ------
        BadParameter
            Before `accumulate`, or for less than three entries of ``maxDets``.
        """
        self.stats, text = self._summary()
        show(text)

    def __str__(self) -> str:
        return self._summary()[1] if self.eval else super().__str__()

    def _summary(self) -> tuple[NDArray[np.float64], str]:
        if not self.eval:
            raise BadParameter("summarize() before accumulate()", mend="call accumulate() first")
        return summary(self.eval, self.params)

    def _judged(self, done: Params) -> Judged:
        """Return what was judged; from `evalImgs` where somebody has read or set it, and so may have changed it."""
        if self._notes is None and self._matched is not None:
            return Judged.of(self._matched)
        shape = len(_classes(done)), len(done.areaRng), len(done.imgIds)
        return Judged.of_notes(self._notes or [], shape, len(done.iouThrs))

    def _noted(self, found: Matched) -> list[Any]:
        done = self._paramsEval
        classes, images, most = _classes(done), done.imgIds, done.maxDets[-1]
        n_areas = len(done.areaRng)
        notes: list[Any] = [None] * (len(classes) * n_areas * len(images))
        for k, a, i, note in found.notes():
            head = {"image_id": images[i], "category_id": classes[k], "aRng": done.areaRng[a], "maxDet": most}
            notes[(k * n_areas + a) * len(images) + i] = {**head, **note}
        return notes


def _classes(params: Any) -> Sequence[Any]:
    """Return the categories that are classes: all, or one that stands for all."""
    return params.catIds if params.useCats else [-1]


def _settle(params: Params) -> None:
    """Bring parameters into the form in which they are evaluated, and refuse what is none."""
    if params.useSegm is not None:
        params.iouType = "segm" if params.useSegm == 1 else "bbox"
    if params.iouType not in IOU_TYPES:
        raise BadParameter(f"iouType={params.iouType!r}", expected=" | ".join(map(repr, IOU_TYPES)))
    for name in ("iouThrs", "maxDets", "areaRng"):
        if len(getattr(params, name)) == 0:
            raise BadParameter(f"{name} is empty", expected="at least one")
    params.imgIds = list(np.unique(params.imgIds))
    if params.useCats:
        params.catIds = list(np.unique(params.catIds))
    if not all(isinstance(most, int | float | np.number) and most >= 0 for most in params.maxDets):
        raise BadParameter(f"maxDets={params.maxDets}", expected="numbers from 0")
    params.maxDets = sorted(params.maxDets)


def _rules(params: Params, width_diagonal: float | None) -> Rules:
    try:
        thresholds = np.array(params.iouThrs, np.float64)
        limits = np.array([list(limit) for limit in params.areaRng], np.float64)
    except (TypeError, ValueError):
        expected = "numbers, and pairs of numbers"
        raise BadParameter("iouThrs or areaRng of other things than numbers", expected=expected) from None
    return Rules(thresholds, limits, int(params.maxDets[-1]), width_diagonal)


def _places(wanted: Sequence[Any], known: Sequence[Any], name: str) -> list[int]:
    """Return where what is wanted stands among what was evaluated."""
    places = {one: i for i, one in enumerate(known)}
    stranger = [one for one in wanted if one not in places]
    if stranger:
        found = f"{name}: {stranger[0]}, which was not evaluated"
        raise BadParameter(found, expected="some of those that were", mend="call evaluate() again")
    return [places[one] for one in wanted]
