"""How a model does on a split while it learns, by the metrics that judge everybody."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from segbench.metrics.region import MeanIou
from segbench.metrics.running import Running
from segbench.training.crops import fitted
from segbench.training.networks import Network
from segbench.training.pictures import VOID, Picture
from segbench.training.recipes import Stage

#: What stands for void in the maps that are scored.
_VOID = 255


def mean_iou_of(network: Network, stage: Stage) -> float | None:
    """Return the mean IoU of the validation split.

    Parameters
    ----------
    network : Network
        The model, with a validation split.
    stage : Stage
        Says at which size the model sees images; its answers are enlarged to the size of the truth.

    Returns
    -------
    float or None
        Mean IoU of all images, absent classes left out; None where no pixel of the truth has a class.
    """
    assert network.validation is not None
    n = len(network.validation.truth.protocol.space.evaluated)
    running = Running(MeanIou(), space=n, void=_VOID)
    was_training = network.model.training
    network.model.eval()
    with torch.inference_mode():
        for key in network.validation.keys:
            picture = network.validation.read(key)
            truth = np.where(picture.truth == VOID, _VOID, picture.truth).astype(np.uint8)
            running.update(truth=truth, prediction=_predicted(network, key, picture, stage))
    network.model.train(was_training)
    value = running.compute().value
    return None if np.isnan(value) else value


def _predicted(network: Network, key: str, picture: Picture, stage: Stage) -> NDArray[np.uint8]:
    logits = network.logits([fitted(picture, stage.resize)], [key]).float()
    if logits.shape[-2:] != picture.truth.shape:
        logits = interpolate(logits, size=picture.truth.shape, mode="bilinear", align_corners=False)
    classes: NDArray[np.uint8] = logits.argmax(dim=1)[0].cpu().numpy().astype(np.uint8)
    return classes
