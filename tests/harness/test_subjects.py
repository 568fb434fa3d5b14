"""What is run, as the command line names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segbench.errors import BadParameter, DatasetError, SegbenchError, UnknownName
from segbench.harness.subjects import RULES, read_subject, read_subjects, reference_of, split_list
from segbench.models.trained import DESCRIPTION, WEIGHTS, Trained, describe
from tests.harness.nets import PLACE, digest, net


def training(folder: Path, name: str = "unet") -> Path:
    """Write what a training leaves."""
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(folder.name.encode())
    told = Trained(name, "unet_half", {"classes": 3, "norm": True}, "shapes@1", "train", 240, 12, 3, (30, 40))
    describe(told, folder)
    return folder


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (" a , b ", ["a", "b"]),
        ("unet(width=0.5,norm=true)@w.pt,b", ["unet(width=0.5,norm=true)@w.pt", "b"]),
        ("u(x=[1,2],y={z=1,w=2}),b", ["u(x=[1,2],y={z=1,w=2})", "b"]),
        ("u(x='a,)b'),c", ["u(x='a,)b')", "c"]),
        ('u(x="(,"),c', ['u(x="(,")', "c"]),
        ("it's,b", ["it's", "b"]),
    ],
)
def test_lists(text: str, parts: list[str]) -> None:
    assert list(split_list(text)) == parts


def test_rules() -> None:
    for name in RULES:
        subject = read_subject(name)
        assert (subject.name, subject.model, subject.identity) == (name, name, f"rule:{name}")
        assert subject.is_rule


def test_a_model_with_options_and_a_file(pt: Path) -> None:
    subject = read_subject(f"unet_half(width=0.25,norm=true)@{pt}")
    assert (subject.name, subject.model, subject.weights) == ("unet_half", "unet_half", str(pt))
    assert subject.options == {"width": 0.25, "norm": True} and not subject.is_rule
    assert (subject.identity, subject.resize, subject.trained_on) == (digest(pt), (), "")


def test_a_card_of_ones_own(pt: Path) -> None:
    subject = read_subject(net(pt, answer="a,)b@c"))
    assert (subject.name, subject.model, subject.options) == ("plain", PLACE, {"answer": "a,)b@c"})
    told = subject.as_model()
    assert (told.name, told.model, told.weights, told.options) == ("plain", PLACE, digest(pt), subject.options)


def test_weights_by_name() -> None:
    """Named in full, and alone where there is one kind only; the file is loaded later."""
    named, alone = read_subject("deeplab_v3@coco_voc"), read_subject("mask_rcnn")
    # The others of this one fill a part only.
    assert read_subject("deeplab_v3") == named
    assert named.weights == "coco_voc" and named.identity.startswith("torchvision:DeepLabV3_ResNet101_Weights.")
    assert alone.weights and alone.identity.startswith("torchvision:MaskRCNN_ResNet50_FPN_")


def test_the_folder_of_a_training(tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    subject = read_subject(str(folder))
    assert (subject.name, subject.model, subject.resize) == ("unet", "unet_half", (30, 40))
    assert subject.options == {"classes": 3, "norm": True}
    assert (subject.weights, subject.identity) == (str(folder / WEIGHTS), digest(folder / WEIGHTS))
    assert subject.trained_on == "shapes@1, train"


def test_repeated_names_are_numbered(pt: Path) -> None:
    text = f"majority,{net(pt)}"
    found = read_subjects((text, text, "majority"))
    assert [subject.name for subject in found] == ["majority", "plain", "majority-2", "plain-2", "majority-3"]
    assert [subject.model for subject in found] == ["majority", PLACE, "majority", PLACE, "majority"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # A name that only begins like another one is its own.
        (("unet-wide", "unet"), ["unet-wide", "unet"]),
        # A number that somebody has already is passed over.
        (("unet-2", "unet", "unet"), ["unet-2", "unet", "unet-3"]),
        (("unet", "unet", "unet-2"), ["unet", "unet-2", "unet-2-2"]),
    ],
)
def test_numbers_do_not_meet_names(names: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    folders = tuple(str(training(tmp_path / f"run{i}", name)) for i, name in enumerate(names))
    assert [subject.name for subject in read_subjects(folders)] == expected


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("majorty", UnknownName, "did you mean 'majority'"),
        ("unet_hal(width=0.5)@x", UnknownName, "did you mean 'unet_half'"),
        ("nothing_like_it", UnknownName, "no model 'nothing_like_it'; expected one of unet, "),
        ("", SegbenchError, ""),
        ("unet_half", BadParameter, "unet_half without weights; expected unet_half@FILE, or the folder"),
        ("unet_half()", BadParameter, "without weights"),
        ("deeplab_v3_multigrid", BadParameter, "without weights"),
        ("unet_half@nowhere.pt", UnknownName, "no weights 'nowhere.pt': No such file"),
        ("unet_half(width)@x", BadParameter, "options as in TOML"),
        ("unet_half(width=)@x", BadParameter, "options as in TOML"),
        ("unet_half(width=1,width=2)@x", BadParameter, "options as in TOML"),
        ("unet_half(width=1", UnknownName, "no model"),
        ("no.such.package:CARD@x", BadParameter, "no.such.package"),
        ("tests.harness.nets:NONE@x", BadParameter, "NONE"),
        ("tests.harness.nets:MARK@x", BadParameter, "tuple"),
    ],
)
def test_what_is_wrong_is_told(text: str, error: type[SegbenchError], words: str) -> None:
    with pytest.raises(error) as caught:
        read_subjects((text,))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_of_an_unfinished_training(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match=f"no training that has ended; expected a folder with {DESCRIPTION}"):
        read_subject(str(tmp_path))


def test_weights_that_were_changed(tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    (folder / WEIGHTS).write_bytes(b"other")
    with pytest.raises(DatasetError, match=rf"{WEIGHTS}: weights with the SHA-256 .*, as {DESCRIPTION} says"):
        read_subject(str(folder))
    (folder / WEIGHTS).unlink()
    with pytest.raises(DatasetError, match="No such file"):
        read_subject(str(folder))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"name": 3}', "null", "[" * 9999])
def test_a_damaged_description(content: str, tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    (folder / DESCRIPTION).write_text(content)
    with pytest.raises(BadParameter, match=r"model\.json"):
        read_subject(str(folder))


def test_a_description_with_more_than_it_may_have(tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    told = json.loads((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(json.dumps(told | {"colour": "red"}))
    with pytest.raises(BadParameter, match="colour"):
        read_subject(str(folder))


@pytest.mark.parametrize("size", [[1, 2, 3], [0, 5], [-4, 5], [10**7, 10**7]])
def test_a_description_with_a_size_that_cannot_be(size: list[int], tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    told = json.loads((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(json.dumps(told | {"resize": size}))
    with pytest.raises(BadParameter, match=r"model\.json.*resize = "):
        read_subject(str(folder))


def test_no_file_says_which_code_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = training(tmp_path / "run")
    (tmp_path / "payload.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    told = json.loads((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(json.dumps(told | {"model": "payload:CARD"}))
    named = reference_of("payload:CARD", folder)
    with pytest.raises(BadParameter, match=f"model of one's own, payload:CARD; .* if you trust its code: {named}$"):
        read_subject(str(folder))
    assert not (tmp_path / "ran").exists()


def test_a_training_behind_its_card(tmp_path: Path) -> None:
    folder = training(tmp_path / "run")
    assert read_subject(f"unet_half@{folder}") == read_subject(str(folder))
    assert (reference_of("unet_half", folder), reference_of(PLACE, folder)) == (str(folder), f"{PLACE}@{folder}")
    told = json.loads((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(json.dumps(told | {"model": PLACE, "name": "own"}))
    own = read_subject(reference_of(PLACE, folder))
    assert (own.name, own.model, own.resize, own.trained_on) == ("own", PLACE, (30, 40), "shapes@1, train")
    with pytest.raises(BadParameter, match=f"weights of {PLACE}; expected those of unet"):
        read_subject(f"unet@{folder}")
    with pytest.raises(BadParameter, match="options beside a training"):
        read_subject(f"{PLACE}(side=3)@{folder}")
