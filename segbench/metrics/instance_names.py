"""The scores of COCO and LVIS by their usual names: average precision and recall with one field set."""

from __future__ import annotations

from typing import ClassVar

from segbench.frozen import dataclass
from segbench.metrics.instance_scores import Ap, Ar100
from segbench.metrics.ranking import Area, DetectionMetric
from segbench.metrics.rules import Classes


@dataclass(frozen=True)
class Ap50(Ap):
    """AP at an IoU of 0.5; see `Ap`.

    Parameters
    ----------
    thresholds : str or tuple of str
        0.5 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap50"

    thresholds: Classes = "0.5"


@dataclass(frozen=True)
class Ap70(Ap):
    """AP at an IoU of 0.7; see `Ap`.

    Parameters
    ----------
    thresholds : str or tuple of str
        0.7 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap70"

    thresholds: Classes = "0.7"


@dataclass(frozen=True)
class Ap75(Ap):
    """AP at an IoU of 0.75; see `Ap`.

    Parameters
    ----------
    thresholds : str or tuple of str
        0.75 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap75"

    thresholds: Classes = "0.75"


@dataclass(frozen=True)
class ApSmall(Ap):
    """AP of small instances; see `Ap`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        small unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_small"

    area: Area = "small"


@dataclass(frozen=True)
class ApMedium(Ap):
    """AP of instances of medium size; see `Ap`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        medium unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_medium"

    area: Area = "medium"


@dataclass(frozen=True)
class ApLarge(Ap):
    """AP of large instances; see `Ap`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        large unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_large"

    area: Area = "large"


@dataclass(frozen=True)
class ApRare(Ap):
    """AP of rare classes (LVIS); see `Ap`.

    Parameters
    ----------
    classes : str or tuple of str
        rare unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_rare"

    classes: Classes = "rare"


@dataclass(frozen=True)
class ApCommon(Ap):
    """AP of common classes (LVIS); see `Ap`.

    Parameters
    ----------
    classes : str or tuple of str
        common unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_common"

    classes: Classes = "common"


@dataclass(frozen=True)
class ApFrequent(Ap):
    """AP of frequent classes (LVIS); see `Ap`.

    Parameters
    ----------
    classes : str or tuple of str
        frequent unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ap_frequent"

    classes: Classes = "frequent"


@dataclass(frozen=True)
class Ar1(Ar100):
    """AR with one detection of an image and class; see `Ar100`.

    Parameters
    ----------
    max_detections : int
        1 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_1"

    max_detections: int = 1


@dataclass(frozen=True)
class Ar10(Ar100):
    """AR with ten detections of an image and class; see `Ar100`.

    Parameters
    ----------
    max_detections : int
        10 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_10"

    max_detections: int = 10


@dataclass(frozen=True)
class Ar300(Ar100):
    """AR with 300 detections, as for LVIS; see `Ar100`.

    Parameters
    ----------
    max_detections : int
        300 unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_300"

    max_detections: int = 300


@dataclass(frozen=True)
class ArSmall(Ar100):
    """AR of small instances; see `Ar100`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        small unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_small"

    area: Area = "small"


@dataclass(frozen=True)
class ArMedium(Ar100):
    """AR of instances of medium size; see `Ar100`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        medium unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_medium"

    area: Area = "medium"


@dataclass(frozen=True)
class ArLarge(Ar100):
    """AR of large instances; see `Ar100`.

    Parameters
    ----------
    area : {'all', 'small', 'medium', 'large'}
        large unless another is asked for; the other fields are those of the class above.
    """

    name: ClassVar[str] = "ar_large"

    area: Area = "large"


METRICS: tuple[type[DetectionMetric], ...] = (
    Ap50,
    Ap70,
    Ap75,
    ApSmall,
    ApMedium,
    ApLarge,
    ApRare,
    ApCommon,
    ApFrequent,
    Ar1,
    Ar10,
    Ar300,
    ArSmall,
    ArMedium,
    ArLarge,
)
