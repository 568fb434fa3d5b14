"""Other programs that compute COCO's AP; each peer that is not installed is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.packages import package

#: A process prints the twelve numbers of one kind of overlap.
Numbers = list[float]

_DROP_IN = """
import json, sys
from {coco} import COCO
from {evaluation} import {name} as COCOeval
truth, results, iou_type = sys.argv[1:4]
known = COCO(truth)
load = known.load_res if hasattr(known, "load_res") else known.loadRes
found = COCOeval(known, load(results), iou_type)
found.evaluate()
found.accumulate()
found.summarize()
print()
print(json.dumps([float(value) for value in found.stats]))
"""

_VERNIER = """
import json, sys
from vernier.instance import Bbox, Evaluator
truth, results = sys.argv[1:3]
evaluator = Evaluator(iou=Bbox(), parity_mode="strict")
with open(truth, "rb") as known, open(results, "rb") as found:
    summary = evaluator.evaluate(known.read(), found.read(), num_threads=int(sys.argv[4]))
print(json.dumps([float(value) for value in summary.stats]))
"""

SEGBENCH = """
import json, sys
import segbench
truth, results, iou_type, workers = sys.argv[1:5]
found = segbench.score(results, dataset="instances", truth=truth, iou_type=iou_type, workers=int(workers))
print(json.dumps([float(score) for score in found.scores.values()]))
"""

#: What no such program can do without: NumPy (most of them), and every byte of both files once.
LIMIT = """
import sys
import numpy
for path in sys.argv[1:3]:
    with open(path, "rb") as file:
        file.read().count(b"\\n")
"""


@dataclass(frozen=True)
class Peer:
    """A program, and the text of the module that computes the numbers from files.

    `kind` names its goals; who `is_slow` runs once; `evaluate` computes the numbers from what is in memory; who
    `wants_boxes` does not take results that are masks alone.
    """

    name: str
    kind: str
    script: str
    is_slow: bool = False
    evaluate: Callable[[str, str, str], Callable[[], Numbers]] | None = None
    wants_boxes: bool = False


def threads(n: int) -> Mapping[str, str]:
    """Return the environment in which all peers take `n` threads."""
    names = ("RAYON_NUM_THREADS", "UFCOCO_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(n))


def installed() -> list[Peer]:
    """Return the peers that import."""
    found = [(package(module, distribution), make) for module, distribution, make in _MAKERS]
    return [make(*known) for known, make in found if known is not None]


def _drop_in(coco: str, evaluation: str, name: str = "COCOeval") -> str:
    return _DROP_IN.format(coco=coco, evaluation=evaluation, name=name)


def _pycocotools(_: Any, release: str) -> Peer:
    return Peer(release, "pycocotools", _drop_in("pycocotools.coco", "pycocotools.cocoeval"), is_slow=True)


def _faster(_: Any, release: str) -> Peer:
    script = _drop_in("faster_coco_eval", "faster_coco_eval", "COCOeval_faster")
    return Peer(release, "faster", script, is_slow=True)


def _ultrafast(_: Any, release: str) -> Peer:
    return Peer(release, "rust", _drop_in("ultrafast_pycocotools", "ultrafast_pycocotools"))


def _hotcoco(hotcoco: Any, release: str) -> Peer:
    def evaluate(truth: str, results: str, iou_type: str) -> Callable[[], Numbers]:
        known = hotcoco.COCO(truth)
        detections = known.load_res(results)

        def run() -> Numbers:
            found = hotcoco.COCOeval(known, detections, iou_type)
            found.evaluate()
            found.accumulate()
            found.summarize()
            return [float(value) for value in found.stats]

        return run

    return Peer(release, "rust", _drop_in("hotcoco", "hotcoco"), evaluate=evaluate)


def _vernier(_: Any, release: str) -> Peer:
    return Peer(release, "rust", _VERNIER, wants_boxes=True)


_MAKERS: tuple[tuple[str, str, Callable[[Any, str], Peer]], ...] = (
    ("ultrafast_pycocotools", "ultrafast-pycocotools", _ultrafast),
    ("hotcoco", "hotcoco", _hotcoco),
    ("vernier", "vernier", _vernier),
    ("faster_coco_eval", "faster-coco-eval", _faster),
    ("pycocotools", "pycocotools", _pycocotools),
)

#: The distribution of each module that a peer comes from.
PACKAGES = {module: distribution for module, distribution, _ in _MAKERS}
