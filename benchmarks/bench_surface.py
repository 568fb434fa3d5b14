"""HD95, average surface distance and surface Dice of one structure: segbench against its peers, on one thread.

Run with ``python -m benchmarks surface``.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers_surface import PACKAGES as PACKAGES
from benchmarks.peers_surface import Mask, Pair, Peer, installed
from benchmarks.race import Row, as_table, race

Goals = dict[str, tuple[float | None, float | None]]

#: How many times faster than a peer, by its kind: at least, and if possible.
SMALL: Goals = {"monai": (5.0, 12.0)}
LARGE: Goals = {"surface-distance": (8.0, 20.0)}


def rows(quick: bool = False) -> list[Row]:
    """Race on both volumes, quick on a smaller one; MedPy takes too long on the large one."""
    if quick:
        return _rows(organ((48, 64, 64), (2.5, 1, 1), (12, 22, 20)), {}, 3)
    small = organ((128, 128, 128), (2.5, 1, 1), (30, 44, 40))
    return _rows(small, SMALL, 7) + _rows(organ((100, 512, 512), (2.5, 0.8, 0.8), (30, 95, 95)), LARGE, 3, slow=False)


def organ(shape: tuple[int, ...], spacing: tuple[float, ...], radii: tuple[int, ...]) -> Pair:
    """An ellipsoid, and a prediction that lies a little beside it and has waves."""
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    middle = [n / 2 for n in shape]

    def squares(*moved: float) -> np.ndarray:
        ways = (z - middle[0] - moved[0], y - middle[1] - moved[1], x - middle[2] - moved[2])
        return sum((way / radius) ** 2 for way, radius in zip(ways, radii, strict=True))

    truth = squares(0, 0, 0) <= 1
    prediction = squares(1, 2, -3) * (1 + 0.06 * np.sin(z * 0.3) * np.cos(y * 0.11) * np.sin(x * 0.09)) <= 1
    size = "×".join(map(str, shape))
    return Pair(f"{size}, {truth.mean():.1%} filled, all measures", truth, prediction, spacing, 2.0)


def _rows(pair: Pair, goals: Goals, repetitions: int, *, slow: bool = True) -> list[Row]:
    found = []
    for peer in installed():
        if slow or peer.kind != "medpy":
            found.append(_row(pair, peer, goals, repetitions))
    return found


def _row(pair: Pair, peer: Peer, goals: Goals, repetitions: int) -> Row:
    measure = peer.prepare(pair)
    if not np.allclose(peer.own(pair), measure(), rtol=peer.rtol, atol=0):
        raise AssertionError(f"{peer.name} measures otherwise: {measure()}, segbench {peer.own(pair)}")
    read = [lambda: _read(pair.truth, pair.prediction), lambda: peer.own(pair), measure]
    limit, mine, other = race(read, repetitions)
    return Row(f"{pair.name} as {peer.kind}", mine, peer.name, other, *goals.get(peer.kind, (None, None)), limit)


def _read(*masks: Mask) -> None:
    """Read all masks once."""
    for mask in masks:
        np.bitwise_or.reduce(mask.view(np.uint8), axis=None)


if __name__ == "__main__":
    print(as_table(rows()))
