"""The table [pack]: what comes with segbench is sound, and complaints say which key is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from segbench.errors import BadParameter
from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.packing import SUFFIXES, Packing
from segbench.protocols.protocol import Protocol

PACKED = sorted(name for name in set(protocol_names().values()) if load_protocol(name).pack)

OWN = """
name = "own"
version = 1
title = "A data set of one's own"
metrics = ["mean_iou"]
default_split = "all"
classes = [{ id = 1, name = "cat" }]
[pack]
container = "zip"
holds = "ids"
name = "labels/{key}.png"
[splits]
all = 0
[layout]
truth = "labels/{key}.png"
"""


def own(tmp_path: Path, old: str, new: str) -> Protocol:
    assert old in OWN
    (tmp_path / "own.toml").write_text(OWN.replace(old, new), "utf-8")
    return load_protocol(str(tmp_path / "own.toml"))


@pytest.mark.parametrize("name", PACKED)
def test_each_form_says_the_same_to_people(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.packing
    assert protocol.pack is not None and protocol.pack.check() is protocol.pack
    assert not protocol.pack.file or protocol.pack.file.endswith(SUFFIXES[protocol.pack.container])
    assert all(layout.images or protocol.pack.images for layout in protocol.layouts)


@pytest.mark.parametrize("name", sorted(set(protocol_names().values()) - set(PACKED)))
def test_who_has_no_form_says_nothing_to_people(name: str) -> None:
    assert not load_protocol(name).packing


def test_a_form_of_ones_own(tmp_path: Path) -> None:
    pack = own(tmp_path, "zip", "tgz").pack
    assert pack == Packing("tgz", "ids", "labels/{key}.png")
    assert pack.member("a", split="all", task="") == "labels/a.png"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"zip"', '"rar"', "table pack, key container"),
        ('"zip"', '"tif"', "table pack, key holds"),
        ('holds = "ids"', "", "holds"),
        ('holds = "ids"', 'hold = "ids"', "table pack, key hold: no such key"),
        ('holds = "ids"', 'holds = "levles"', "table pack, key holds"),
        ('holds = "ids"', 'holds = "birdseye"', "table pack, key calibration"),
        ('holds = "ids"', 'holds = "colors"', "class 'cat' has none"),
        ("labels/{key}.png\"\n[splits]", "labels/key.png\"\n[splits]", "table pack, key name"),
        ("labels/{key}.png\"\n[splits]", "{task}/{key}.png\"\n[splits]", "table pack, key tasks"),
        ('holds = "ids"', 'holds = "ids"\ntasks = ["one"]', "table pack, key tasks"),
        ('holds = "ids"', 'holds = "ids"\nsplit = "test"', "table pack, key split"),
        ('holds = "ids"', 'holds = "ids"\nimages = "images/"', "table pack, key images"),
    ],
)  # fmt: skip
def test_a_complaint_names_the_key(tmp_path: Path, old: str, new: str, where: str) -> None:
    with pytest.raises(BadParameter) as caught:
        own(tmp_path, old, new)
    assert where in str(caught.value)


def test_a_split_without_truth_needs_its_number_of_images(tmp_path: Path) -> None:
    pack = own(tmp_path, 'holds = "ids"', 'holds = "ids"\nsplit = "test"\nfiles = 7').pack
    assert pack is not None and (pack.split, pack.files) == ("test", 7)


def test_tasks() -> None:
    voc, lip = load_protocol("voc").pack, load_protocol("lip").pack
    assert voc is not None and lip is not None
    assert [voc.choose_task(task) for task in (None, "comp5")] == ["comp6", "comp5"]
    assert lip.choose_task(None) == ""
    with pytest.raises(BadParameter, match=r"comp6 \| comp5"):
        voc.choose_task("")
