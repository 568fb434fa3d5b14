"""The rules by which detections are matched with true instances: those of official tools, each quirk with a switch."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal, TypeAlias

import numpy as np

from segbench.frozen import dataclass
from segbench.metrics.annotations import Annotations, Detections, Flags, Floats, Integers

IouType: TypeAlias = Literal["segm", "bbox", "boundary"]
MatchingRules: TypeAlias = Literal["coco", "lvis", "lvis_fixed", "sds"]
ZeroId: TypeAlias = Literal["official", "matched"]
IgnoreRule: TypeAlias = Literal["official", "honoured"]
ResultArea: TypeAlias = Literal["official", "mask"]
AreaLimits: TypeAlias = Literal["official", "half_open"]

#: Sizes of instances, and their limits in pixels.
AREAS = ("all", "small", "medium", "large")
_LIMITS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]], np.float64)

FALSE, TRUE, LEFT_OUT = 0, 1, 2

#: The rank of a detection whose place among all others of its class is still to be seen.
UNKNOWN = -1


@dataclass(frozen=True)
class Matching:
    """How detections are matched with true instances.

    Parameters
    ----------
    iou_type : {'segm', 'bbox', 'boundary'}
        What overlaps: masks, boxes, or for ``boundary`` the smaller of the IoU of masks and of their inner bands.
    rules : {'coco', 'lvis', 'lvis_fixed', 'sds'}
        ``coco``: a detection takes the best free instance, up to `max_detections` an image and class. ``lvis``: the
        same, up to `max_detections` an image, of classes that are labelled in the image; ``lvis_fixed``: up to
        `max_detections` a class in all images. ``sds``: a detection takes the best instance, and is wrong when that is
        taken.
    zero_id : {'official', 'matched'}
        A match with a true instance whose id is 0 is none (``official``), or one like others.
    ignore : {'official', 'honoured'}
        Whether ``ignore`` in the truth has an effect beside ``iscrowd``: officially with boundaries and for LVIS only.
    result_area : {'official', 'mask'}
        Officially the area of a detection is that of its box when the results have boxes, also where masks are
        compared.
    area_limits : {'official', 'half_open'}
        Officially an area of exactly 1024 is small and medium; with ``half_open`` medium only.
    width_diagonal : float
        Width of the inner bands as a share of the image diagonal.
    """

    iou_type: IouType = "segm"
    rules: MatchingRules = "coco"
    zero_id: ZeroId = "official"
    ignore: IgnoreRule = "official"
    result_area: ResultArea = "official"
    area_limits: AreaLimits = "official"
    width_diagonal: float = 0.02

    def __str__(self) -> str:
        return ",".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))

    @property
    def is_federated(self) -> bool:
        """Whether the rules are those of LVIS, where not every class is labelled in every image."""
        return self.rules in ("lvis", "lvis_fixed")

    @property
    def honours_ignore(self) -> bool:
        """Whether what the truth says to ignore is ignored."""
        return self.ignore == "honoured" or self.iou_type == "boundary" or self.rules != "coco"

    @property
    def limits(self) -> Floats:
        """The least and the largest area of each size, both included."""
        limits = _LIMITS.copy()
        if self.area_limits == "half_open":
            limits[1:3, 1] = np.nextafter(limits[1:3, 1], 0)
        return limits

    def ignored(self, truth: Annotations) -> Flags:
        """Return which instances of the `truth` do not count, whatever their size; none under ``sds``."""
        if self.rules == "sds":
            return np.zeros(len(truth), np.bool_)
        if self.is_federated:
            # LVIS has no crowds, whatever a file says.
            return truth.ignored
        return truth.crowd | truth.ignored if self.honours_ignore else truth.crowd

    def present(self, truth: Annotations) -> Integers:
        """Return the rows of the `truth` that are there at all: to the tool of LVIS, what has no area is not."""
        return np.flatnonzero(truth.sizes() > 0) if self.is_federated else np.arange(len(truth))

    def reusable(self, truth: Annotations) -> Flags:
        """Return which instances of the `truth` any number of detections may match."""
        return truth.crowd if self.rules == "coco" else np.zeros(len(truth), np.bool_)

    def areas(self, detections: Detections) -> Floats:
        """Return the areas of detections."""
        return detections.sizes(of_masks=self.result_area == "mask")
