"""SegNet and SegNet-Basic (Badrinarayanan, Kendall & Cipolla 2017): decoders that put maxima back where they were.

SegNet: the convolutions of VGG-16 with biases, batch normalisation and ReLU; after each stage a 2×2 max pool, sizes
rounded up, that keeps the places of the maxima. The decoder unpools to these places, zero elsewhere, and convolves with
3×3 kernels, batch normalisation and ReLU, in reverse:

===== ============= ===== =============
stage channels      stage channels
===== ============= ===== =============
5     512, 512, 512 2     128, 64
4     512, 512, 256 1     64, classes
3     256, 256, 128
===== ============= ===== =============

The last convolution has neither normalisation nor ReLU.

SegNet-Basic: local response normalisation of the input, over 5 channels with α = 1e-4 and β = 0.75; four stages of one
7×7 convolution of 64 channels with batch normalisation and ReLU; four decoders of the same without ReLU; a 1×1
convolution to the classes.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from segbench.models.blocks import convolution, he_normal, scaled, stage, vgg16, vgg16_state
from segbench.models.card import IMAGENET, Card, NamedWeights, Preprocessing

#: Channels of the decoder's convolutions, from stage 5 up; that of the classes comes behind them.
DECODER = ((512, 512, 512), (512, 512, 256), (256, 256, 128), (128, 64), (64,))


class SegNet(nn.Module):
    """An encoder and a decoder that share the places of maxima.

    Parameters
    ----------
    encoder, decoder : torch.nn.ModuleList
        As many stages; the decoder begins with the coarsest one.
    normalise : torch.nn.Module, optional
        What the input goes through first.
    """

    def __init__(self, encoder: nn.ModuleList, decoder: nn.ModuleList, normalise: nn.Module | None = None) -> None:
        super().__init__()
        self.normalise = normalise or nn.Identity()
        self.encoder, self.decoder = encoder, decoder
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        images : tensor, shape (n, channels, height, width)
            Images of any size.

        Returns
        -------
        tensor, shape (n, classes, height, width)
            Logits.
        """
        x: Tensor = self.normalise(images)
        pools = []
        for level in self.encoder:
            x = level(x)
            height, width = x.shape[-2:]
            x, places = functional.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            pools.append((places, (height, width)))
        for level, (places, size) in zip(self.decoder, reversed(pools), strict=True):
            x = level(unpooled(x, places, size))
        return x


def unpooled(maxima: Tensor, places: Tensor, size: tuple[int, int]) -> Tensor:
    """Put maxima back where they were, and 0 elsewhere.

    Parameters
    ----------
    maxima, places : tensor, shape (n, channels, h, w)
        Of a max pool whose windows do not overlap: values, and indices into the rows of an image put end to end.
    size : (int, int)
        Rows and columns before the pool.

    Returns
    -------
    tensor, shape (n, channels, height, width)
        The same as `torch.nn.functional.max_unpool2d`, which is refused where sums must be the same every time,
        because with overlapping windows it is not.
    """
    flat = maxima.new_zeros(*maxima.shape[:2], size[0] * size[1])
    return flat.scatter(2, places.flatten(2), maxima.flatten(2)).view(*maxima.shape[:2], *size)


def from_vgg16_bn(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return what torchvision's `state` of VGG-16 with batch normalisation gives the encoder of a `model`."""
    assert isinstance(model, SegNet)
    return vgg16_state(state, model.encoder, "encoder.")


def build(*, channels: int = 3, classes: int = 11, width: float = 1.0) -> SegNet:
    """Build SegNet.

    Parameters
    ----------
    channels, classes : int
        Channels of the input and of the output.
    width : float
        Factor of all other channels.

    Returns
    -------
    SegNet
        The net.
    """
    decoder, inputs = nn.ModuleList(), scaled(512, width)
    for reference in DECODER:
        widths = [scaled(w, width) for w in reference]
        decoder.append(stage(inputs, widths, norm=True))
        inputs = widths[-1]
    decoder[-1].append(nn.Conv2d(inputs, classes, 3, padding=1))  # type: ignore[operator]
    return SegNet(vgg16(channels, width, norm=True), decoder)


def build_basic(*, channels: int = 3, classes: int = 11, width: float = 1.0, bias: bool = True) -> SegNet:
    """Build SegNet-Basic.

    Parameters
    ----------
    channels, classes : int
        Channels of the input and of the output.
    width : float
        Factor of the 64 channels.
    bias : bool
        Whether the 7×7 convolutions have biases: in the official files they have, by the paper they have not.

    Returns
    -------
    SegNet
        The net.
    """
    wide = scaled(64, width)
    layers = [convolution(n, wide, kernel=7, norm=True, bias=bias) for n in (channels, *[wide] * 7)]
    encoder = nn.ModuleList(nn.Sequential(*level) for level in layers[:4])
    decoder = nn.ModuleList(nn.Sequential(conv, norm) for conv, norm, _ in layers[4:])
    decoder[-1].append(nn.Conv2d(wide, classes, 1))  # type: ignore[operator]
    return SegNet(encoder, decoder, nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))


_SOURCE = (
    "Badrinarayanan, Kendall & Cipolla, SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image "
    "Segmentation, PAMI 39(12), 2017",
    "github.com/alexgkendall/SegNet-Tutorial",
)
_LICENCE = "Apache-2.0; the official files and weights (CC BY-NC 4.0) are not used"

CARD = Card(
    name="segnet",
    title="SegNet on VGG-16",
    source=_SOURCE,
    configuration="11 classes, convolutions with biases and batch normalisation",
    build=build,
    classes=11,
    preprocessing=IMAGENET,
    weights={"imagenet": NamedWeights("VGG16_BN_Weights.IMAGENET1K_V1", from_vgg16_bn, partial=True)},
    licence=f"{_LICENCE}; the VGG-16 weights have terms of their own, and those of ImageNet",
    notes=(
        "The published 60.1 % mean IoU on CamVid is of training on 3433 images; of the 367 it is 46.4 %.",
        "Pictures go in as torchvision's weights expect them.",
        "Batch normalisation uses running means; the official recipe counts them over the training set afterwards.",
    ),
)

CARD_BASIC = Card(
    name="segnet_basic",
    title="SegNet-Basic",
    source=_SOURCE,
    configuration="11 classes, 64 channels, 7×7 convolutions with biases",
    build=build_basic,
    classes=11,
    preprocessing=Preprocessing(high=255.0),
    licence=_LICENCE,
    notes=(
        "The paper prints 1.425 million parameters; neither with biases (1,416,587) nor without (1,416,075) it comes "
        "to that.",
        "Values go in from 0 to 255: on less the response normalisation does nothing.",
    ),
)
