"""Protocols are data: what comes with segbench is sound, and complaints about a file of one's own say where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segbench.datasets import shapes
from segbench.errors import BadParameter, UnknownName
from segbench.metrics.table import METRICS
from segbench.protocols.load import DATA, load_protocol, protocol_names, read_protocol
from segbench.protocols.protocol import Protocol

NAMES = sorted(set(protocol_names().values()))
DIGESTS = json.loads((Path(__file__).parent / "digests.json").read_text("utf-8"))

OWN = """
name = "own"
version = 3
title = "A data set of one's own"
metrics = ["mean_iou", "mean_iou(pool=image)"]
default_split = "all"
classes = [{ id = 1, name = "cat" }, { id = 2, name = "dog" }]
[policies]
absent = "zero"
[splits]
all = 0
[layout]
truth = "labels/{key}.png"
[[void]]
id = 0
"""


def own(tmp_path: Path, old: str = "", new: str = "") -> Protocol:
    assert old in OWN
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new) if old else OWN, "utf-8")
    return load_protocol(str(path))


@pytest.mark.parametrize("name", NAMES)
def test_every_protocol_reads(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name == (DATA / f"{name}.toml").stem
    assert protocol.source
    assert protocol.default_split in protocol.splits
    assert protocol.primary in {protocol.key(metric) for metric in protocol.metrics}


@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_rules_raises_the_version(name: str) -> None:
    protocol = load_protocol(name)
    assert DIGESTS.get(protocol.identity) == protocol.digest(), (
        f"classes, void or metrics of {name} changed: raise its version, "
        f'then add "{protocol.identity}": "{protocol.digest()}" to digests.json'
    )


COLORED = OWN.replace("truth =", 'values = "colors"\ntruth =').replace("id = 0", "id = 0\ncolor = [1, 2, 3]")
NAMED = OWN.replace("[policies]", '[keys]\nall = ["a_*", "b"]\n[policies]')


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (OWN, 'name = "dog"', 'name = "wolf"'),
        (OWN, "truth =", 'values = "colors"\ntruth ='),
        (COLORED, "[1, 2, 3]", "[3, 2, 1]"),
        (COLORED, "color = [1, 2, 3]", ""),
        (NAMED, "a_*", "c_*"),
        (NAMED, '"a_*", "b"', '"a_*"'),
        (NAMED, '[keys]\nall = ["a_*", "b"]\n', ""),
    ],
)
def test_the_digest_covers_what_decides_a_score(tmp_path: Path, text: str, old: str, new: str) -> None:
    assert old in text
    digests = []
    for i, content in enumerate((text, text.replace(old, new))):
        (tmp_path / f"{i}.toml").write_text(content, "utf-8")
        digests.append(load_protocol(str(tmp_path / f"{i}.toml")).digest())
    assert digests[0] != digests[1]


def test_the_colour_of_void_decides_nothing_where_the_truth_holds_ids(tmp_path: Path) -> None:
    assert own(tmp_path).digest() == own(tmp_path, "id = 0", "id = 0\ncolor = [1, 2, 3]").digest()


def test_aliases_mean_the_same() -> None:
    assert load_protocol("voc") == load_protocol("voc2012")


def test_shapes_has_the_classes_it_draws() -> None:
    protocol = load_protocol("shapes")
    assert protocol.space.names == shapes.CLASSES
    assert protocol.space.void == (shapes.VOID,)
    assert dict(protocol.splits) == shapes.SPLITS
    assert [c.color for c in protocol.space.classes] == [
        tuple(c) for c in shapes.palette()[: len(shapes.CLASSES)].tolist()
    ]


def test_the_voc_colours_follow_the_rule() -> None:
    for c in load_protocol("voc").space.classes:
        bits = [sum((c.id >> (3 * j + channel) & 1) << (7 - j) for j in range(3)) for channel in range(3)]
        assert c.color == tuple(bits)


def test_an_unknown_name_suggests_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'voc2012'"):
        load_protocol("vco2012")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    protocol = own(tmp_path)
    assert protocol.identity == "own@3"
    assert protocol.space.names == ("cat", "dog")
    assert [protocol.key(metric) for metric in protocol.metrics] == ["mean_iou", "mean_iou(pool=image)"]
    assert protocol.key(protocol.metric("mean_iou(pool=image)")) == "mean_iou(pool=image)"
    assert protocol.metric("mean_dice").absent == "zero"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("version = 3", "version = 'three'", "table (top), key version"),
        ("version = 3", "", "version"),
        ('name = "dog"', 'nam = "dog"', "table classes entry 2, key nam: no such key"),
        ("id = 2", "id = 1", "table classes, keys id and name"),
        ("id = 2", "id = 2.5", "table classes entry 2, key id"),
        ("id = 0", "id = 1", "table classes, keys id and name"),
        ("absent =", "absnt =", "table policies, key absnt"),
        ('"zero"', '"zeor"', "key metrics entry 1: mean_iou: absent=zeor"),
        ("mean_iou(pool=image)", "mean_iou(pol=image)", "key metrics entry 2"),
        ('"mean_iou"', '"mean_uio"', "key metrics entry 1: no metric 'mean_uio'"),
        ("{key}", "key", "table layout, key truth"),
        ("truth =", "truht =", "table layout, key truht"),
        ('"all"', '"val"', "table (top), key default_split"),
        ("title", "titel", "key titel"),
        ("[layout]", "[layout", "no TOML"),
        ("[[void]]", "primary = 'mean_dice'\n[[void]]", "key primary"),
        ("version = 3", 'version = 3\nkind = "level"', "table (top), key kind"),
        (
            "version = 3",
            'version = 3\nkind = "levels"',
            "key metrics entry 1: metric mean_iou on own, whose predictions are levels; expected auc | ",
        ),
    ],
)
def test_a_complaint_names_file_table_and_key(tmp_path: Path, old: str, new: str, where: str) -> None:
    with pytest.raises(BadParameter) as caught:
        own(tmp_path, old, new)
    assert caught.value.file == "own.toml"
    assert where in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="cannot be read"):
        read_protocol(tmp_path / "none.toml")


#: The families of metrics that judge each kind of prediction.
KINDS = {
    "labels": {"confusion", "instances", "contour", "trimap", "surface"},
    "levels": {"levels"},
    "membranes": {"membrane"},
    "multilabel": {"multilabel"},
    "video": {"video"},
    "volumes": {"confusion", "surface"},
    "instances": {"detection"},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_protocol_takes_the_metrics_of_its_kind_and_no_other(name: str) -> None:
    protocol = load_protocol(name)
    families = KINDS[protocol.kind]
    fitting = [metric for metric, cls in METRICS.items() if cls.family in families]
    assert {metric.name for metric in protocol.metrics} <= set(fitting)
    for metric in METRICS:
        if name == "voc-sds" and getattr(METRICS[metric](), "area", "all") != "all":
            # Its rules know no sizes.
            with pytest.raises(BadParameter, match="rules=sds"):
                protocol.metric(metric)
            continue
        if metric in fitting:
            assert protocol.metric(metric).name == metric
            continue
        with pytest.raises(BadParameter) as caught:
            protocol.metric(metric)
        assert caught.value.found == f"metric {metric} on {name}, whose predictions are {protocol.kind}"
        assert caught.value.expected == " | ".join(fitting)


def test_every_kind_is_there() -> None:
    # Classes that overlap are for protocols of one's own: no data set here has them.
    assert {load_protocol(name).kind for name in NAMES} == set(KINDS) - {"multilabel"}
    assert {cls.family for cls in METRICS.values()} == set().union(*KINDS.values())
