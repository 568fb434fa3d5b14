"""What tests of packing share: arguments, and what stands in an archive."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segbench.protocols.load import load_protocol, protocol_names
from segbench.protocols.packing import SUFFIXES
from tests.datasets.pngs import PALETTE, png
from tests.protocols.test_official_isbi2012 import both as both

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(set(protocol_names().values()))
FORMS = {name: form for name in NAMES if (form := load_protocol(name).pack)}


def asked(name: str, folder: Path | None = None) -> dict[str, Any]:
    root = (folder or GOLDEN / name) / "data"
    return {"dataset": name, "data_root": root, "split": load_protocol(name).default_split}


def options(name: str, folder: Path | None = None) -> list[object]:
    return [part for key, value in asked(name, folder).items() for part in (f"--{key.replace('_', '-')}", value)]


def archive(name: str, folder: Path) -> Path:
    return folder / f"packed{SUFFIXES[FORMS[name].container][0]}"


def members(path: Path) -> dict[str, bytes]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as file:
            return {name: file.read(name) for name in file.namelist()}
    with tarfile.open(path) as tar:
        found = [(member.name, tar.extractfile(member)) for member in tar if member.isfile()]
        return {name: file.read() for name, file in found if file is not None}


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def from_bytes(data: bytes) -> np.ndarray[Any, Any]:
    """Read a label PNG by Pillow, which is not what reads or writes it in the package."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened)


def spoil(folder: Path, how: str) -> None:
    if how == "missing":
        (folder / "b.png").unlink()
    elif how == "twice":
        shutil.copy(folder / "b.png", folder / "b.tif")
    else:
        value, shape = {"stray": (77, None), "void": (255, None), "size": (0, (1, 1))}[how]
        labels = from_bytes((folder / "b.png").read_bytes()).copy()
        labels[0, 0] = value
        (folder / "b.png").write_bytes(png(labels if shape is None else np.zeros(shape, np.uint8), kind=PALETTE))
