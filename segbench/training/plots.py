"""The curves of a training: loss by step, and mean IoU of the validation split."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.atomic import write_text
from segbench.errors import require

#: Steps that the thick line of the loss is a mean of, as a share of all.
_SMOOTHING = 0.05

_STYLE = {"svg.fonttype": "path", "svg.hashsalt": "segbench", "font.size": 9, "axes.spines.top": False}


def draw(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw a history as SVG, the same bytes for the same numbers.

    Parameters
    ----------
    history : sequence of mapping
        Rows with ``loss``, some with ``mean_iou``, in their order.
    path : Path
        The figure.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    OutputProblem
        When the figure cannot be written.
    """
    matplotlib, figures = require("matplotlib", extra="plot"), require("matplotlib.figure", extra="plot")
    with matplotlib.rc_context(_STYLE):
        figure = figures.Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        steps, losses = np.arange(1, len(history) + 1), np.array([row["loss"] for row in history])
        axes.plot(steps, losses, color="#9db8d9", linewidth=0.8)
        axes.plot(steps, smoothed(losses), color="#1f5fa8", linewidth=1.8, label="loss")
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        _validation(axes.twinx(), history)
        for i in range(1, len(history)):
            if history[i]["stage"] != history[i - 1]["stage"]:
                axes.axvline(i + 0.5, color="#888888", linewidth=0.8, linestyle=":")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    write_text(path, text.getvalue())


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running mean of values, over the twentieth of them that ends with each."""
    n = max(1, round(_SMOOTHING * len(values)))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - n)
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def _validation(axes: Any, history: Sequence[Mapping[str, Any]]) -> None:
    points = [(i, row["mean_iou"]) for i, row in enumerate(history, 1) if row.get("mean_iou") is not None]
    axes.set_ylim(0, 1)
    if not points:
        axes.set_axis_off()
        return
    steps, values = zip(*points, strict=True)
    axes.plot(steps, values, color="#c2551b", marker="o", markersize=3, linewidth=1.2)
    axes.set_ylabel("mean IoU of the validation split", color="#c2551b")
