"""What is known of a model beside its layers: how it is built, where it comes from, what goes in and comes out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from segbench.errors import BadParameter, ShapeMismatch, did_you_mean
from segbench.frozen import dataclass
from segbench.late import late

if TYPE_CHECKING:
    from torch import Tensor, nn

# Whoever only lists models needs no torch.
_told = late("segbench.models.failures:told")

#: Weights of red, green and blue in a grey picture: ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes what a model takes: (value · high / 255 − mean) / std.

    Parameters
    ----------
    mean, std : tuple of float
        One number for each channel in the order of the channels, or one for all; grey pictures get the mean of three.
    high : float
        What an 8-bit 255 becomes before that: 1 or 255.
    order : {'RGB', 'BGR'}
        Order of three channels.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    high: float = 1.0
    order: Literal["RGB", "BGR"] = "RGB"

    def apply(self, picture: NDArray[np.uint8], channels: int = 3) -> NDArray[np.float32]:
        """Prepare a picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width, 3) or (height, width)
            RGB or grey.
        channels : int
            Channels that the model takes: 3, or 1 for grey.

        Returns
        -------
        ndarray of float32, shape (channels, height, width)
            What goes into the model.

        Raises
        ------
        ShapeMismatch
            For an array that is no picture.
        BadParameter
            For another number of channels.
        """
        if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
            raise ShapeMismatch(f"a picture of shape {picture.shape}", expected="(height, width, 3) or (height, width)")
        if channels not in (1, 3):
            raise BadParameter(f"{channels} channels", expected="3, or 1 for grey")
        values = _grey(picture) if channels == 1 else _coloured(picture, self.order)
        mean, std = (_for_channels(numbers, channels) for numbers in (self.mean, self.std))
        prepared: NDArray[np.float32] = ((values * (self.high / 255) - mean) / std).astype(np.float32)
        return prepared


def _for_channels(numbers: tuple[float, ...], channels: int) -> NDArray[np.float64]:
    values = np.asarray(numbers, np.float64)
    return (values if channels == 3 else values.mean(keepdims=True))[:, None, None]


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey: NDArray[np.float64] = picture @ _LUMA if picture.ndim == 3 else picture.astype(np.float64)
    return grey[None]


def _coloured(picture: NDArray[np.uint8], order: str) -> NDArray[np.float64]:
    colours = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    planes = np.moveaxis(colours, -1, 0).astype(np.float64)
    return planes if order == "RGB" else planes[::-1]


#: What nets take whose weights come from torchvision's training on ImageNet.
IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True)
class NamedWeights:
    """Weights that torchvision knows by name.

    Parameters
    ----------
    torchvision : str
        Their name there, as ``VGG16_Weights.IMAGENET1K_V1``.
    adopt : callable, optional
        Makes of them, and of the model, the model's own state, or a part of it.
    partial : bool
        Whether they fill a part only, and the rest of the model stays fresh.
    """

    torchvision: str
    adopt: Callable[[Mapping[str, Tensor], nn.Module], Mapping[str, Tensor]] | None = None
    partial: bool = False


@dataclass(frozen=True)
class Card:
    """What is known of a model.

    Parameters
    ----------
    name : str
        What it is called on the command line.
    title : str
        One line.
    source : tuple of str
        The paper, and the official code where there is some.
    configuration : str
        What `build` makes without options: the reference configuration.
    build : callable
        Makes the model, with fresh weights; takes `classes` and the model's own options as keywords.
    classes : int
        Classes of the reference configuration.
    channels : int
        Channels of its input.
    task : {'semantic', 'instances'}
        Logits of classes, or masks of instances.
    preprocessing : Preprocessing
        What it expects of a picture.
    output_stride : int
        Pixels of the input for each logit; 1 for logits of the size of the input.
    align_corners : bool
        How smaller logits are enlarged: the centres of the corner pixels coincide, or the corners do.
    valid : bool
        Whether convolutions are unpadded, so that the logits lack a margin.
    weights : mapping of str to NamedWeights
        Weights that can be had by name.
    licence : str
        Of the code, and of weights by name.
    notes : tuple of str
        What differs from the source, and traps.
    """

    name: str
    title: str
    source: tuple[str, ...]
    configuration: str
    build: Callable[..., nn.Module]
    classes: int
    channels: int = 3
    task: Literal["semantic", "instances"] = "semantic"
    preprocessing: Preprocessing = Preprocessing()
    output_stride: int = 1
    align_corners: bool = False
    valid: bool = False
    weights: Mapping[str, NamedWeights] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options of `build` with their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}

    def construct(self, **options: Any) -> nn.Module:
        """Build the model.

        Parameters
        ----------
        **options : object
            Options of `build` that differ from the reference configuration.

        Returns
        -------
        torch.nn.Module
            The model, with fresh weights.

        Raises
        ------
        BadParameter
            For an option that it does not have, or a value of which it cannot be built.
        """
        kinds = [p.kind for p in inspect.signature(self.build).parameters.values()]
        if unknown := [] if inspect.Parameter.VAR_KEYWORD in kinds else sorted(options.keys() - self.options.keys()):
            raise BadParameter(
                f"option {unknown[0]!r} of model {self.name!r}",
                expected=f"one of {', '.join(self.options)}",
                mend=did_you_mean(unknown[0], self.options),
            )
        given = ", ".join(f"{name}={value!r}" for name, value in options.items()) or "no options"

        def refused(raised: str) -> BadParameter:
            found = f"model {self.name} cannot be built with {given}: {raised}"
            return BadParameter(found, expected="values that its layers can have")

        with _told(refused):
            return self.build(**options)
