"""segbench: exact, fast and signed scores for image segmentation.

Names are imported on first use, so that ``import segbench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from segbench.version import __version__

if TYPE_CHECKING:
    from segbench.datasets.configuration import read_configuration as read_configuration
    from segbench.labels import LabelClass as LabelClass
    from segbench.labels import LabelSpace as LabelSpace
    from segbench.metrics.binary import F1 as F1
    from segbench.metrics.binary import Accuracy as Accuracy
    from segbench.metrics.binary import Auc as Auc
    from segbench.metrics.binary import AveragePrecision as AveragePrecision
    from segbench.metrics.binary import Mcc as Mcc
    from segbench.metrics.binary import Sensitivity as Sensitivity
    from segbench.metrics.binary import Specificity as Specificity
    from segbench.metrics.functions import accuracy as accuracy
    from segbench.metrics.functions import ade_score as ade_score
    from segbench.metrics.functions import auc as auc
    from segbench.metrics.functions import average_precision as average_precision
    from segbench.metrics.functions import category_accuracy as category_accuracy
    from segbench.metrics.functions import category_frequency_weighted_iou as category_frequency_weighted_iou
    from segbench.metrics.functions import category_iou as category_iou
    from segbench.metrics.functions import category_pixel_accuracy as category_pixel_accuracy
    from segbench.metrics.functions import f1 as f1
    from segbench.metrics.functions import fnr_wp as fnr_wp
    from segbench.metrics.functions import fpr_wp as fpr_wp
    from segbench.metrics.functions import frequency_weighted_iou as frequency_weighted_iou
    from segbench.metrics.functions import interpolated_precision as interpolated_precision
    from segbench.metrics.functions import max_f as max_f
    from segbench.metrics.functions import mcc as mcc
    from segbench.metrics.functions import mean_accuracy as mean_accuracy
    from segbench.metrics.functions import mean_dice as mean_dice
    from segbench.metrics.functions import mean_iou as mean_iou
    from segbench.metrics.functions import mean_precision as mean_precision
    from segbench.metrics.functions import mean_recall as mean_recall
    from segbench.metrics.functions import multilabel_dice as multilabel_dice
    from segbench.metrics.functions import multilabel_iou as multilabel_iou
    from segbench.metrics.functions import pixel_accuracy as pixel_accuracy
    from segbench.metrics.functions import precision_wp as precision_wp
    from segbench.metrics.functions import recall_wp as recall_wp
    from segbench.metrics.functions import sensitivity as sensitivity
    from segbench.metrics.functions import specificity as specificity
    from segbench.metrics.functions import v_info as v_info
    from segbench.metrics.functions import v_rand as v_rand
    from segbench.metrics.groups import CategoryAccuracy as CategoryAccuracy
    from segbench.metrics.groups import CategoryFrequencyWeightedIou as CategoryFrequencyWeightedIou
    from segbench.metrics.groups import CategoryIou as CategoryIou
    from segbench.metrics.groups import CategoryPixelAccuracy as CategoryPixelAccuracy
    from segbench.metrics.instance_names import Ap50 as Ap50
    from segbench.metrics.instance_names import Ap70 as Ap70
    from segbench.metrics.instance_names import Ap75 as Ap75
    from segbench.metrics.instance_names import ApCommon as ApCommon
    from segbench.metrics.instance_names import ApFrequent as ApFrequent
    from segbench.metrics.instance_names import ApLarge as ApLarge
    from segbench.metrics.instance_names import ApMedium as ApMedium
    from segbench.metrics.instance_names import ApRare as ApRare
    from segbench.metrics.instance_names import ApSmall as ApSmall
    from segbench.metrics.instance_names import Ar1 as Ar1
    from segbench.metrics.instance_names import Ar10 as Ar10
    from segbench.metrics.instance_names import Ar300 as Ar300
    from segbench.metrics.instance_names import ArLarge as ArLarge
    from segbench.metrics.instance_names import ArMedium as ArMedium
    from segbench.metrics.instance_names import ArSmall as ArSmall
    from segbench.metrics.instance_scores import Ap as Ap
    from segbench.metrics.instance_scores import Ar100 as Ar100
    from segbench.metrics.instances import CategoryIiou as CategoryIiou
    from segbench.metrics.instances import MeanIiou as MeanIiou
    from segbench.metrics.membrane import VInfo as VInfo
    from segbench.metrics.membrane import VRand as VRand
    from segbench.metrics.multilabel import MultiLabelDice as MultiLabelDice
    from segbench.metrics.multilabel import MultiLabelIou as MultiLabelIou
    from segbench.metrics.region import AdeScore as AdeScore
    from segbench.metrics.region import FrequencyWeightedIou as FrequencyWeightedIou
    from segbench.metrics.region import MeanAccuracy as MeanAccuracy
    from segbench.metrics.region import MeanDice as MeanDice
    from segbench.metrics.region import MeanIou as MeanIou
    from segbench.metrics.region import MeanPrecision as MeanPrecision
    from segbench.metrics.region import MeanRecall as MeanRecall
    from segbench.metrics.region import PixelAccuracy as PixelAccuracy
    from segbench.metrics.road import FnrWp as FnrWp
    from segbench.metrics.road import FprWp as FprWp
    from segbench.metrics.road import InterpolatedPrecision as InterpolatedPrecision
    from segbench.metrics.road import MaxF as MaxF
    from segbench.metrics.road import PrecisionWp as PrecisionWp
    from segbench.metrics.road import RecallWp as RecallWp
    from segbench.metrics.running import Running as Running
    from segbench.metrics.stability import TMean as TMean
    from segbench.metrics.table import parse_metric as parse_metric
    from segbench.metrics.video import FDecay as FDecay
    from segbench.metrics.video import FMean as FMean
    from segbench.metrics.video import FRecall as FRecall
    from segbench.metrics.video import JDecay as JDecay
    from segbench.metrics.video import JfMean as JfMean
    from segbench.metrics.video import JMean as JMean
    from segbench.metrics.video import JRecall as JRecall
    from segbench.protocols.load import load_protocol as load_protocol
    from segbench.result import Result as Result
    from segbench.result import Score as Score
    from segbench.samples import Place as Place
    from segbench.scoring.contenders import compare as compare
    from segbench.scoring.merging import merge as merge
    from segbench.scoring.output import state_path as state_path
    from segbench.scoring.output import write_result as write_result
    from segbench.scoring.pack import Packed as Packed
    from segbench.scoring.pack import pack as pack
    from segbench.scoring.pairs import score_pairs as score_pairs
    from segbench.scoring.score import score as score

_HOMES = {
    "Accuracy": "segbench.metrics.binary",
    "AdeScore": "segbench.metrics.region",
    "Ap": "segbench.metrics.instance_scores",
    "Ap50": "segbench.metrics.instance_names",
    "Ap70": "segbench.metrics.instance_names",
    "Ap75": "segbench.metrics.instance_names",
    "ApCommon": "segbench.metrics.instance_names",
    "ApFrequent": "segbench.metrics.instance_names",
    "ApLarge": "segbench.metrics.instance_names",
    "ApMedium": "segbench.metrics.instance_names",
    "ApRare": "segbench.metrics.instance_names",
    "ApSmall": "segbench.metrics.instance_names",
    "Ar1": "segbench.metrics.instance_names",
    "Ar10": "segbench.metrics.instance_names",
    "Ar100": "segbench.metrics.instance_scores",
    "Ar300": "segbench.metrics.instance_names",
    "ArLarge": "segbench.metrics.instance_names",
    "ArMedium": "segbench.metrics.instance_names",
    "ArSmall": "segbench.metrics.instance_names",
    "Auc": "segbench.metrics.binary",
    "AveragePrecision": "segbench.metrics.binary",
    "AverageSymmetricSurfaceDistance": "segbench.metrics.surface_measures",
    "BoundaryF": "segbench.metrics.boundary_f",
    "CategoryAccuracy": "segbench.metrics.groups",
    "CategoryFrequencyWeightedIou": "segbench.metrics.groups",
    "CategoryIiou": "segbench.metrics.instances",
    "CategoryIou": "segbench.metrics.groups",
    "CategoryPixelAccuracy": "segbench.metrics.groups",
    "F1": "segbench.metrics.binary",
    "FDecay": "segbench.metrics.video",
    "FMean": "segbench.metrics.video",
    "FRecall": "segbench.metrics.video",
    "FnrWp": "segbench.metrics.road",
    "FprWp": "segbench.metrics.road",
    "FrequencyWeightedIou": "segbench.metrics.region",
    "HausdorffDistance": "segbench.metrics.surface_measures",
    "InterpolatedPrecision": "segbench.metrics.road",
    "JDecay": "segbench.metrics.video",
    "JMean": "segbench.metrics.video",
    "JRecall": "segbench.metrics.video",
    "JfMean": "segbench.metrics.video",
    "LabelClass": "segbench.labels",
    "LabelSpace": "segbench.labels",
    "MaxF": "segbench.metrics.road",
    "Mcc": "segbench.metrics.binary",
    "MeanAccuracy": "segbench.metrics.region",
    "MeanAverageSurfaceDistance": "segbench.metrics.surface_measures",
    "MeanBoundaryIou": "segbench.metrics.boundary_iou",
    "MeanDice": "segbench.metrics.region",
    "MeanIiou": "segbench.metrics.instances",
    "MeanIou": "segbench.metrics.region",
    "MeanPrecision": "segbench.metrics.region",
    "MeanRecall": "segbench.metrics.region",
    "MultiLabelDice": "segbench.metrics.multilabel",
    "MultiLabelIou": "segbench.metrics.multilabel",
    "Packed": "segbench.scoring.pack",
    "PixelAccuracy": "segbench.metrics.region",
    "Place": "segbench.samples",
    "PrecisionWp": "segbench.metrics.road",
    "RecallWp": "segbench.metrics.road",
    "Result": "segbench.result",
    "Running": "segbench.metrics.running",
    "Score": "segbench.result",
    "Sensitivity": "segbench.metrics.binary",
    "Specificity": "segbench.metrics.binary",
    "SurfaceDice": "segbench.metrics.surface_measures",
    "TMean": "segbench.metrics.stability",
    "TrimapAccuracy": "segbench.metrics.trimap",
    "TrimapIou": "segbench.metrics.trimap",
    "VInfo": "segbench.metrics.membrane",
    "VRand": "segbench.metrics.membrane",
    "accuracy": "segbench.metrics.functions",
    "ade_score": "segbench.metrics.functions",
    "auc": "segbench.metrics.functions",
    "average_precision": "segbench.metrics.functions",
    "average_symmetric_surface_distance": "segbench.metrics.functions",
    "boundary_f": "segbench.metrics.functions",
    "category_accuracy": "segbench.metrics.functions",
    "category_frequency_weighted_iou": "segbench.metrics.functions",
    "category_iou": "segbench.metrics.functions",
    "category_pixel_accuracy": "segbench.metrics.functions",
    "compare": "segbench.scoring.contenders",
    "f1": "segbench.metrics.functions",
    "fnr_wp": "segbench.metrics.functions",
    "fpr_wp": "segbench.metrics.functions",
    "frequency_weighted_iou": "segbench.metrics.functions",
    "hausdorff_distance": "segbench.metrics.functions",
    "interpolated_precision": "segbench.metrics.functions",
    "load_protocol": "segbench.protocols.load",
    "max_f": "segbench.metrics.functions",
    "mcc": "segbench.metrics.functions",
    "mean_accuracy": "segbench.metrics.functions",
    "mean_average_surface_distance": "segbench.metrics.functions",
    "mean_boundary_iou": "segbench.metrics.functions",
    "mean_dice": "segbench.metrics.functions",
    "mean_iou": "segbench.metrics.functions",
    "mean_precision": "segbench.metrics.functions",
    "mean_recall": "segbench.metrics.functions",
    "merge": "segbench.scoring.merging",
    "multilabel_dice": "segbench.metrics.functions",
    "multilabel_iou": "segbench.metrics.functions",
    "pack": "segbench.scoring.pack",
    "parse_metric": "segbench.metrics.table",
    "pixel_accuracy": "segbench.metrics.functions",
    "precision_wp": "segbench.metrics.functions",
    "read_configuration": "segbench.datasets.configuration",
    "recall_wp": "segbench.metrics.functions",
    "score": "segbench.scoring.score",
    "score_pairs": "segbench.scoring.pairs",
    "sensitivity": "segbench.metrics.functions",
    "specificity": "segbench.metrics.functions",
    "state_path": "segbench.scoring.output",
    "surface_dice": "segbench.metrics.functions",
    "trimap_accuracy": "segbench.metrics.functions",
    "trimap_iou": "segbench.metrics.functions",
    "v_info": "segbench.metrics.functions",
    "v_rand": "segbench.metrics.functions",
    "write_result": "segbench.scoring.output",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'segbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
