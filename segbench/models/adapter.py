"""One way to run any net: whatever it returns, logits of the size of the images come out, or one clear error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segbench.errors import BadLogits, ShapeMismatch
from segbench.models.card import Card
from segbench.models.failures import told
from segbench.models.tiles import Valid, tiled

#: Where dictionaries have their logits: torchvision's, and those of transformers and others.
_KEYS = ("out", "logits")


def logits_of(
    model: nn.Module, images: Tensor, *, card: Card, classes: int, names: Sequence[str], tile: int = 572
) -> Tensor:
    """Run a net over images.

    Parameters
    ----------
    model : torch.nn.Module
        From images to logits, shape (n, classes, h, w): a tensor, the first of a tuple or list, or what a dictionary or
        object calls ``out`` or ``logits``, as torchvision, segmentation_models_pytorch and transformers return it.
    images : tensor, shape (n, channels, height, width)
        Prepared images.
    card : Card
        What is known of the model: its name for errors, and how smaller logits are enlarged.
    classes : int
        How many there have to be.
    names : sequence of str
        Names of the images, for errors.
    tile : int
        Largest tile of a net without padding, which runs in overlapping tiles.

    Returns
    -------
    tensor of float32 or float64, shape (n, classes, height, width)
        Logits. Smaller ones are enlarged bilinearly, with or without `card.align_corners`; with it, cell i lies at
        pixel ``card.output_stride`` · i where the cells reach as far as the image.

    Raises
    ------
    ShapeMismatch
        For logits of another number of axes, images or classes, or larger than the images.
    BadLogits
        When there are no logits, or one is NaN or infinite, or the model fails.
    """
    valid = getattr(getattr(model, "module", model), "valid", None)
    where = _Where(card.name, names)
    if card.valid and not hasattr(getattr(model, "module", model), "valid"):
        raise where.refused(
            "no margin, though its card says that it has no padding", "`valid`, of segbench.models.tiles"
        )

    def run(images: Tensor) -> Tensor:
        with told(where.failed):
            raw = model(images)
        return _checked(raw, images, classes, where)

    found = tiled(run, images, valid, tile) if isinstance(valid, Valid) else run(images)
    height, width = images.shape[-2:]
    if found.shape[-2] > height or found.shape[-1] > width:
        raise where.mismatch(f"logits of {found.shape[-2]}×{found.shape[-1]}", f"{height}×{width} or smaller")
    return _enlarged(found, height, width, card)


class _Where:
    """Which model and images an error is about."""

    def __init__(self, model: str, names: Sequence[str]) -> None:
        self._model, self._names = model, names
        # The images of a step of training all have its name.
        self._all = ", ".join(dict.fromkeys(names))

    def failed(self, raised: str) -> BadLogits:
        return self.refused(f"no answer: {raised}", "logits")

    def mismatch(self, found: str, expected: str) -> ShapeMismatch:
        return ShapeMismatch(f"model {self._model} gives {found}", expected=expected, file=self._all)

    def refused(self, found: str, expected: str, image: int | None = None) -> BadLogits:
        where = self._all if image is None else self._names[image]
        return BadLogits(f"model {self._model} gives {found}", expected=expected, file=where)


def _checked(raw: Any, images: Tensor, classes: int, where: _Where) -> Tensor:
    found = _main(raw)
    if not isinstance(found, Tensor) or not found.is_floating_point():
        kind = f"a tensor of {found.dtype}" if isinstance(found, Tensor) else f"a {type(raw).__name__} without logits"
        raise where.refused(kind, f"logits as a tensor, the first of a tuple, or under {' or '.join(_KEYS)}")
    if found.ndim != 4 or found.shape[:2] != (len(images), classes) or not found.numel():
        expected = f"({len(images)}, {classes}, height, width): {classes} classes"
        raise where.mismatch(f"logits of shape {tuple(found.shape)}", expected)
    # Sums of half precision lose what interpolation needs.
    found = found if found.dtype == torch.float64 else found.float()
    finite = torch.isfinite(found.detach()).flatten(1).all(1)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        kind = "NaN" if found[first].isnan().any() else "infinity"
        raise where.refused(f"{kind} among its logits", "finite numbers", image=first)
    return found


def _main(raw: Any) -> Any:
    """Return the logits among what a net returns, whatever else there is."""
    if isinstance(raw, Tensor):
        return raw
    if isinstance(raw, Mapping):
        return next((_main(raw[key]) for key in _KEYS if key in raw), None)
    if isinstance(raw, tuple | list):
        return _main(raw[0]) if raw else None
    return next((getattr(raw, key) for key in _KEYS if hasattr(raw, key)), None)


def _enlarged(logits: Tensor, height: int, width: int, card: Card) -> Tensor:
    if logits.shape[-2:] == (height, width):
        return logits
    size = [height, width]
    if card.align_corners:
        # Cells beyond the image: enlarge to where they lie, and cut.
        spans = [(cells - 1) * card.output_stride + 1 for cells in logits.shape[-2:]]
        size = [max(span, n) for span, n in zip(spans, size, strict=True)]
    large = functional.interpolate(logits, size=size, mode="bilinear", align_corners=card.align_corners)
    return large[..., :height, :width]
