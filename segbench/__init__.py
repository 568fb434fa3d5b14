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
    from segbench.metrics.functions import ade_score as ade_score
    from segbench.metrics.functions import category_iou as category_iou
    from segbench.metrics.functions import frequency_weighted_iou as frequency_weighted_iou
    from segbench.metrics.functions import mean_accuracy as mean_accuracy
    from segbench.metrics.functions import mean_dice as mean_dice
    from segbench.metrics.functions import mean_iou as mean_iou
    from segbench.metrics.functions import mean_precision as mean_precision
    from segbench.metrics.functions import mean_recall as mean_recall
    from segbench.metrics.functions import pixel_accuracy as pixel_accuracy
    from segbench.metrics.instances import CategoryIiou as CategoryIiou
    from segbench.metrics.instances import MeanIiou as MeanIiou
    from segbench.metrics.region import AdeScore as AdeScore
    from segbench.metrics.region import CategoryIou as CategoryIou
    from segbench.metrics.region import FrequencyWeightedIou as FrequencyWeightedIou
    from segbench.metrics.region import MeanAccuracy as MeanAccuracy
    from segbench.metrics.region import MeanDice as MeanDice
    from segbench.metrics.region import MeanIou as MeanIou
    from segbench.metrics.region import MeanPrecision as MeanPrecision
    from segbench.metrics.region import MeanRecall as MeanRecall
    from segbench.metrics.region import PixelAccuracy as PixelAccuracy
    from segbench.metrics.running import Running as Running
    from segbench.metrics.table import parse_metric as parse_metric
    from segbench.protocols.load import load_protocol as load_protocol
    from segbench.result import Result as Result
    from segbench.result import Score as Score
    from segbench.scoring.output import state_path as state_path
    from segbench.scoring.output import write_result as write_result
    from segbench.scoring.pairs import score_pairs as score_pairs
    from segbench.scoring.score import merge as merge
    from segbench.scoring.score import score as score

_HOMES = {
    "AdeScore": "segbench.metrics.region",
    "CategoryIiou": "segbench.metrics.instances",
    "CategoryIou": "segbench.metrics.region",
    "FrequencyWeightedIou": "segbench.metrics.region",
    "LabelClass": "segbench.labels",
    "LabelSpace": "segbench.labels",
    "MeanAccuracy": "segbench.metrics.region",
    "MeanDice": "segbench.metrics.region",
    "MeanIiou": "segbench.metrics.instances",
    "MeanIou": "segbench.metrics.region",
    "MeanPrecision": "segbench.metrics.region",
    "MeanRecall": "segbench.metrics.region",
    "PixelAccuracy": "segbench.metrics.region",
    "Result": "segbench.result",
    "Running": "segbench.metrics.running",
    "Score": "segbench.result",
    "ade_score": "segbench.metrics.functions",
    "category_iou": "segbench.metrics.functions",
    "frequency_weighted_iou": "segbench.metrics.functions",
    "read_configuration": "segbench.datasets.configuration",
    "load_protocol": "segbench.protocols.load",
    "mean_accuracy": "segbench.metrics.functions",
    "mean_dice": "segbench.metrics.functions",
    "mean_iou": "segbench.metrics.functions",
    "mean_precision": "segbench.metrics.functions",
    "mean_recall": "segbench.metrics.functions",
    "merge": "segbench.scoring.score",
    "parse_metric": "segbench.metrics.table",
    "pixel_accuracy": "segbench.metrics.functions",
    "score": "segbench.scoring.score",
    "score_pairs": "segbench.scoring.pairs",
    "state_path": "segbench.scoring.output",
    "write_result": "segbench.scoring.output",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'segbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
