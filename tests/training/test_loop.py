"""Training: the same bytes however often it is stopped, on one process or several."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from segbench.errors import (  # noqa: E402
    BadParameter,
    DatasetError,
    OutputProblem,
    ResourceError,
    ShapeMismatch,
    SubmissionError,
    UnknownName,
    UsageError,
)
from segbench.training import checkpoints  # noqa: E402
from segbench.training.loop import CHECKPOINT, HISTORY, WEIGHTS, Training  # noqa: E402
from segbench.training.recipes import read_recipe  # noqa: E402
from tests.conftest import CHECKOUT, CommandLine  # noqa: E402
from tests.training.tiny import STAGE, Tiny, build, recipe  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(path: Path, folder: Path, root: Path, stop_after: int = 0) -> dict[str, bytes]:
    """Train, or stop after some steps as Ctrl-C would."""

    def told(done: int, total: int, row: Mapping[str, Any]) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    Training(read_recipe(path), folder, {"shapes": root}, progress=told).run()
    return {name: (folder / name).read_bytes() for name in (WEIGHTS, HISTORY)}


def history(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[HISTORY].splitlines()]


@pytest.fixture
def whole(tmp_path: Path, shapes_root: Path) -> dict[str, bytes]:
    return trained(recipe(tmp_path), tmp_path / "whole", shapes_root)


@pytest.mark.parametrize("stops", [(1,), (5,), (7,), (3, 6, 11)])
def test_resumed_is_uninterrupted(
    tmp_path: Path, shapes_root: Path, whole: dict[str, bytes], stops: tuple[int, ...]
) -> None:
    path = recipe(tmp_path)
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            trained(path, tmp_path / "parts", shapes_root, stop)
    assert trained(path, tmp_path / "parts", shapes_root) == whole


def test_training_twice_gives_the_same_and_another_seed_does_not(
    tmp_path: Path, shapes_root: Path, whole: dict[str, bytes]
) -> None:
    assert trained(recipe(tmp_path), tmp_path / "again", shapes_root) == whole
    other = recipe(tmp_path, head="")
    other.write_text(other.read_text().replace("seed = 3", "seed = 4"))
    assert trained(other, tmp_path / "other", shapes_root)[WEIGHTS] != whole[WEIGHTS]


def test_what_is_done_is_not_done_again(tmp_path: Path, shapes_root: Path, whole: dict[str, bytes]) -> None:
    stopped = trained(recipe(tmp_path), tmp_path / "whole", shapes_root, stop_after=1)
    assert stopped == whole


def test_it_learns(tmp_path: Path, shapes_root: Path) -> None:
    stage = STAGE.replace("steps = 12", "steps = 120\nvalidate = 'val'").replace('schedule = "poly(power=0.9)"', "")
    rows = history(trained(recipe(tmp_path, stage), tmp_path / "run", shapes_root))
    first, last = (sum(row["loss"] for row in rows[part]) / 20 for part in (slice(20), slice(-20, None)))
    assert last < 0.75 * first
    # Background alone is right in most pixels, and a seventh of the mean.
    assert rows[-1]["mean_iou"] > 1 / 7 and all("mean_iou" not in row for row in rows[:-1])


def test_stages_begin_with_what_the_one_before_left(tmp_path: Path, shapes_root: Path) -> None:
    second = STAGE.replace("steps = 12", 'steps = 3\ninit_from = "previous"\nfreeze = ["first.", "norm."]')
    path = recipe(tmp_path, STAGE, second)
    trained(path, tmp_path / "run", shapes_root)
    one = trained(recipe(tmp_path, STAGE), tmp_path / "one", shapes_root)
    assert one[WEIGHTS] != (tmp_path / "run" / WEIGHTS).read_bytes()
    load = pytest.importorskip("safetensors.torch").load
    before, after = load(one[WEIGHTS]), load((tmp_path / "run" / WEIGHTS).read_bytes())
    same = {name for name in before if torch.equal(before[name], after[name])}
    # What is frozen keeps its means and variances, too.
    norm = {f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var")}
    assert {"first.weight", "first.bias", *norm} <= same
    assert not {"last.weight", "last.bias"} & same


def test_weights_that_are_mostly_of_another_net(tmp_path: Path, shapes_root: Path) -> None:
    save = pytest.importorskip("safetensors.torch").save_file
    state = {f"module.{name}": tensor for name, tensor in build().state_dict().items()}
    save(state, tmp_path / "whole.safetensors")
    save({"last.bias": torch.zeros(7), "norm.bias": torch.zeros(8)}, tmp_path / "part.safetensors")
    stage = STAGE.replace("steps = 12", 'steps = 1\ninit_from = "FILE"\noptions = { dropout = 0.0 }')
    trained(recipe(tmp_path, stage.replace("FILE", str(tmp_path / "whole.safetensors"))), tmp_path / "run", shapes_root)
    with pytest.raises(BadParameter, match=r"2 of the 9 of .*, less than half of its numbers"):
        path = recipe(tmp_path, stage.replace("FILE", str(tmp_path / "part.safetensors")))
        trained(path, tmp_path / "other", shapes_root)


def test_weights_to_begin_with_are_needed_only_to_begin(tmp_path: Path, shapes_root: Path) -> None:
    file = tmp_path / "first.safetensors"
    pytest.importorskip("safetensors.torch").save_file(dict(build().state_dict()), file)
    path = recipe(tmp_path, STAGE.replace("steps = 12", f'steps = 12\ninit_from = "{file}"'), STAGE)
    for stop in (7, 15):
        with pytest.raises(KeyboardInterrupt):
            trained(path, tmp_path / "run", shapes_root, stop)
        file.unlink(missing_ok=True)
    assert len(history(trained(path, tmp_path / "run", shapes_root))) == 24
    with pytest.raises(BadParameter, match="No such file"):
        trained(path, tmp_path / "other", shapes_root)


def test_a_second_head_learns_beside_the_first(tmp_path: Path, shapes_root: Path) -> None:
    load = pytest.importorskip("safetensors.torch").load
    stage = STAGE.replace("steps = 12", "steps = 1\noptions = { beside = true }").replace("adam", "sgd")
    found = {}
    for weight in ("0.0", "0.5"):
        path = recipe(tmp_path, stage.replace("batch = 4", f"batch = 4\nauxiliary = {weight}"))
        files = trained(path, tmp_path / weight, shapes_root)
        found[weight] = load(files[WEIGHTS]), history(files)[0]["loss"]
    torch.manual_seed(3000)
    fresh = build(beside=True).state_dict()
    assert torch.equal(found["0.0"][0]["second.weight"], fresh["second.weight"])
    assert not torch.equal(found["0.5"][0]["second.weight"], fresh["second.weight"])
    assert found["0.5"][1] > found["0.0"][1]
    path = recipe(tmp_path, STAGE.replace("batch = 4", "batch = 4\nauxiliary = 0.5"))
    with pytest.raises(SubmissionError, match="no logits of a second head"):
        trained(path, tmp_path / "none", shapes_root)


def test_a_stage_stopped_in_the_middle_of_the_second(tmp_path: Path, shapes_root: Path) -> None:
    second = STAGE.replace("steps = 12", 'steps = 8\ninit_from = "previous"')
    path = recipe(tmp_path, STAGE, second)
    expected = trained(path, tmp_path / "whole", shapes_root)
    for stop in (12, 18):
        with pytest.raises(KeyboardInterrupt):
            trained(path, tmp_path / "parts", shapes_root, stop)
    assert trained(path, tmp_path / "parts", shapes_root) == expected


def test_another_recipe_does_not_go_on(tmp_path: Path, shapes_root: Path, whole: dict[str, bytes]) -> None:
    path = recipe(tmp_path, STAGE.replace("batch = 4", "batch = 2"))
    with pytest.raises(BadParameter, match="another recipe in .*, which differs in batch of stage 1;"):
        trained(path, tmp_path / "whole", shapes_root)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02cos\nsystem\n."])
def test_a_damaged_checkpoint_is_refused_and_not_run(tmp_path: Path, shapes_root: Path, content: bytes) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT).write_bytes(content)
    with pytest.raises(DatasetError, match="damaged checkpoint"):
        trained(recipe(tmp_path), tmp_path / "run", shapes_root)


CONTENT: dict[str, Any] = {
    "recipe": {}, "history": [], "trained": {}, "stage": 0, "step": 1, "keys": "", "seen": {}, "model": {},
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENT)
def test_a_checkpoint_without_all_of_it_is_damaged(name: str, tmp_path: Path, shapes_root: Path) -> None:
    (tmp_path / "run").mkdir()
    for content in ({**CONTENT, name: None}, {key: CONTENT[key] for key in CONTENT if key != name}):
        checkpoints.save(tmp_path / "run" / CHECKPOINT, content)
        with pytest.raises(DatasetError, match="damaged checkpoint"):
            trained(recipe(tmp_path), tmp_path / "run", shapes_root)


def test_images_that_have_changed_meanwhile(tmp_path: Path, shapes_root: Path) -> None:
    shutil.copytree(shapes_root, tmp_path / "shapes")
    with pytest.raises(KeyboardInterrupt):
        trained(recipe(tmp_path), tmp_path / "run", tmp_path / "shapes", 7)
    seen = sorted(checkpoints.load(tmp_path / "run" / CHECKPOINT)["seen"])
    # Five steps of four images.
    assert 16 < len(seen) <= 20
    paths = {path.stem: path for path in (tmp_path / "shapes/JPEGImages").iterdir()}
    other = next(key for key in sorted(paths) if key.startswith("train") and key not in seen)
    for key, words in ((seen[3], f"image {seen[3]} has changed"), (other, "")):
        kept = paths[key].read_bytes()
        paths[key].write_bytes(kept + b" ")
        if words:
            with pytest.raises(DatasetError, match=words):
                trained(recipe(tmp_path), tmp_path / "run", tmp_path / "shapes")
            paths[key].write_bytes(kept)
    # What was not seen yet may change.
    assert trained(recipe(tmp_path), tmp_path / "run", tmp_path / "shapes")


def test_images_that_have_come_or_gone_meanwhile(tmp_path: Path, shapes_root: Path) -> None:
    shutil.copytree(shapes_root, tmp_path / "shapes")
    with pytest.raises(KeyboardInterrupt):
        trained(recipe(tmp_path), tmp_path / "run", tmp_path / "shapes", 7)
    path = tmp_path / "shapes/ImageSets/Segmentation/train.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DatasetError, match="come or gone"):
        trained(recipe(tmp_path), tmp_path / "run", tmp_path / "shapes")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("steps = 12", 'steps = 12\nloss = "dicee"'), "dicee"),
        (("adam(lr=0.01)", "adm(lr=1)"), "adm"),
        (("poly(power=0.9)", "step(every=1.5)"), "whole steps"),
        (('"mirror"', '"miror"'), "miror"),
        (("steps = 12", 'steps = 12\ninit_from = "nowhere.pt"'), "nowhere.pt: No such file"),
        (("steps = 12", 'steps = 12\nmodel = "unett"'), "unett"),
        (('"shapes"', '"camvid"'), "camvid"),
    ],
)
def test_what_is_wrong_with_a_later_stage_is_told_before_the_first(
    change: tuple[str, str], words: str, tmp_path: Path, shapes_root: Path
) -> None:
    work = Training(
        read_recipe(recipe(tmp_path, STAGE, STAGE.replace(*change))), tmp_path / "run", {"shapes": shapes_root}
    )
    with pytest.raises((UsageError, DatasetError), match=words):
        work.run()
    assert work.history == []


def test_a_folder_that_cannot_be_one_is_told_before_the_first_step(tmp_path: Path, shapes_root: Path) -> None:
    (tmp_path / "file").write_text("")
    work = Training(read_recipe(recipe(tmp_path)), tmp_path / "file", {"shapes": shapes_root})
    with pytest.raises(OutputProblem, match="file"):
        work.run()
    assert work.history == []


def test_a_checkpoint_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(path, CONTENT)

    def broken(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(Exception, match="No space left"):
        checkpoints.save(path, {**CONTENT, "step": 2})
    assert checkpoints.load(path) == CONTENT and [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("adam(lr=0.01)", "adam(lr=1e30)"), SubmissionError, "among its logits"),
        (("adam(lr=0.01)", "adam()"), BadParameter, "learning rate above 0"),
        (("adam(lr=0.01)", "adm(lr=1)"), UnknownName, "adam"),
        (("poly(power=0.9)", "polly"), UnknownName, "poly"),
        (('"mirror"', '"miror"'), UnknownName, "mirror"),
        (("scale(0.5,1.5)", "scale(2,1)"), BadParameter, "two positive numbers"),
        (("crop = [24, 32]", ""), BadParameter, "several sizes"),
        (("steps = 12", "steps = 12\nfreeze = ['nothing']"), BadParameter, "parameter's name"),
        (("steps = 12", "steps = 12\nfreeze = ['']"), BadParameter, "left to learn"),
        (("steps = 12", "steps = 12\noptions = {width = 3}"), BadParameter, "option 'width'"),
        (("steps = 12", "steps = 12\nmodel = 'mask_rcnn'"), BadParameter, "classes to pixels"),
        (('"shapes"', '"coco"'), BadParameter, "instances"),
        (('"shapes"', '""'), BadParameter, "data = ''"),
        (("scale(0.5,1.5)", "scale(0.5,inf)"), BadParameter, "16 at most"),
        (("crop = [24, 32]", "crop = [24, 400000]"), BadParameter, "16,384 at most"),
        (("steps = 12", "steps = 12\nepochs = 2"), BadParameter, "one of the two"),
        (("steps = 12", "epochs = nan"), BadParameter, "above 0"),
        (("steps = 12", "epochs = -1.0"), BadParameter, "above 0"),
        (("steps = 12", "steps = 99999999999"), BadParameter, "1,000,000,000 at most"),
        (("batch = 4", "batch = 0"), BadParameter, "1 to 65,536"),
        (("steps = 12", "steps = 12\noptions = {features = -3}"), BadParameter, "cannot be built with .*features=-3"),
        (("steps = 12", "steps = 12\noptions = {features = 'x'}"), BadParameter, "cannot be built"),
        (("steps = 12", "steps = 12\noptions = {classes = 3}"), ShapeMismatch, r"^step 1: model tiny"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_told(
    tmp_path: Path, shapes_root: Path, change: tuple[str, str], error: type[Exception], words: str
) -> None:
    stage = STAGE.replace(*change).replace('"rotate90", ', "" if "several" in words else '"rotate90", ')
    with pytest.raises(error, match=words):
        trained(recipe(tmp_path, stage), tmp_path / "run", shapes_root)


def test_epochs_are_passes_over_all_images(tmp_path: Path, shapes_root: Path) -> None:
    """A pass over 60 images in batches of 8 is seven steps and a half, and they are no half steps."""
    stage = STAGE.replace("batch = 4", 'batch = 8\nsplit = "val"')
    by_epochs = recipe(tmp_path, stage.replace("steps = 12", "epochs = 1"))
    totals = set()
    work = Training(read_recipe(by_epochs), tmp_path / "epochs", {"shapes": shapes_root})
    work.progress = lambda done, total, row: totals.add(total)
    work.run()
    assert len(work.history) == 8 and totals == {8}
    by_steps = recipe(tmp_path, stage.replace("steps = 12", "steps = 8"))
    assert trained(by_steps, tmp_path / "steps", shapes_root)[WEIGHTS] == (tmp_path / "epochs" / WEIGHTS).read_bytes()


def test_a_checkpoint_of_a_model_that_has_changed(
    tmp_path: Path, shapes_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(recipe(tmp_path), tmp_path / "run", shapes_root, 7)
    kernel = Tiny.__init__
    monkeypatch.setattr(Tiny, "__init__", lambda self, classes, _, *rest: kernel(self, classes, 9, *rest))
    with pytest.raises(BadParameter, match=r"another model: .*first.*choose another folder"):
        trained(recipe(tmp_path), tmp_path / "run", shapes_root)


def test_a_batch_without_memory_is_told(tmp_path: Path, shapes_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Tiny, "forward", full)
    with pytest.raises(ResourceError, match="a batch of 4 at step 1 of .*tiny"):
        trained(recipe(tmp_path), tmp_path / "run", shapes_root)


@pytest.mark.parametrize(
    "text",
    [
        "[[stage]]\ndata='shapes'\nsteps=0\n",
        "seed = 4294967296\n[[stage]]\ndata='shapes'\nsteps=1",
        "",
        "stage = 3",
        "colour = 'red'",
    ],
)
def test_a_recipe_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(f'name = "x"\nmodel = "unet"\n{text}\n')
    with pytest.raises(BadParameter, match=r"bad\.toml"):
        read_recipe(path)


def environment(**extra: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", **extra}


def test_killed_and_started_again(tmp_path: Path, shapes_root: Path) -> None:
    stage = STAGE.replace("steps = 12", "steps = 400")
    path = recipe(tmp_path, stage)
    args = [
        sys.executable,
        "-m",
        "segbench",
        "train",
        path,
        "--data-root",
        f"shapes={shapes_root}",
        "--threads",
        "1",
        "-o",
    ]
    process = subprocess.Popen([*args, tmp_path / "parts"], env=environment(), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "parts" / CHECKPOINT
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and checkpoint.exists()
    for folder in ("parts", "whole"):
        subprocess.run([*args, tmp_path / folder], env=environment(), check=True, capture_output=True)
    for name in (WEIGHTS, HISTORY):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_two_processes_learn_what_one_learns(tmp_path: Path, shapes_root: Path) -> None:
    """Without dropout and batch statistics, and with as many pixels each, the mean of two halves is the whole."""
    stage = STAGE.replace("steps = 12", "steps = 6\noptions = {dropout = 0.0}\nfreeze = ['norm.']")
    stage = stage.replace("adam(lr=0.01)", "sgd(lr=0.1)").replace("crop = [24, 32]", "crop = [8, 8]\nresize = [8, 8]")
    stage = stage.replace('"scale(0.5,1.5)", ', "")
    path = recipe(tmp_path, stage)
    args = ["-m", "segbench", "train", str(path), "--data-root", f"shapes={shapes_root}", "--threads", "1"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, *args, "-o", str(tmp_path / "two")], env=environment(), check=True, capture_output=True, timeout=180
    )
    # One of them tells where the weights are, and draws how they were learned.
    assert done.stdout.decode().splitlines() == [str(tmp_path / "two" / WEIGHTS)]
    rows = [json.loads(line) for line in (tmp_path / "two" / HISTORY).read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 7))
    one = history(trained(path, tmp_path / "one", shapes_root))
    # The first loss is of the same images under the same weights; void pixels and batch statistics weigh a little.
    assert rows[0]["loss"] == pytest.approx(one[0]["loss"], rel=0.2)


def test_what_processes_cannot_share_is_told_by_one(tmp_path: Path, shapes_root: Path) -> None:
    path = recipe(tmp_path, STAGE.replace("batch = 4", "batch = 3"))
    args = ["-m", "segbench", "train", str(path), "--data-root", f"shapes={shapes_root}", "-o", str(tmp_path / "run")]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*launcher, *args], env=environment(), capture_output=True, timeout=180, text=True)
    assert done.returncode != 0 and "batch = 3 on 2 processes; expected a multiple of them" in done.stderr
    assert "internal" not in done.stderr


def test_the_command(run: CommandLine, tmp_path: Path, shapes_root: Path, whole: dict[str, bytes]) -> None:
    outcome = run("train", recipe(tmp_path), "-o", tmp_path / "run", "--data-root", f"shapes={shapes_root}")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{tmp_path / 'run' / WEIGHTS}\n"
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == whole[WEIGHTS]
    assert (tmp_path / "run/curves.svg").read_text("utf-8").startswith("<?xml")
    for asked, word in ((("--data-root", "shapes"), "DATASET=FOLDER"), (("--device", "tpu9"), "--device tpu9")):
        outcome = run("train", recipe(tmp_path), "-o", tmp_path / "run", *asked)
        assert outcome.code == 2 and word in outcome.err
