"""Faults put into the loops that draw polygons on purpose: the comparison with the twin must catch every one."""

import itertools

import numpy as np
import pytest

from tests.kernels.mutants import mutant, unchanged
from tests.kernels.runmasks import RUN_CASES, agree, polygon_case, use

SOURCES = ("_rle.pyx", "rle.h", "polygons.h")

FLAT = "before < behind ? before : behind"
ROW = "row > found->height ? found->height : row"
FIRST = "u <= 2 ? 0 : (u + 2) / POLYGON_GRID"
SINK = "if (places[child] <= place)"

# what is wrong, the right text, the wrong text; none of them writes where it should not, or does not end
FAULTS = [
    ("rounded half up", "POLYGON_GRID * coordinate + .5)", "POLYGON_GRID * coordinate + .5 + 1e-7)"),
    ("not rounded", "POLYGON_GRID * coordinate + .5)", "POLYGON_GRID * coordinate)"),
    ("other middle", FIRST, FIRST.replace("u + 2", "u + 3")),
    ("lower of two rows", FLAT, FLAT.replace("<", ">")),
    ("rows beyond the image", ROW, ROW.replace("? found->height", "? found->height - 1")),
    (
        "steep edges one step later",
        "polygon_cross(found, c, ys + t - 1);",
        "polygon_cross(found, c, ys + t);",
    ),
    ("steep edges not searched on", "while (t < dy && polygon_at(xs, slope, t) > u)", "while (0)"),
    ("steep edges as flat ones", "if (dx >= dy)", "if (2 * dx >= dy)"),
    (
        "not closed",
        "i + 1 < vertices ? i + 1 : 0;\n        polygon_edge",
        "i + 1 < vertices ? i + 1 : i;\n        polygon_edge",
    ),
    ("twice is once", "counts[m - 1] += (uint32_t)step;", "counts[m++] = (uint32_t)step;"),
    ("many in a column not sorted", "places[0] = places[last];", "places[0] = places[last] + (n > 40);"),
    ("the lesser child", "places[child + 1] > places[child];", "places[child + 1] < places[child];"),
    ("a heap that does not sink", SINK, "if (places[child] <= place || i > 5)"),
    ("insertion ends early", "k > 0 && places[k - 1] > place", "k > 1 && places[k - 1] > place"),
]


@pytest.mark.parametrize(("fault", "right", "wrong"), FAULTS, ids=[f[0] for f in FAULTS])
def test_seeded_fault_is_caught(fault, right, wrong, tmp_path, monkeypatch):
    use(monkeypatch, mutant(SOURCES, tmp_path, right, wrong))
    with pytest.raises(AssertionError):
        hold_all()


def test_the_unchanged_source_passes(tmp_path, monkeypatch):
    use(monkeypatch, unchanged(SOURCES, tmp_path))
    hold_all()


def hold_all():
    """Hold to the twin on columns that are crossed often, and on random cases."""
    often = [polygon_case([[zigzag(n)]], [(100, 20)]) for n in (30, 50, 90, 300)]
    for case in [*often, *itertools.islice(RUN_CASES["rasterise"](np.random.default_rng(0)), 200)]:
        agree("rasterise", case)


def zigzag(n):
    y = np.random.default_rng(n).random(n) * 100
    return np.stack([np.where(np.arange(n) % 2, 5.1, 5.9 + n % 7), y], axis=1).ravel()
