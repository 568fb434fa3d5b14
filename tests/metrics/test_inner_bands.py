"""Inner bands of run-length encoded masks, held against those of whole masks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segbench.kernels.bands import boundary_band
from segbench.kernels.rle import decode, encode_strings, from_masks
from segbench.metrics.inner_bands import inner_bands


@pytest.mark.parametrize("seed", range(40))
def test_bands_of_runs_are_those_of_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(8):
        shape = tuple(rng.integers(1, 40, 2))
        mask = rng.random(shape) < rng.choice([0.0, 0.1, 0.6, 0.95, 1.0])
        if rng.random() < 0.5:  # one block, perhaps as high as the image
            mask = np.zeros(shape, bool)
            rows, columns = (np.sort(rng.integers(0, n + 1, 2)) for n in shape)
            mask[rows[0] : rows[1], columns[0] : columns[1]] = True
        masks.append(mask)
    share = float(rng.choice([0.02, 0.1, 0.3]))
    found = inner_bands(from_masks(masks), share)
    for i, mask in enumerate(masks):
        width = max(1, round(share * math.hypot(*mask.shape)))
        band = boundary_band(mask=mask, width_px=width)
        assert np.array_equal(decode(found, i), band)
        assert encode_strings(found)[i] == encode_strings(from_masks([band]))[0]
