"""segbench: exact, fast and signed scores for image segmentation.

Names are imported on first use, so that ``import segbench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from segbench.version import __version__

if TYPE_CHECKING:
    from segbench.labels import LabelClass as LabelClass
    from segbench.labels import LabelSpace as LabelSpace
    from segbench.metrics.base import Running as Running
    from segbench.metrics.table import parse_metric as parse_metric
    from segbench.protocols.load import load_protocol as load_protocol
    from segbench.result import Result as Result
    from segbench.result import Score as Score
    from segbench.scoring.output import state_path as state_path
    from segbench.scoring.output import write_result as write_result
    from segbench.scoring.score import score as score

_HOMES = {
    "LabelClass": "segbench.labels",
    "LabelSpace": "segbench.labels",
    "Result": "segbench.result",
    "Running": "segbench.metrics.base",
    "Score": "segbench.result",
    "load_protocol": "segbench.protocols.load",
    "parse_metric": "segbench.metrics.table",
    "score": "segbench.scoring.score",
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
