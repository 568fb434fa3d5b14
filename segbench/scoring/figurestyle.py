"""How figures look: colours, dashes and marks that a reader can tell apart, and the settings of matplotlib."""

from __future__ import annotations

from typing import Any

#: Told apart by the colour-blind, and dark enough on white (contrast of at least 3 : 1); dashes serve grey print.
COLORS = ("#0072b2", "#d55e00", "#008763", "#aa3377", "#000000", "#8a6d00")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
#: Of results that are points, and of working points.
POINTS = ("X", "P", "*")
MARKS = ("o", "s", "D", "^", "v", "p")

POINT: dict[str, Any] = {"markersize": 11, "markeredgecolor": "white", "markeredgewidth": 0.8}
MARK: dict[str, Any] = {"linestyle": "none", "markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.6}
#: Of what is written beside the data, and of lines behind it.
GREY, LIGHT = "#666666", "#cccccc"

#: Whatever differs from the defaults of matplotlib.
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 11,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "legend.borderaxespad": 0,
    "legend.borderpad": 0,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    # Every level that occurs stays a point of the path.
    "path.simplify": False,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "segbench",
    # Names come from strangers, and may hold dollar signs.
    "text.parse_math": False,
    "xtick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.color": GREY,
    "ytick.labelcolor": "black",
}
