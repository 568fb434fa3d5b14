"""Weights from files and by name: what fits goes in, and what does not is named."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import _api, get_weight, resnet101, vgg16, vgg16_bn
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.models.segmentation import deeplabv3_resnet101

from segbench.errors import BadParameter, EnvironmentProblem, UnknownName
from segbench.models.measure import built_on_meta
from segbench.models.table import MODELS, find_card
from segbench.models.weights import fit, initialise, read_weights
from tests.models.nets import picture, seeded
from tests.models.test_fcn import vgg_state

safetensors = pytest.importorskip("safetensors.torch")

UNET = find_card("unet")


def small(seed: int = 0, **options: Any) -> nn.Module:
    return seeded(UNET.construct, seed, **{"width": 1 / 64, "padding": "same", "norm": True, **options})


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("form", ["safetensors", "torch", "state_dict", "model", "module"])
def test_weights_go_through_a_file(form: str, tmp_path: Path) -> None:
    trained, fresh = small(1), small(2)
    state = trained.state_dict()
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        safetensors.save_file(state, path)
    elif form == "module":
        torch.save({f"module.{name}": weight for name, weight in state.items()}, path)
    else:
        torch.save(state if form == "torch" else {form: state, "epoch": 3}, path)
    assert not same(fresh.state_dict(), state)
    initialise(fresh, UNET, str(path))
    assert same(fresh.state_dict(), state)
    images = picture(1, 1, 20, 20)
    assert torch.equal(fresh(images), trained(images))


def spoilt_by(kind: str) -> dict[str, Tensor]:
    state = dict(small(1).state_dict())
    if kind == "missing":
        del state["score.weight"], state["score.bias"]
    if kind == "unknown":
        state |= {f"head.{i}": torch.zeros(1) for i in range(5)}
    if kind == "shape":
        state["score.bias"] = torch.zeros(7)
    return state


@pytest.mark.parametrize(
    "kind, found",
    [
        ("missing", "2 weights missing (score.weight, score.bias)"),
        ("unknown", "5 weights unknown (head.0, head.1, head.2 and 2 more)"),
        ("shape", "1 weight of another shape (score.bias (7,) for (2,))"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(kind: str, found: str) -> None:
    net = small(2)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    with pytest.raises(BadParameter) as caught:
        fit(net, spoilt_by(kind), "w.pt")
    assert caught.value.found == f"weights that do not fit: {found}"
    assert caught.value.expected == f"the {len(before)} weights of a UNet"
    assert caught.value.file == "w.pt"
    assert same(net.state_dict(), before)


def test_a_part_may_be_missing_or_surplus_if_it_is_asked_for() -> None:
    net = small(2)
    before = net.state_dict()["score.bias"].clone()
    assert fit(net, spoilt_by("missing"), "w", partial=True) == ["score.weight", "score.bias"]
    assert torch.equal(net.state_dict()["score.bias"], before)
    assert torch.equal(net.state_dict()["up.0.bias"], small(1).state_dict()["up.0.bias"])
    assert fit(net, spoilt_by("unknown"), "w", surplus=True) == []
    assert same(dict(net.state_dict()), dict(small(1).state_dict()))
    with pytest.raises(BadParameter, match="of another shape"):
        fit(net, spoilt_by("shape"), "w", partial=True, surplus=True)


def test_counters_of_batches_may_be_missing() -> None:
    state = {name: weight for name, weight in small(1).state_dict().items() if "num_batches" not in name}
    assert len(state) < len(small(1).state_dict())
    assert fit(small(2), state, "w") == []


class Harmful:
    """What would run when it is read by pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", ["w.pt", "w.pkl"])
def test_files_that_would_run_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "w.pt":
        torch.save({"state_dict": {"a": torch.zeros(1)}, "more": Harmful()}, name)
    else:
        Path(name).write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(BadParameter, match=f"{name}: more than weights, or none; expected the state of a model"):
        read_weights(Path(name))
    assert not Path("harm").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 64, b"PK\x03\x04" + b"\0" * 60])
def test_damaged_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadParameter) as caught:
        read_weights(path)
    assert caught.value.file == str(path) and "\n" not in caught.value.found


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_cut_files_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    state = {"a": picture(100), "b": picture(50)}
    safetensors.save_file(state, path) if name == "w.safetensors" else torch.save(state, path)
    assert same(read_weights(path), state)
    whole = path.read_bytes()
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        with pytest.raises(BadParameter):
            read_weights(path)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"a": 1.0}, torch.zeros(3)])
def test_what_is_no_state_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(BadParameter, match="that is no state; expected the state of a model"):
        read_weights(tmp_path / "w.pt")


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for name in ("w.safetensors", "w.pt"):
        with pytest.raises(BadParameter) as caught:
            read_weights(tmp_path / name)
        assert caught.value.file == str(tmp_path / name)
    with pytest.raises(
        UnknownName, match=r"no weights 'imagnet'; expected weights of fcn8s \(imagenet\), or a file; did"
    ):
        initialise(nn.Identity(), find_card("fcn8s"), "imagnet")


def test_without_a_network_the_folder_of_downloads_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(url: str, **options: object) -> dict[str, Tensor]:
        assert options == {"progress": False, "check_hash": True, "weights_only": True}
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(_api, "load_state_dict_from_url", offline)
    with pytest.raises(EnvironmentProblem) as caught:
        initialise(nn.Identity(), find_card("fcn8s"), "imagenet")
    url = "https://download.pytorch.org/models/vgg16-397923af.pth"
    assert caught.value.found == f"{url} cannot be downloaded: <urlopen error no route to host>"
    assert caught.value.mend == f"download it elsewhere, and put it into {tmp_path / 'hub' / 'checkpoints'}"


def test_weights_by_name_fill_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    state, card = vgg_state(64), find_card("fcn16s")
    monkeypatch.setattr(_api, "load_state_dict_from_url", lambda url, **options: state)
    net = seeded(card.construct, width=1 / 64)
    kernel = net.state_dict()["up_score.weight"].clone()
    initialise(net, card, "imagenet")
    assert torch.equal(net.state_dict()["stages.0.0.weight"], state["features.0.weight"])
    assert torch.equal(net.state_dict()["fc7.bias"], state["classifier.3.bias"])
    assert torch.equal(net.state_dict()["up_score.weight"], kernel)


#: The nets of torchvision whose weights go by name.
REAL = {
    "VGG16_Weights.IMAGENET1K_V1": lambda: vgg16(weights=None),
    "VGG16_BN_Weights.IMAGENET1K_V1": lambda: vgg16_bn(weights=None),
    "ResNet101_Weights.IMAGENET1K_V1": lambda: resnet101(weights=None),
    "DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1": lambda: deeplabv3_resnet101(
        weights=None, weights_backbone=None, aux_loss=True
    ),
    "MaskRCNN_ResNet50_FPN_Weights.COCO_V1": lambda: maskrcnn_resnet50_fpn(weights=None, weights_backbone=None),
}


@pytest.mark.filterwarnings("ignore:.*no-op:UserWarning")
@pytest.mark.parametrize("name", [name for name in MODELS if find_card(name).weights])
def test_weights_by_name_fit_the_reference_configuration(name: str) -> None:
    """Their shapes, on the meta device: nothing is downloaded."""
    card = find_card(name)
    for named in card.weights.values():
        assert get_weight(named.torchvision).url.startswith("https://")
        with torch.device("meta"):
            state = REAL[named.torchvision]().state_dict()
        model = built_on_meta(card, **({"frozen": True} if name == "mask_rcnn" else {}))
        if name == "mask_rcnn":
            state = {key: weight for key, weight in state.items() if "num_batches" not in key}
        adopted = named.adopt(state, model) if named.adopt else state
        missing = fit(model, adopted, name, partial=named.partial)
        assert bool(missing) == named.partial
        assert not any(key.startswith(("stages", "encoder", "fc6", "fc7", "backbone")) for key in missing)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_files_with_any_byte_changed_are_read_or_refused(name: str, tmp_path: Path) -> None:
    state = {"layer.weight": torch.ones(2, 3), "layer.bias": torch.zeros(2)}
    if name.endswith(".pt"):
        # The older form, which is a pickle without an archive around it.
        torch.save(state, tmp_path / "whole", _use_new_zipfile_serialization=False)
    else:
        safetensors.save_file(state, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        for place in rng.integers(0, min(len(data), 600), 3):
            data[place] = rng.integers(0, 256)
        (tmp_path / name).write_bytes(data)
        try:
            read_weights(tmp_path / name)
        except BadParameter:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 cut"])
def test_a_damaged_download_is_named(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub/checkpoints/vgg16-397923af.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(EnvironmentProblem, match=r"damaged, or another file: .*; remove it") as caught:
        initialise(nn.Identity(), find_card("fcn8s"), "imagenet")
    assert caught.value.file == str(path)
