"""A small net learns eight real images by heart: data, loss, gradients and metrics hold together."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from segbench.datasets.pillow import write_rgb_png
from segbench.datasets.pngwriter import encode_png
from segbench.protocols.load import load_protocol
from segbench.training.crops import fitted
from segbench.training.loop import Training
from segbench.training.pictures import VOID, Pictures
from segbench.training.recipes import Recipe, Stage

#: Eight images of the train split, from day and dusk.
_EVERY, _COUNT = 45, 8


def test_a_unet_of_sixteen_channels_learns_eight_images_of_camvid(real_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "camvid"
    for folder in ("train", "trainannot"):
        (root / folder).mkdir(parents=True)
    pictures = Pictures.open(load_protocol("camvid"), split="train", data_root=real_data / "camvid")
    chosen = pictures.keys[::_EVERY][:_COUNT]
    assert len(chosen) == _COUNT
    for key in chosen:
        small = fitted(pictures.read(key), (120, 160))
        write_rgb_png(root / f"train/{key}.png", small.image)
        void = np.where(small.truth == VOID, 11, small.truth).astype(np.uint8)
        (root / f"trainannot/{key}.png").write_bytes(encode_png(void))
    stage = Stage(
        data="camvid",
        steps=800,
        validate="train",
        batch=2,
        # Poles and signs are few pixels: cross entropy alone leaves them for last.
        loss="cross_entropy+dice",
        optimiser="adam(lr=0.003)",
        schedule="poly(power=0.9)",
    )
    options = {"width": 0.25, "norm": True, "channels": 3, "dropout": 0.0}
    recipe = Recipe(name="overfit", model="unet_half", options=options, seed=1, save_every=1000, stage=(stage,))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        begun = time.process_time()
        work = Training(recipe, tmp_path / "out", {"camvid": root})
        work.run()
        seconds = time.process_time() - begun
    finally:
        torch.set_num_threads(threads)
    assert work.history[-1]["mean_iou"] > 0.9
    assert seconds < 300
