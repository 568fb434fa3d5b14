"""What goes into a model, by its card."""

from __future__ import annotations

import numpy as np
import pytest

from segbench.errors import BadParameter, ShapeMismatch
from segbench.models.card import IMAGENET, Preprocessing


def test_colours_are_scaled_shifted_and_ordered() -> None:
    picture = np.array([[[255, 0, 51], [0, 102, 204]]], np.uint8)
    prepared = Preprocessing(mean=(0.1, 0.2, 0.4), std=(0.5, 1.0, 2.0)).apply(picture)
    assert prepared.dtype == np.float32 and prepared.shape == (3, 1, 2)
    # 255 → (1 − 0.1) / 0.5 = 1.8; 0 → −0.2; 102 → 0.4 − 0.2; 51 → (0.2 − 0.4) / 2; 204 → (0.8 − 0.4) / 2.
    assert np.allclose(prepared, [[[1.8, -0.2]], [[-0.2, 0.2]], [[-0.1, 0.2]]], rtol=0, atol=1e-7)
    turned = Preprocessing(order="BGR", high=255).apply(picture)
    assert turned.tolist() == [[[51, 204]], [[0, 102]], [[255, 0]]]


def test_the_reference_of_torchvision() -> None:
    transforms = pytest.importorskip("torchvision.transforms.v2.functional")
    torch = pytest.importorskip("torch")
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    planes = torch.from_numpy(picture).permute(2, 0, 1).double() / 255
    expected = transforms.normalize(planes, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    # float32 has 24 bits; values are below 4.
    assert np.allclose(IMAGENET.apply(picture), expected.numpy(), rtol=0, atol=4 * 2.0**-24)


def test_grey_goes_in_and_comes_out() -> None:
    coloured = np.array([[[10, 20, 30]]], np.uint8)
    # 0.299 · 10 + 0.587 · 20 + 0.114 · 30 = 18.15
    assert np.allclose(Preprocessing(high=255).apply(coloured, 1), [[[18.15]]], rtol=0, atol=1e-5)
    grey = np.array([[7, 9]], np.uint8)
    assert Preprocessing(high=255).apply(grey, 1).tolist() == [[[7, 9]]]
    assert Preprocessing(high=255).apply(grey).tolist() == [[[7, 9]]] * 3


def test_grey_takes_the_mean_of_three_numbers() -> None:
    grey = np.full((2, 2), 255, np.uint8)
    prepared = Preprocessing(mean=(0.2, 0.4, 0.6), std=(1.0, 2.0, 3.0)).apply(grey, 1)
    assert prepared.shape == (1, 2, 2)
    assert np.allclose(prepared, (1 - 0.4) / 2, rtol=0, atol=1e-7)


def test_the_picture_is_not_changed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    before = picture.copy()
    IMAGENET.apply(picture)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 4), (3, 4, 1), (1, 3, 4, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="expected \\(height, width, 3\\)"):
        IMAGENET.apply(np.zeros(shape, np.uint8))


def test_other_channels_are_refused() -> None:
    with pytest.raises(BadParameter, match="4 channels; expected 3, or 1 for grey"):
        IMAGENET.apply(np.zeros((2, 2, 3), np.uint8), 4)
