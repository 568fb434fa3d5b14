"""One step after another: a batch, its loss, its gradients, and the weights that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from segbench.datasets.listing import digest_of
from segbench.errors import BadParameter, DatasetError, ResourceError
from segbench.models.failures import is_out_of_memory
from segbench.training.crops import Crops
from segbench.training.lessons import lesson_of
from segbench.training.networks import Network
from segbench.training.optimisers import optimiser_of, schedule_of
from segbench.training.ranks import Ranks
from segbench.training.recipes import Stage

#: Layers that keep means and variances of what they have seen.
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class Steps:
    """The steps of a stage.

    Parameters
    ----------
    network : Network
        What learns.
    stage : Stage
        How.
    crops : Crops
        From what.
    ranks : Ranks
        Beside whom.

    Raises
    ------
    BadParameter
        For a batch that they cannot share, or a loss, optimiser or schedule that there is not.
    """

    def __init__(self, network: Network, stage: Stage, crops: Crops, ranks: Ranks) -> None:
        self.network, self.stage, self.crops, self.ranks = network, stage, crops, ranks
        if stage.batch % ranks.count:
            raise BadParameter(f"batch = {stage.batch} on {ranks.count} processes", expected="a multiple of them")
        self.done = 0
        self._learned = network.freeze(stage.freeze)
        self._lesson = lesson_of(network, stage)
        self._optimiser = optimiser_of(stage.optimiser, self._learned)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]
        self._fixed = [module for module in network.model.modules() if _is_frozen_norm(module)]
        self._factor = schedule_of(stage.schedule, stage.steps)
        self._scaler = torch.amp.GradScaler(network.device.type, enabled=stage.precision == "float16")

    def next(self) -> dict[str, Any]:
        """Learn from one batch.

        Returns
        -------
        dict of str to object
            ``step``, from 1, ``loss``, the mean over all ranks before the step, and ``lr``.

        Raises
        ------
        DatasetError
            When the loss is not finite.
        ResourceError
            When there is not memory enough for the batch.
        """
        rate = self._factor(self.done)
        for group, base in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = base * rate
        self.network.model.train()
        for module in self._fixed:
            module.eval()
        torch.manual_seed(self.crops.noise(self.done, self.ranks.rank))
        self._optimiser.zero_grad(set_to_none=True)
        with self._within_memory():
            loss = self._loss_of_batch()
        value = self.ranks.mean(float(loss.detach()))
        if value != value or value in (float("inf"), float("-inf")):
            raise DatasetError(
                f"a loss of {value} at step {self.done + 1} of {self.network.name}",
                expected="a finite one",
                mend="a smaller learning rate, or precision = 'float32'",
            )
        with self._within_memory():
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        # Before anybody looks for infinities: all ranks have to find them together.
        self.ranks.average(self._learned)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.done += 1
        return {"step": self.done, "loss": value, "lr": self._optimiser.param_groups[0]["lr"]}

    @contextmanager
    def _within_memory(self) -> Iterator[None]:
        """Tell what to do when memory is at an end."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            found = f"no memory left for a batch of {self.stage.batch} at step {self.done + 1} of {self.network.name}"
            mend = "a smaller batch, crop or resize; the last checkpoint is kept"
            raise ResourceError(found, mend=mend) from error

    def _loss_of_batch(self) -> Tensor:
        batch = self.crops.batch(self.done, self.ranks.rank, self.ranks.count)
        return self._lesson.loss(batch, f"step {self.done + 1}")

    def weights(self) -> dict[str, Tensor]:
        """Return all weights and buffers, on the CPU, as they are now."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.network.model.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Return all that the next steps depend on."""
        return {
            "keys": digest_of(self.crops.pictures.keys),
            "seen": self.crops.seen,
            "model": self.weights(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Go on from a state.

        Parameters
        ----------
        saved : mapping of str to object
            A `state`, and its ``step``.

        Raises
        ------
        BadParameter
            When it is that of another model.
        DatasetError
            When the images are others.
        """
        self.crops.resume(saved["keys"], saved["seen"])
        try:
            self.network.model.load_state_dict(saved["model"])
            self._optimiser.load_state_dict(saved["optimiser"])
            self._scaler.load_state_dict(saved["scaler"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            # Below the heading there is a line for each weight.
            first = str(error).splitlines()[:2][-1].strip(" \t.")
            found = f"a checkpoint of another model: {first}"
            mend = "choose another folder, or remove the checkpoint"
            raise BadParameter(found, expected=f"one of {self.network.name} as it is", mend=mend) from None
        self.done = int(saved["step"])


def _is_frozen_norm(module: nn.Module) -> bool:
    """Whether a layer normalises batches and is frozen: then its means and variances stay as they are, too."""
    own = list(module.parameters(recurse=False))
    return isinstance(module, _NORMS) and bool(own) and not any(parameter.requires_grad for parameter in own)
