"""lvis 0.5.3 itself, as on PyPI, made to run on the NumPy of today.

It asks for `np.float`, which NumPy 1.24 took away; its module `lvis.eval` alone is given a NumPy that has it. Its
figures, which it would import OpenCV and matplotlib for, are left out. pip brings another OpenCV with it, therefore
nothing here requires it: `pip install --no-deps lvis==0.5.3`, or the tests that need it are skipped.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

Record = dict[str, Any]
SIZES = {"small": "s", "medium": "m", "large": "l"}
#: The numbers of the tool in the order of `lvis_ap.evaluate`.
NAMES = (
    {"ap": "AP", "ap50": "AP50", "ap75": "AP75"}
    | {f"ap_{size}": f"AP{letter}" for size, letter in SIZES.items()}
    | {"ap_rare": "APr", "ap_common": "APc", "ap_frequent": "APf", "ar_300": "AR@300"}
    | {f"ar_{size}": f"AR{letter}@300" for size, letter in SIZES.items()}
)


class _OlderNumPy:
    """NumPy, and what lvis still asks of it."""

    float = float

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@contextmanager
def tool() -> Iterator[Any]:
    """The package for as long as this lasts; a test is skipped where it is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "lvis.vis", SimpleNamespace(LVISVis=None))
        # It would set up the logging of everything on import.
        patch.setattr("logging.basicConfig", lambda **_: None)
        lvis = pytest.importorskip("lvis", exc_type=ImportError)
        patch.setattr(sys.modules["lvis.eval"], "np", _OlderNumPy())
        patch.setattr(lvis.LVIS, "_load_json", lambda self, given: copy.deepcopy(given))
        yield lvis
        for name in [name for name in sys.modules if name.partition(".")[0] == "lvis"]:
            patch.delitem(sys.modules, name)


def evaluate(
    lvis: Any, truth: Record, results: list[Record], iou_type: str, most: int = 300
) -> tuple[dict[str, float], list[float]]:
    """The thirteen numbers, NaN where the tool says -1, and AP of each class; with `most` below 0 there is no cut."""
    known = lvis.LVIS(truth)
    evaluation = lvis.LVISEval(known, lvis.LVISResults(known, copy.deepcopy(results), max_dets=most), iou_type)
    evaluation.run()
    found = evaluation.get_results()
    precision = evaluation.eval["precision"][..., 0]
    per_class = [_mean(precision[:, :, k]) for k in range(precision.shape[-1])]
    return {name: _defined(float(found[theirs])) for name, theirs in NAMES.items()}, per_class


def surest_of_class(results: list[Record], most: int = 10_000) -> list[Record]:
    """The surest results of each class over all images, as the branch lvis_challenge_2021 cuts them (results.py).

    AP of these, with no cut by image, is "Fixed AP" (Dave et al. 2021). Of equal scores the first in the file stay.
    """
    by_class: dict[int, list[Record]] = {}
    for one in results:
        by_class.setdefault(one["category_id"], []).append(one)
    return [one for rows in by_class.values() for one in sorted(rows, key=lambda r: r["score"], reverse=True)[:most]]


def _mean(cells: Any) -> float:
    kept = cells[cells > -1]
    return float(np.mean(kept)) if kept.size else float("nan")


def _defined(value: float) -> float:
    return float("nan") if value == -1 else value
