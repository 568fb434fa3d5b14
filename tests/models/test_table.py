"""The models by name, cards of strangers, and what is counted of both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segbench.errors import BadParameter, MissingPackage, UnknownName
from segbench.models.measure import built_on_meta, measure
from segbench.models.table import MODELS, find_card

#: Parameters of the reference configurations, and those that are trained: the tests of each model derive them.
SIZES = {
    "unet": (31_030_658, 31_030_658),
    "unet_half": (7_759_554, 7_759_554),
    "fcn32s": (136_152_917, 134_346_581),
    "fcn16s": (134_815_994, 134_357_354),
    "fcn8s": (134_489_759, 134_362_751),
    "deeplab_largefov": (20_505_429, 20_505_429),
    "deeplab_v3": (58_630_997, 58_630_997),
    "deeplab_v3_multigrid": (58_630_997, 58_630_997),
    "segnet": (29_449_355, 29_449_355),
    "segnet_basic": (1_416_587, 1_416_587),
    "mask_rcnn": (44_454_513, 44_454_513),
}

STRANGER = """
from torch import nn
from segbench.models.card import Card

def build(*, classes=3, **options):
    return nn.Sequential(nn.Conv2d(3, classes, 1), nn.Conv2d(classes, classes, 1).requires_grad_(False))

CARD = Card("mine", "My net", ("none",), "three classes", build, classes=3)
NUMBER = 7
"""


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1.0)

#: What an image is made before a net sees it (mean, deviation, the value of 255), at how many pixels its cells lie,
#: whether corners are aligned, and whether it has no padding.
CONVENTIONS = {
    "unet": ((0.5,), (0.5,), 1.0, 1, False, True),
    "unet_half": ((0.5,), (0.5,), 1.0, 1, False, False),
    "fcn32s": (*IMAGENET, 1, False, False),
    "fcn16s": (*IMAGENET, 1, False, False),
    "fcn8s": (*IMAGENET, 1, False, False),
    "deeplab_largefov": (*IMAGENET, 8, True, False),
    "deeplab_v3": (*IMAGENET, 1, False, False),
    "deeplab_v3_multigrid": (*IMAGENET, 1, False, False),
    "segnet": (*IMAGENET, 1, False, False),
    "segnet_basic": ((0.0,), (1.0,), 255.0, 1, False, False),
    "mask_rcnn": ((0.0,), (1.0,), 1.0, 1, False, False),
}


@pytest.mark.parametrize("name", MODELS)
def test_conventions(name: str) -> None:
    card = find_card(name)
    seen = card.preprocessing
    told = (seen.mean, seen.std, seen.high, card.output_stride, card.align_corners, card.valid)
    assert told == CONVENTIONS[name] and seen.order == "RGB"


def test_every_model_has_its_size() -> None:
    found = {name: measure(find_card(name)) for name in MODELS}
    assert {name: (size.parameters, size.trainable) for name, size in found.items()} == SIZES


@pytest.mark.parametrize("name", MODELS)
def test_the_table_says_what_the_card_says(name: str) -> None:
    card = find_card(name)
    assert (card.name, card.title) == (name, MODELS[name][1])
    assert card.source and card.configuration and card.licence and card.notes
    assert measure(card).configuration == card.configuration
    assert {"classes"} <= card.options.keys() and card.options["classes"] == card.classes
    assert card.options.get("channels", card.channels) == card.channels


@pytest.mark.parametrize("name", MODELS)
def test_the_reference_configuration_says_its_classes(name: str) -> None:
    card = find_card(name)
    assert f"{card.classes} classes" in card.configuration


@pytest.mark.parametrize("name", MODELS)
def test_a_narrower_model_is_smaller(name: str) -> None:
    narrow = sum(parameter.numel() for parameter in built_on_meta(find_card(name), width=0.1).parameters())
    # Nearly with the square of the width.
    assert narrow < SIZES[name][0] / 20


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"no model 'unett'; expected one of unet, .*; did you mean 'unet'\?"):
        find_card("unett")


def test_unknown_options_are_refused() -> None:
    with pytest.raises(BadParameter, match=r"option 'widht' of model 'unet'; expected one of .*did you mean 'width'\?"):
        find_card("unet").construct(widht=0.5)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_nets.py").write_text(STRANGER, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    return "my_nets"


def test_cards_of_strangers_are_found(stranger: str) -> None:
    card = find_card(f"{stranger}:CARD")
    size = measure(card)
    # 3 · 3 + 3 of the first layer are trained, 3 · 3 + 3 of the second are not.
    assert (size.name, size.parameters, size.trainable) == ("mine", 24, 12)
    # It takes any option: it says so.
    assert card.construct(classes=3, anything=1) is not None


@pytest.mark.parametrize(
    "name, found",
    [
        ("my_nets:NOTHING", "AttributeError: module 'my_nets' has no attribute 'NOTHING'"),
        ("my_nets:NUMBER", "a int"),
        ("no_such_package.nets:CARD", "No module named 'no_such_package'"),
        (":CARD", "ValueError: Empty module name"),
    ],
)
def test_what_is_no_card_is_refused(stranger: str, name: str, found: str) -> None:
    with pytest.raises(BadParameter) as caught:
        find_card(name)
    assert caught.value.found == f"model {name}: {found}"
    assert caught.value.expected == "package.module:NAME of a segbench.models.card.Card"


def test_a_stranger_that_breaks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_nets.py").write_text("1 / 0", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadParameter, match="model broken_nets:CARD: ZeroDivisionError: division by zero"):
        find_card("broken_nets:CARD")


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("segbench.models.") and "table" not in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPackage, match=r"'torch' is not installed; run: pip install 'segbench\[run\]'"):
        find_card("unet")


@pytest.mark.parametrize("module", ["segbench.models.table", "segbench.models.card"])
def test_lists_need_no_torch(module: str) -> None:
    code = f"import sys; sys.modules['torch'] = None; import {module}; assert 'torchvision' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
