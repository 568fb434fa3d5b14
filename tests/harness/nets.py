"""Nets whose logits are easy to know by hand, and others that misbehave, by one card."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segbench.models.card import Card

#: Where the card is, as the command line names it.
PLACE = "tests.harness.nets:CARD"

#: An image whose first pixel has this colour is the one that a net answers badly.
MARK = (255, 0, 255)


def _spoilt(value: float) -> Callable[[Tensor, Tensor], Tensor]:
    def spoil(logits: Tensor, images: Tensor) -> Tensor:
        mark = images.new_tensor(MARK) / 255
        is_marked = (images[:, :, 0, 0] == mark).all(1)[:, None, None, None]
        return torch.where(is_marked, logits.new_tensor(value), logits)

    return spoil


#: What a net makes of its logits and the images.
ANSWERS: Mapping[str, Callable[[Tensor, Tensor], object]] = {
    "good": lambda logits, images: logits,
    "nan": _spoilt(float("nan")),
    "infinity": _spoilt(float("inf")),
    "classes": lambda logits, images: logits[:, 1:],
    "larger": lambda logits, images: nn.functional.pad(logits, (0, 1)),
    "string": lambda logits, images: "a cat",
}


#: How many images of how many rows there is memory for; tests change it.
MEMORY: dict[int, int] = {}


class Plain(nn.Module):
    """One convolution, which takes time (`pause`, seconds; longer in later processes), `held` bytes, and may break."""

    def __init__(self, classes: int, side: int, answer: str, pause: float, broken: bool, held: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, classes, side, padding=side // 2)
        self._answer, self._pause, self._is_broken, self._held = ANSWERS[answer], pause, broken, held

    def forward(self, images: Tensor) -> object:
        bytearray(self._held)[::4096] = b"1" * (-(-self._held // 4096))
        time.sleep(self._pause * (1 + int(os.environ.get("RANK", "0"))))
        if len(images) > MEMORY.get(images.shape[-2], len(images)):
            raise torch.OutOfMemoryError(f"no room for {len(images)} images")
        if self._is_broken:
            raise RuntimeError("the net is broken")
        return self._answer(self.layer(images), images)


def build(
    classes: int = 3, side: int = 1, answer: str = "good", pause: float = 0.0, broken: bool = False, held: int = 0
) -> nn.Module:
    return Plain(classes, side, answer, pause, broken, held)


CARD = Card(name="plain", title="One convolution", source=("these tests",), configuration="1×1", build=build, classes=3)


def weights(path: Path, classes: int = 3, side: int = 1, seed: int = 0) -> Path:
    """Write random weights, and biases by which a grey image has no logits: no class wins everywhere."""
    kernel = torch.from_numpy(np.random.default_rng(seed).normal(0, 3, (classes, 3, side, side)).astype(np.float32))
    torch.save({"layer.weight": kernel, "layer.bias": -kernel.sum((1, 2, 3)) / 2}, path)
    return path


def net(path: Path, **options: object) -> str:
    """Name a net with its weights, as the command line does."""
    told = ",".join(f"{name}={_toml(value)}" for name, value in options.items())
    return f"{PLACE}({told})@{path}" if told else f"{PLACE}@{path}"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def logits_by_hand(path: Path, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The logits of `Plain` for an image, shape (classes, height, width), in loops over its taps."""
    state = torch.load(path, weights_only=True)
    kernel, bias = (state[f"layer.{name}"].double().numpy() for name in ("weight", "bias"))
    side = kernel.shape[-1]
    values = np.pad(np.moveaxis(image / 255, -1, 0), ((0, 0), *[(side // 2, side // 2)] * 2))
    height, width = image.shape[:2]
    out = np.repeat(bias[:, None], height * width, 1).reshape(-1, height, width)
    for row in range(side):
        for column in range(side):
            part = values[:, row : row + height, column : column + width]
            out += np.einsum("kc,chw->khw", kernel[:, :, row, column], part)
    return out


def digest(path: Path) -> str:
    """What a record calls weights."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
