"""A model that learns in milliseconds, by its card, and recipes for it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from segbench.models.card import Card


class Tiny(nn.Module):
    """Two convolutions with dropout between them, by which the state of the generator counts."""

    def __init__(self, classes: int, features: int, dropout: float, beside: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, features, 3, padding=1)
        self.norm = nn.BatchNorm2d(features)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv2d(features, classes, 1)
        self.second = nn.Conv2d(features, classes, 1) if beside else None

    def forward(self, images: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        seen = torch.relu(self.norm(self.first(images)))
        found: torch.Tensor = self.last(self.dropout(seen))
        return found if self.second is None else {"out": found, "aux": self.second(seen)}


def build(classes: int = 7, features: int = 8, dropout: float = 0.2, beside: bool = False) -> nn.Module:
    return Tiny(classes, features, dropout, beside)


CARD = Card(
    name="tiny", title="Two convolutions", source=("these tests",), configuration="8 features", build=build, classes=7
)

STAGE = """
[[stage]]
data = "shapes"
steps = 12
batch = 4
crop = [24, 32]
augment = ["mirror", "flip", "rotate90", "scale(0.5,1.5)", "colour(0.2)"]
optimiser = "adam(lr=0.01)"
schedule = "poly(power=0.9)"
"""


def recipe(folder: Path, *stages: str, head: str = "") -> Path:
    """Write a recipe of the tiny model."""
    path = folder / "recipe.toml"
    text = f'name = "tiny"\nmodel = "tests.training.tiny:CARD"\nsave_every = 5\nseed = 3\n{head}\n'
    path.write_text(text + "".join(stages or (STAGE,)), "utf-8")
    return path
