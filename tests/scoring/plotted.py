"""Results of golden sets, and what a figure of them shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

import segbench
from segbench.scoring.diagrams import diagram
from segbench.scoring.plots import figure
from tests.datasets.pngs import png

GOLDEN = Path(__file__).parent.parent / "golden"


def scored(predictions: Path, output: Path, dataset: str = "drive", **options: Any) -> Path:
    """Score a golden set, or what is named in the options, and write the result."""
    asked = {"data_root": GOLDEN / dataset / "data", **options}
    state = segbench.state_path(output)
    result = segbench.score(predictions, dataset=dataset, state=state, **asked)
    segbench.write_result(result, output, seconds=0, state=state)
    return output


def of_drive(folder: Path, name: str = "net", **options: Any) -> Path:
    return scored(GOLDEN / "drive/predictions", folder / f"{name}.json", **options)


def observer(folder: Path, lowest: int = 128) -> Path:
    """The golden predictions as a binary map: what has a level or more."""
    for path in (GOLDEN / "drive/predictions").glob("*.png"):
        put(folder / "masks" / path.name, png(np.where(np.asarray(Image.open(path)) >= lowest, 255, 0)))
    return scored(folder / "masks", folder / "observer.json")


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def drawn(paths: Sequence[Path], kind: Any) -> Figure:
    return figure(diagram(paths, kind))


def curve(axes: Axes, i: int = 0) -> Line2D:
    """The line of result `i`: the results are drawn first."""
    return axes.lines[i]


def points(line: Line2D) -> list[tuple[float, float]]:
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))  # type: ignore[arg-type]


def marks(figure: Figure, shape: str = "o") -> list[tuple[float, float]]:
    lines = [line for line in figure.axes[0].lines if line.get_marker() == shape and line.get_linestyle() == "None"]
    return [point for line in lines for point in points(line)]


def legend(figure: Figure) -> list[str]:
    """The entries of the legend, each in one line."""
    texts = (text.get_text() for text in figure.legends[0].get_texts())
    return [re.sub(r"\s", " ", text) for text in texts]
