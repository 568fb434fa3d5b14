"""Figures of results, as SVG or PNG: the same results give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from segbench.errors import require
from segbench.scoring.bandcurves import BandDiagram, band_diagram
from segbench.scoring.casepictures import CasePicture
from segbench.scoring.casetable import CaseTable
from segbench.scoring.diagrams import Diagram, Kind, diagram
from segbench.scoring.plots.bands import TITLE, compose_bands
from segbench.scoring.plots.canvas import in_common, own_style, readable
from segbench.scoring.plots.cases import compose_cases
from segbench.scoring.plots.levels import TITLES, compose_levels
from segbench.scoring.plots.reliability import TITLE as RELIABILITY
from segbench.scoring.plots.reliability import compose_reliability
from segbench.scoring.reliabilitycurves import ReliabilityDiagram, reliability_diagram
from segbench.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {**TITLES, "trimap": TITLE, "reliability": RELIABILITY}

AnyDiagram: TypeAlias = Diagram | BandDiagram | ReliabilityDiagram


def plot(
    paths: Sequence[Path],
    *,
    kind: Kind | Literal["trimap", "reliability"],
    format: str = "svg",
    dataset: str | None = None,
) -> bytes:
    """Draw the curves of results in one figure.

    Parameters
    ----------
    paths : sequence of Path
        Results in JSON, their states beside them, all of one data set.
    kind : {'roc', 'pr', 'calibration', 'trimap', 'reliability'}
        What is drawn: of probability maps, but ``trimap`` of label maps, and ``reliability`` of instances.
    format : {'svg', 'png'}
        What is returned.
    dataset : str, optional
        The data set, where it is a protocol of one's own.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    BadParameter
        When results cannot be drawn, or not together.
    DatasetError
        When a state is damaged.
    MissingPackage
        When matplotlib is not installed.
    """
    require("matplotlib", extra="plot")
    if kind == "trimap":
        return draw(band_diagram(paths, dataset), format)
    if kind == "reliability":
        return draw(reliability_diagram(paths, dataset), format)
    return draw(diagram(paths, kind, dataset), format)


def draw(shown: AnyDiagram, format: str = "svg") -> bytes:
    """Return the figure of a diagram as a file.

    Parameters
    ----------
    shown : Diagram, BandDiagram or ReliabilityDiagram
        What is drawn.
    format : {'svg', 'png'}
        What is returned.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    title = f"{_TITLES[shown.kind]} of {', '.join(shown.names)}: {in_common(shown.terms)}"
    with own_style():
        return _saved(figure(shown), title, format)


def draw_cases(table: CaseTable, pictures: Sequence[CasePicture], format: str = "svg") -> bytes:
    """Return the figure of some cases of a result of volumes as a file.

    Parameters
    ----------
    table : CaseTable
        The result.
    pictures : sequence of CasePicture
        The cases, at least one.
    format : {'svg', 'png'}
        What is returned.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    names = ", ".join(picture.case.name for picture in pictures)
    with own_style():
        return _saved(case_figure(table, pictures), f"{names}: {in_common(table.counted.terms)}", format)


def case_figure(table: CaseTable, pictures: Sequence[CasePicture]) -> Figure:
    """Return the figure of some cases: three axes for each; as for `draw_cases`."""
    require("matplotlib", extra="plot")
    with own_style():
        drawn: Figure = require("matplotlib.figure", extra="plot").Figure()
        compose_cases(drawn, table, pictures)
    return drawn


def _saved(drawn: Figure, title: str, format: str) -> bytes:
    file = io.BytesIO()
    # Neither the date nor the version of matplotlib is part of the figure.
    maker = {"Creator": f"segbench {__version__}", "Date": None} if format == "svg" else {"Software": None}
    drawn.savefig(file, format=format, metadata={"Title": readable(title), **maker})
    return file.getvalue()


def figure(shown: AnyDiagram) -> Figure:
    """Return the figure of a diagram.

    Parameters
    ----------
    shown : Diagram, BandDiagram or ReliabilityDiagram
        What is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its first axes hold the curves.

    Raises
    ------
    MissingPackage
        When matplotlib is not installed.
    """
    require("matplotlib", extra="plot")
    with own_style():
        drawn: Figure = require("matplotlib.figure", extra="plot").Figure()
        if isinstance(shown, BandDiagram):
            compose_bands(drawn, shown)
        elif isinstance(shown, ReliabilityDiagram):
            compose_reliability(drawn, shown)
        else:
            compose_levels(drawn, shown)
    return drawn
