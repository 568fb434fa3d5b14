"""U-Net (Ronneberger, Fischer & Brox 2015): a contracting path, an expanding one, and copies across.

====== ======================= ==================== ==================
level  contracting             expanding            rows of 572 → 388
====== ======================= ==================== ==================
1      2 × conv 3×3, 64        2 × conv 3×3, 64     568 … 388
2      2 × conv 3×3, 128       2 × conv 3×3, 128    280 … 196
3      2 × conv 3×3, 256       2 × conv 3×3, 256    136 … 100
4      2 × conv 3×3, 512       2 × conv 3×3, 512    64 … 52
5      2 × conv 3×3, 1024      –                    28
====== ======================= ==================== ==================

Down: max pool 2×2. Up: transposed convolution 2×2 that halves the channels, beside the centre of the copy. ReLU after
each 3×3 convolution; at last a 1×1 convolution to the classes.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from segbench.errors import BadParameter, ShapeMismatch
from segbench.models.blocks import he_normal, scaled, stage
from segbench.models.card import Card, Preprocessing
from segbench.models.tiles import Valid

WIDTHS = (64, 128, 256, 512, 1024)

#: Four pools: 16 pixels, and each pooled size has to be even.
VALID = Valid(margin=92, step=16, rest=12, smallest=188)


class UNet(nn.Module):
    """The net; see the module for its layers.

    Parameters
    ----------
    channels, classes : int
        Channels of the input and of the output.
    width : float
        Factor of all other channels.
    padding : {'valid', 'same'}
        Unpadded as in the paper, where the output is smaller by 184 pixels; or padded with zeros, where it is as
        large as the input, which may have any size.
    norm : bool
        Whether batch normalisation follows each 3×3 convolution.
    dropout : float
        Share of what is dropped at the end of the contracting path, after levels 4 and 5.

    Raises
    ------
    BadParameter
        For another padding.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        width: float,
        padding: Literal["valid", "same"],
        norm: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        if padding not in ("valid", "same"):
            raise BadParameter(f"padding = {padding!r}", expected="'valid' or 'same'")
        self.valid = VALID if padding == "valid" else None
        widths = [scaled(w, width) for w in WIDTHS]
        level = partial(stage, padded=padding == "same", norm=norm)
        before = [channels, *widths]
        self.down = nn.ModuleList(level(inputs, (w, w)) for inputs, w in zip(before, widths, strict=False))
        pairs = list(zip(widths, widths[1:], strict=False))[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.merge = nn.ModuleList(level(2 * fine, (fine, fine)) for fine, _ in pairs)
        self.score = nn.Conv2d(widths[0], classes, 1)
        self.dropout = nn.Dropout(dropout)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        images : tensor, shape (n, channels, height, width)
            Unpadded: rows and columns 16 k + 12, from 188 up.

        Returns
        -------
        tensor, shape (n, classes, height, width)
            Unpadded: 184 rows and columns less.

        Raises
        ------
        ShapeMismatch
            For a size that the unpadded net does not take.
        """
        height, width = images.shape[-2:]
        if self.valid is None:
            # The pools divide by 16: what is missing repeats the last row and column, and is cut off again.
            images = functional.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
            return self._whole(images)[..., :height, :width]
        if not (self.valid.fits(height) and self.valid.fits(width)):
            raise ShapeMismatch(
                f"an input of {height}×{width}",
                expected="16 k + 12 rows and columns, from 188 up",
                mend="run it in tiles (segbench.models.tiles), or build it with padding='same'",
            )
        return self._whole(images)

    def _whole(self, x: Tensor) -> Tensor:
        copies: list[Tensor] = []
        for i, level in enumerate(self.down):
            x = level(functional.max_pool2d(x, 2) if i else x)
            x = self.dropout(x) if i >= len(self.down) - 2 else x
            copies.append(x)
        for copy, up, merge in zip(copies[-2::-1], self.up, self.merge, strict=True):
            x = up(x)
            x = merge(torch.cat([_centre(copy, x), x], 1))
        logits: Tensor = self.score(x)
        return logits


def _centre(copy: Tensor, small: Tensor) -> Tensor:
    """Return the centre of a copy, as large as another tensor."""
    height, width = small.shape[-2:]
    top, left = (copy.shape[-2] - height) // 2, (copy.shape[-1] - width) // 2
    return copy[..., top : top + height, left : left + width]


def build(
    *,
    channels: int = 1,
    classes: int = 2,
    width: float = 1.0,
    padding: Literal["valid", "same"] = "valid",
    norm: bool = False,
    dropout: float = 0.5,
) -> UNet:
    """Return a U-Net; `channels`, `classes`, `width`, `padding`, `norm` and `dropout` are those of `UNet`."""
    return UNet(channels, classes, width=width, padding=padding, norm=norm, dropout=dropout)


_PAPER = "Ronneberger, Fischer & Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015"
_NOTES = (
    "The paper says where dropout is, not how much: 0.5 after levels 4 and 5 is the usual reading.",
    "Values go in from -1 to 1; the paper does not say what it took.",
)

CARD = Card(
    name="unet",
    title="U-Net, unpadded, for overlapping tiles",
    source=(_PAPER,),
    configuration="1 channel, 2 classes, 64 to 1024 wide, unpadded, without batch normalisation",
    build=build,
    classes=2,
    channels=1,
    preprocessing=Preprocessing(mean=(0.5,), std=(0.5,)),
    valid=True,
    notes=(
        *_NOTES,
        "Tiles begin at multiples of 16, where their pools are those of the whole image: of 388 pixels 384 are used.",
    ),
)

CARD_HALF = Card(
    name="unet_half",
    title="U-Net, padded, half as wide",
    source=(_PAPER,),
    configuration="1 channel, 2 classes, 32 to 512 wide, padded, without batch normalisation",
    build=partial(build, width=0.5, padding="same"),
    classes=2,
    channels=1,
    preprocessing=Preprocessing(mean=(0.5,), std=(0.5,)),
    notes=(*_NOTES, "What most implementations build, with norm=true as a rule; the paper pads nothing."),
)
