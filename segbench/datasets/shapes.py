"""The embedded data set `shapes`: small synthetic scenes with known truth, drawn from a seed.

Classes come in pairs that share outline and distribution of colours and differ in texture alone: a rule about
colour recognises the pair and has to guess within it, where a model that sees neighbourhoods can do better.

The pixels are the same on every platform: random draws are integers, and floats see only what IEEE 754 rounds
exactly (``+ - * /``, comparisons, floor), element by element; sums would depend on the processor.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.pillow import write_label_png, write_rgb_png
from segbench.frozen import dataclass

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Triple = tuple[int, int, int]
Size = tuple[int, int]

CLASSES: tuple[str, ...] = (
    "background",
    *("plain-disc", "striped-disc"),
    *("checked-box", "dotted-box"),
    *("ringed-triangle", "flecked-triangle"),
)
SPLITS: dict[str, int] = {"train": 240, "val": 60, "test": 60}
VOID = 255
VERSION = 1  # raise it with any change of the pixels: a tree of another version is written anew
MARKER = "shapes.json"

# Exact stand-ins for cosine and sine: a Pythagorean triple (a, b, c) is the direction (a/c, b/c).
_TURNS: tuple[Triple, ...] = (
    *((1, 0, 1), (24, 7, 25), (12, 5, 13), (15, 8, 17), (4, 3, 5), (21, 20, 29)),
    *((20, 21, 29), (3, 4, 5), (8, 15, 17), (5, 12, 13), (7, 24, 25), (0, 1, 1)),
)
_PAIR_COLOURS: tuple[Triple, ...] = ((184, 100, 74), (84, 146, 84), (86, 104, 178))
_BACKGROUND: Triple = (142, 138, 130)
_MIN_VISIBLE = 160  # pixels of an object that later ones may not cover


@dataclass(frozen=True, eq=False)
class Scene:
    """One image with its truth.

    Parameters
    ----------
    key : str
        Name of the image, ``{split}_{index:04d}``.
    image : ndarray of uint8, shape (H, W, 3)
        RGB pixels.
    classes : ndarray of uint8, shape (H, W)
        Class of each pixel, an index into `CLASSES`, or 255 along the borders of objects.
    instances : ndarray of uint8, shape (H, W)
        Object of each pixel, from 1 in the order of painting; 0 is background, and 255 as in `classes`.
    """

    key: str
    image: Pixels
    classes: Pixels
    instances: Pixels


@dataclass(frozen=True)
class _Shape:
    """One object: where it lies, how it is turned, and how its surface looks."""

    label: int
    reach: Size
    centre: Size
    turn: Triple
    texture_turn: Triple
    period: int
    contrast: int
    colour: Triple


class _Dice:
    """Integer draws from the stream of one scene, both ends included."""

    def __init__(self, *entropy: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def array(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        return self._rng.integers(low, high + 1, size=shape, dtype=np.int64)

    def one(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1, dtype=np.int64))

    def turn(self) -> Triple:
        return _TURNS[self.one(0, len(_TURNS) - 1)]

    def near(self, colour: Triple, spread: int) -> Triple:
        red, green, blue = (level + self.one(-spread, spread) for level in colour)
        return red, green, blue


def scene(split: str, index: int, seed: int = 0) -> Scene:
    """Draw one scene; the same for the same arguments, on every platform.

    Parameters
    ----------
    split : str
        A key of `SPLITS`.
    index : int
        Number of the image in its split, from 0 to ``SPLITS[split] - 1``.
    seed : int
        Seed of the whole data set, not negative. Anything out of range raises ValueError.

    Returns
    -------
    Scene
        Image and truth, 88 to 104 pixels high and 120 to 136 wide.
    """
    if split not in SPLITS or not 0 <= index < SPLITS[split] or seed < 0:
        raise ValueError(f"no scene {index} of split {split!r} with seed {seed}")
    dice = _Dice(seed, list(SPLITS).index(split), index)
    shapes, owners = _place(dice, (dice.one(88, 104), dice.one(120, 136)))
    labels = np.array([0, *(shape.label for shape in shapes)], dtype=np.uint8)
    void = _borders(owners)
    classes, instances = (np.where(void, np.uint8(VOID), truth) for truth in (labels[owners], owners))
    return Scene(f"{split}_{index:04d}", _paint(dice, shapes, owners), classes, instances)


def _place(dice: _Dice, size: Size) -> tuple[list[_Shape], Pixels]:
    """Lay 2 to 6 objects over each other; one that would hide an earlier one is drawn again."""
    wanted = dice.one(2, 6)
    shapes: list[_Shape] = []
    owners = np.zeros(size, dtype=np.uint8)
    for _ in range(10 * wanted):
        shape = _draw_shape(dice, size)
        trial = np.where(_inside(shape, size), np.uint8(len(shapes) + 1), owners)
        if np.bincount(trial.ravel(), minlength=len(shapes) + 2)[1:].min() >= _MIN_VISIBLE:
            shapes, owners = [*shapes, shape], trial
        if len(shapes) == wanted:
            break
    return shapes, owners


def _draw_shape(dice: _Dice, size: Size) -> _Shape:
    label, reach = dice.one(1, len(CLASSES) - 1), dice.one(18, 30)
    return _Shape(  # keyword arguments are evaluated in this order, which is the order of the draws
        label=label,
        centre=(dice.one(10, size[0] - 11), dice.one(10, size[1] - 11)),
        reach=(reach, reach - dice.one(0, reach // 4)),
        turn=dice.turn(),
        texture_turn=dice.turn(),
        period=dice.one(6, 8),
        contrast=dice.one(34, 46),
        colour=dice.near(_PAIR_COLOURS[(label - 1) // 2], 20),
    )


def _turned(centre: Size, turn: Triple, size: Size) -> tuple[Floats, Floats]:
    """Return the two coordinates of every pixel around `centre` in a turned frame, each of shape (H, W)."""
    rows = (np.arange(size[0], dtype=np.float64) - centre[0])[:, None]
    columns = (np.arange(size[1], dtype=np.float64) - centre[1])[None, :]
    along, across, length = turn
    return (columns * along + rows * across) / length, (rows * along - columns * across) / length


def _inside(shape: _Shape, size: Size) -> NDArray[np.bool_]:
    u, v = _turned(shape.centre, shape.turn, size)
    long, short = shape.reach
    if CLASSES[shape.label].endswith("disc"):
        return (u * u) / (long * long) + (v * v) / (short * short) <= 1.0
    if CLASSES[shape.label].endswith("box"):
        return (np.abs(u) <= long * 0.9) & (np.abs(v) <= short * 0.9)
    return _triangle_distance(u, v) <= long * 0.75


def _triangle_distance(u: Floats, v: Floats) -> Floats:
    """Return a distance whose circles are equilateral triangles."""
    return np.maximum(-v, np.abs(u) * 0.8660254037844386 + v * 0.5)  # the square root of 3, halved


def _borders(owners: Pixels) -> NDArray[np.bool_]:
    """Mark the pixels with another object above, below, left or right: one on each side of a border."""
    wide = np.pad(owners, 1, mode="edge")
    neighbours = (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:])
    void: NDArray[np.bool_] = np.any([owners != other for other in neighbours], axis=0)
    return void


def _texture(dice: _Dice, shape: _Shape, size: Size) -> Floats:
    """Return the relief of a surface, (H, W), of mean 0 or nearly so to leave the mean colour alone."""
    u, v = _turned(shape.centre, shape.texture_turn, size)
    name, period = CLASSES[shape.label], shape.period
    if name == "striped-disc":
        return _square_wave(u / period)
    if name == "checked-box":
        return _square_wave(u / (2.5 * period)) * _square_wave(v / (2.5 * period))
    if name == "dotted-box":
        du, dv = (x / period - np.floor(x / period) - 0.5 for x in (u, v))
        return np.where(du * du + dv * dv < 0.08, 1.6, -0.54)  # dots cover a quarter of their cells
    if name == "ringed-triangle":
        return _square_wave(_triangle_distance(*_turned(shape.centre, shape.turn, size)) / (1.5 * period))
    if name == "flecked-triangle":
        flecks = np.where(dice.array(0, 3, size[0] // 2 + 1, size[1] // 2 + 1) == 0, 1.8, -0.6)
        return flecks.repeat(2, axis=0).repeat(2, axis=1)[: size[0], : size[1]]
    return np.zeros(size)


def _square_wave(phase: Floats) -> Floats:
    """Return 1 in the first half of each unit of `phase` and -1 in the second."""
    return np.where(phase - np.floor(phase) < 0.5, 1.0, -1.0)


def _paint(dice: _Dice, shapes: Sequence[_Shape], owners: Pixels) -> Pixels:
    """Return the picture, (H, W, 3): surfaces, then light and tint, then the blur and noise of a camera."""
    size = (owners.shape[0], owners.shape[1])
    canvas = _clouds(dice, size)[..., None] + np.array(dice.near(_BACKGROUND, 20), dtype=np.float64)
    for number, shape in enumerate(shapes, start=1):
        surface = shape.contrast * _texture(dice, shape, size)[..., None] + np.array(shape.colour)
        canvas = np.where((owners == number)[..., None], surface, canvas)
    fall, _ = _turned((size[0] // 2, size[1] // 2), dice.turn(), size)
    light = 1.0 + fall * (dice.one(-20, 20) / 100.0) / 70.0
    canvas = canvas * light[..., None] * (dice.array(90, 110, 3) / 100.0)
    noise = dice.array(-6, 6, *size, 3) + dice.array(-6, 6, *size, 3) + dice.array(-6, 6, *size, 3)
    return (np.clip(_blur(canvas) + noise, 0.0, 255.0) + 0.5).astype(np.uint8)


def _clouds(dice: _Dice, size: Size, cell: int = 16, depth: int = 22) -> Floats:
    """Return soft patches of brightness, (H, W): random heights on a lattice, interpolated linearly."""
    heights = dice.array(-depth, depth, size[0] // cell + 2, size[1] // cell + 2).astype(np.float64)
    rows, columns = np.arange(size[0]), np.arange(size[1])
    down, right = (rows % cell / cell)[:, None], (columns % cell / cell)[None, :]
    bands = heights[rows // cell] * (1.0 - down) + heights[rows // cell + 1] * down
    return bands[:, columns // cell] * (1.0 - right) + bands[:, columns // cell + 1] * right


def _blur(canvas: Floats) -> Floats:
    """Blur with the weights 1 2 1 along rows and columns, the edge repeated."""
    wide = np.pad(canvas, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = (wide[:-2] + 2.0 * wide[1:-1] + wide[2:]) / 4.0
    return (rows[:, :-2] + 2.0 * rows[:, 1:-1] + rows[:, 2:]) / 4.0


def palette() -> Pixels:
    """Return the colours of the label maps, (256, 3), as Pascal VOC deals out the bits of an index."""
    bits = (np.arange(256)[:, None, None] >> (np.arange(3)[:, None] + 3 * np.arange(8))) & 1
    return np.packbits(bits.astype(np.uint8), axis=-1)[..., 0]


def write(
    root: Path,
    seed: int = 0,
    splits: Sequence[str] = ("train", "val", "test"),
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the data set in the layout of Pascal VOC, but for what `MARKER` calls complete.

    Parameters
    ----------
    root : Path
        Folder of the tree, made where it is missing; a tree of another seed or version is written anew.
    seed : int
        Seed of the data set, not negative.
    splits : sequence of str
        Keys of `SPLITS`; anything else raises ValueError.
    progress : callable, optional
        Called after each image with the number of images written so far.
    """
    done = _complete_splits(root, seed)
    missing = [split for split in dict.fromkeys(splits) if split not in done]
    if unknown := set(splits) - SPLITS.keys():
        raise ValueError(f"no split {min(unknown)!r}")
    if not missing:
        return
    (root / MARKER).unlink(missing_ok=True)
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    keys = [(split, index) for split in missing for index in range(SPLITS[split])]
    for count, (split, index) in enumerate(keys, start=1):
        _write_scene(root, scene(split, index, seed))
        if progress is not None:
            progress(count)
    for split in missing:
        names = "".join(f"{split}_{index:04d}\n" for index in range(SPLITS[split]))
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_bytes(names.encode())
    marker = {"version": VERSION, "seed": seed, "splits": [*done, *missing]}
    (root / MARKER).write_text(json.dumps(marker), "utf-8")


def _complete_splits(root: Path, seed: int) -> list[str]:
    """Return the splits the marker vouches for: none if it is missing, damaged or of other data."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marker = json.loads((root / MARKER).read_bytes())
        if (marker["version"], marker["seed"]) == (VERSION, seed):
            return [split for split in SPLITS if split in marker["splits"]]
    return []


def _write_scene(root: Path, drawn: Scene) -> None:
    name = f"{drawn.key}.png"
    write_rgb_png(root / "JPEGImages" / name, drawn.image)
    write_label_png(root / "SegmentationClass" / name, drawn.classes, palette())
    write_label_png(root / "SegmentationObject" / name, drawn.instances, palette())
