"""Views of an image: mean probabilities, as they come out in plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from segbench.errors import BadParameter
from segbench.harness.device import Device
from segbench.harness.networks import Net, Networks
from segbench.harness.subjects import read_subjects
from segbench.harness.views import Views
from tests.conftest import CommandLine
from tests.harness.nets import logits_by_hand, net, weights
from tests.harness.smalldata import IDS, KEYS, image_of, over

Floats = NDArray[np.float64]


@pytest.mark.parametrize(
    ("views", "text"),
    [
        (Views(), "-"),
        (Views(overlap=3), "-"),
        (Views(flip=True), "flip"),
        (Views(scales=(0.75, 1.0, 1.25)), "scales(0.75,1,1.25)"),
        (Views(resize=(120, 160), scales=(0.5, 1.0), flip=True), "resize(120,160)+scales(0.5,1)+flip"),
        (Views(tile=256, overlap=32), "tiles(256,32)"),
    ],
)
def test_their_text(views: Views, text: str) -> None:
    assert str(views) == text


@pytest.mark.parametrize(
    "options",
    [
        {"resize": (1,)},
        {"resize": (0, 5)},
        {"resize": (1, 2, 3)},
        {"scales": ()},
        {"scales": (0.0,)},
        {"scales": (9.0,)},
        {"scales": (float("nan"),)},
        {"scales": (1.0, 1.0)},
        {"tile": 64, "overlap": 40},
    ],
)
def test_what_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(BadParameter):
        Views(**options)


@pytest.mark.parametrize(("views", "is_single"), [(Views(), True), (Views(scales=(0.5,)), True),
    (Views(flip=True), False), (Views(scales=(0.5, 1.0)), False), (Views(tile=64, overlap=0), True)])  # fmt: skip
def test_single(views: Views, is_single: bool) -> None:
    assert views.is_single is is_single


def enlarged(values: Floats, size: tuple[int, int]) -> Floats:
    """Bilinear interpolation between centres of pixels, one axis after the other."""
    for axis, n in ((1, size[0]), (2, size[1])):
        m = values.shape[axis]
        at = np.clip((np.arange(n) + 0.5) * m / n - 0.5, 0, m - 1)
        low = np.floor(at).astype(int)
        high, part = np.minimum(low + 1, m - 1), at - low
        shape = [-1 if other == axis else 1 for other in range(3)]
        part = part.reshape(shape)
        values = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return values


def seen_by_hand(path: Path, image: NDArray[np.uint8], views: Views) -> list[Floats]:
    """The logits of each view."""
    size = image.shape[:2]
    rows, columns = views.resize or size
    found = []
    for scale in views.scales:
        wanted = (max(1, round(rows * scale)), max(1, round(columns * scale)))
        scaled = Image.fromarray(image).resize(wanted[::-1], Image.Resampling.BILINEAR)
        for mirrored in (False, True) if views.flip else (False,):
            pixels = np.asarray(scaled)[:, ::-1] if mirrored else np.asarray(scaled)
            logits = logits_by_hand(path, pixels)
            found.append(enlarged(logits[:, :, ::-1] if mirrored else logits, size))
    return found


def mean_by_hand(seen: Sequence[Floats]) -> Floats:
    powers = [np.exp(logits - logits.max(0)) for logits in seen]
    return np.mean([power / power.sum(0) for power in powers], axis=0)


def nets(*paths: Path, classes: int = 3) -> tuple[Net, ...]:
    device = Device(torch.device("cpu"))
    subjects = read_subjects(tuple(net(path, side=3) for path in paths))
    return tuple(Net.load(subject, classes, device) for subject in subjects)


VIEWS = [
    Views(),
    Views(resize=(16, 9)),
    Views(flip=True),
    Views(scales=(0.5, 1.0, 1.75)),
    Views(resize=(20, 21), scales=(0.6, 1.3), flip=True),
    # No row is left of 11 × 0.01; one is kept.
    Views(scales=(0.01, 1.0)),
    # Tiles change nothing for a net that sees one pixel beside its own.
    Views(resize=(80, 90), flip=True, tile=48, overlap=8),
]


@pytest.mark.parametrize("views", VIEWS, ids=str)
@pytest.mark.parametrize("n", [1, 2])
def test_labels_have_the_largest_mean(views: Views, n: int, small: Path, tmp_path: Path) -> None:
    paths = [weights(tmp_path / f"{seed}.pt", side=3, seed=seed) for seed in range(n)]
    images = [image_of(small, key) for key in KEYS[:4]]
    answers = Networks(nets(*paths), views, IDS, "labels").predict(images, KEYS[:4])
    for image, answer in zip(images, answers, strict=True):
        by_hand = [logits for path in paths for logits in seen_by_hand(path, image, views)]
        # Of one view the logits themselves.
        values = by_hand[0] if len(by_hand) == 1 else mean_by_hand(by_hand)
        assert set(np.unique(answer)) <= set(IDS) and len(np.unique(answer)) > 1
        chosen = np.take_along_axis(values, np.searchsorted(IDS, answer)[None], 0)[0]
        # Single precision decides between those that are nearer to each other than this.
        assert (chosen >= values.max(0) - 1e-4).all()
        assert answer.dtype == np.uint8 and answer.shape == image.shape[:2]


@pytest.mark.parametrize("kind", ["levels", "membranes"])
@pytest.mark.parametrize("views", VIEWS, ids=str)
@pytest.mark.parametrize("n", [1, 2])
def test_levels_are_the_probability_of_the_second_class(
    views: Views, n: int, kind: str, small: Path, tmp_path: Path
) -> None:
    paths = [weights(tmp_path / f"{seed}.pt", classes=2, side=3, seed=seed) for seed in range(n)]
    images = [image_of(small, key) for key in KEYS[4:]]
    answers = Networks(nets(*paths, classes=2), views, IDS[:2], kind).predict(images, KEYS[4:])
    for image, answer in zip(images, answers, strict=True):
        expected = 255 * mean_by_hand([logits for path in paths for logits in seen_by_hand(path, image, views)])[1]
        # The nearest step; where two are equally near, single precision decides.
        assert (np.abs(answer - expected) <= 0.5 + 1e-3).all()
        assert answer.dtype == np.uint8 and len(np.unique(answer)) > 3


def test_a_model_sees_the_size_that_it_was_trained_with(small: Path, tmp_path: Path) -> None:
    """Unless another one is asked for."""
    (asked,) = nets(weights(tmp_path / "w.pt", side=3))
    own = replace(asked, subject=replace(asked.subject, resize=(16, 9)))
    images = [image_of(small, key) for key in KEYS[:4]]

    def labels(net: Net, *resize: int) -> NDArray[np.uint8]:
        return np.stack(Networks((net,), Views(resize=resize), IDS, "labels").predict(images, KEYS[:4]))

    assert np.array_equal(labels(own), labels(asked, 16, 9))
    assert np.array_equal(labels(own, 20, 21), labels(asked, 20, 21))
    assert (labels(own) != labels(asked)).any()


def test_flips_and_scales_and_nets_make_a_difference(small: Path, tmp_path: Path) -> None:
    """So the comparisons can fail."""
    paths = [weights(tmp_path / f"{seed}.pt", side=3, seed=seed) for seed in range(2)]
    images = [image_of(small, key) for key in KEYS[:4]]
    one = np.stack(Networks(nets(paths[0]), Views(), IDS, "labels").predict(images, KEYS[:4]))
    for chosen, views in [(paths[:1], views) for views in VIEWS[1:]] + [(paths, Views())]:
        assert (np.stack(Networks(nets(*chosen), views, IDS, "labels").predict(images, KEYS[:4])) != one).any()


def test_an_ensemble_by_the_command(run: CommandLine, small: Path, tmp_path: Path) -> None:
    paths = [weights(tmp_path / f"{seed}.pt", side=3, seed=seed) for seed in range(2)]
    models = [net(path, side=3) for path in paths]
    done = run(*over(small, tmp_path / "out", *models), "--ensemble", "both", "--flip", "--format", "json")
    assert done.code == 0, done.err
    (row,) = done.record
    assert (row["model"], row["run"]["views"]) == ("both", "flip")
    # Two nets of three classes with 3×3 taps of three channels and a bias.
    assert row["run"]["cost"]["parameters"] == 2 * 3 * (27 + 1)
    answers = Networks(nets(*paths), Views(flip=True), IDS, "labels").predict([image_of(small, "v0")], ["v0"])
    with Image.open(tmp_path / "out/small-val/both/predictions/v0.png") as image:
        assert np.array_equal(np.asarray(image), answers[0])
    told = (tmp_path / "out/small-val/both/ENTRY.toml").read_text()
    assert 'post_processing = "mean probabilities of 2 models; flip"' in told
    done = run(*over(small, tmp_path / "out", *models, "majority"), "--ensemble", "all")
    assert done.code == 2 and "classical rule" in done.err
