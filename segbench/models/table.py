"""The models by name. Their modules, which need torch, are read when a model is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from segbench.errors import BadParameter, MissingPackage, UnknownName, did_you_mean

if TYPE_CHECKING:
    from segbench.models.card import Card

#: Name, home of the card, and the title that lists show.
MODELS: Mapping[str, tuple[str, str]] = {
    "unet": ("segbench.models.unet:CARD", "U-Net, unpadded, for overlapping tiles"),
    "unet_half": ("segbench.models.unet:CARD_HALF", "U-Net, padded, half as wide"),
    "fcn32s": ("segbench.models.fcn:CARD_32S", "FCN-32s on VGG-16"),
    "fcn16s": ("segbench.models.fcn:CARD_16S", "FCN-16s on VGG-16"),
    "fcn8s": ("segbench.models.fcn:CARD_8S", "FCN-8s on VGG-16"),
    "deeplab_largefov": ("segbench.models.deeplab_largefov:CARD", "DeepLab v1, LargeFOV, on VGG-16"),
    "deeplab_v3": ("segbench.models.deeplab_v3:CARD", "DeepLab v3 on ResNet-101, as torchvision has it"),
    "deeplab_v3_multigrid": ("segbench.models.deeplab_v3:CARD_MULTIGRID", "DeepLab v3 on ResNet-101, multi-grid"),
    "segnet": ("segbench.models.segnet:CARD", "SegNet on VGG-16"),
    "segnet_basic": ("segbench.models.segnet:CARD_BASIC", "SegNet-Basic"),
    "mask_rcnn": ("segbench.models.mask_rcnn:CARD", "Mask R-CNN on ResNet-50 with FPN, as torchvision has it"),
}

#: What the extra `run` installs.
_EXTRA = ("torch", "torchvision", "safetensors")


def find_card(name: str) -> Card:
    """Find a model.

    Parameters
    ----------
    name : str
        A name of `MODELS`, or ``package.module:NAME`` of a card of one's own.

    Returns
    -------
    Card
        Its card.

    Raises
    ------
    UnknownName
        For a name that is neither.
    BadParameter
        When a card of one's own cannot be imported, or is none.
    MissingPackage
        When torch or torchvision is not installed.
    """
    if name in MODELS:
        return _imported(MODELS[name][0])
    if ":" not in name:
        expected = f"one of {', '.join(MODELS)}, or package.module:CARD"
        raise UnknownName(f"no model {name!r}", expected=expected, mend=did_you_mean(name, MODELS))
    return _imported(name)


def _imported(where: str) -> Card:
    module, _, attribute = where.partition(":")
    try:
        card = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name in _EXTRA:
            raise MissingPackage(
                f"the package {error.name!r} is not installed", mend="run: pip install 'segbench[run]'"
            ) from error
        raise _no_card(where, str(error), "put the folder of its package on PYTHONPATH, or install it") from error
    except Exception as error:  # what a stranger's module does when it is imported is anybody's guess
        raise _no_card(where, f"{type(error).__name__}: {error}") from error
    # By its fields: to import the class here would take longer than to list the models.
    if not all(hasattr(card, name) for name in ("name", "build", "construct", "configuration", "preprocessing")):
        raise _no_card(where, f"a {type(card).__name__}")
    found: Card = card
    return found


def _no_card(where: str, found: str, mend: str = "") -> BadParameter:
    expected = "package.module:NAME of a segbench.models.card.Card"
    return BadParameter(f"model {where}: {found}", expected=expected, mend=mend)
