"""All metrics by name, and how a metric is read from text."""

from __future__ import annotations

import importlib
import re
from collections import UserDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segbench.errors import BadParameter, UnknownName, did_you_mean
from segbench.metrics.base import Metric, parse_arguments

#: The metrics of each module, in its order.
_HOMES = {
    "region": (
        "mean_iou",
        "pixel_accuracy",
        "mean_accuracy",
        "frequency_weighted_iou",
        "mean_dice",
        "mean_precision",
        "mean_recall",
        "ade_score",
    ),
    "groups": (
        "category_iou",
        "category_accuracy",
        "category_frequency_weighted_iou",
        "category_pixel_accuracy",
    ),
    "instances": ("mean_iiou", "category_iiou"),
    "trimap": ("trimap_iou", "trimap_accuracy"),
    "boundary_f": ("boundary_f",),
    "boundary_iou": ("mean_boundary_iou",),
    "surface_measures": (
        "hausdorff_distance",
        "average_symmetric_surface_distance",
        "mean_average_surface_distance",
        "surface_dice",
    ),
    "binary": ("auc", "average_precision", "f1", "accuracy", "sensitivity", "specificity", "mcc"),
    "road": ("max_f", "interpolated_precision", "precision_wp", "recall_wp", "fpr_wp", "fnr_wp"),
    "membrane": ("v_rand", "v_info"),
    "multilabel": ("multilabel_iou", "multilabel_dice"),
    "video": ("j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay", "jf_mean"),
    "stability": ("t_mean",),
    "instance_scores": ("ap", "ar_100"),
    "instance_names": (
        *("ap50", "ap70", "ap75", "ap_small", "ap_medium", "ap_large", "ap_rare", "ap_common", "ap_frequent"),
        *("ar_1", "ar_10", "ar_300", "ar_small", "ar_medium", "ar_large"),
    ),
}


class _Table(UserDict[str, Any]):
    """Metric classes by name. A module is read when one of its metrics is asked for: a run needs few of them."""

    def __getitem__(self, name: str) -> type[Metric[Any]]:
        found: Any = super().__getitem__(name)
        if isinstance(found, str):
            module = importlib.import_module(f"segbench.metrics.{found}")
            self.data |= {cls.name: cls for cls in module.METRICS}
            found = self.data[name]
        cls: type[Metric[Any]] = found
        return cls


METRICS = _Table({name: module for module, names in _HOMES.items() for name in names})

_CALL = re.compile(r"\s*(?P<name>[a-z][a-z0-9_]*)\s*(?:\((?P<arguments>.*)\))?\s*", re.DOTALL)


def parse_metric(text: str, instance: Callable[[str], Metric[Any] | None] | None = None) -> Metric[Any]:
    """Read a metric from ``name`` or ``name(field=value,…)``.

    Parameters
    ----------
    text : str
        The metric.
    instance : callable, optional
        Returns the metric of a name to start from, or None for the class defaults.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    UnknownName
        When no metric has the name.
    BadParameter
        When the text or a field is malformed.

    Examples
    --------
    >>> str(parse_metric("mean_iou(pool=image, absent=skip)"))
    'mean_iou(pool=image)'
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise BadParameter(f"metric {text!r}", expected="name or name(field=value,…)")
    name = match["name"]
    if name not in METRICS:
        raise UnknownName(f"no metric {name!r}", mend=did_you_mean(name, METRICS) or "known: " + ", ".join(METRICS))
    start = (instance(name) if instance is not None else None) or METRICS[name]()
    changes: dict[str, Any] = parse_arguments(METRICS[name], match["arguments"] or "")
    return replace(start, **changes)  # type: ignore[type-var]
