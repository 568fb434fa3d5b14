"""The ground in front of a car seen from above, the space in which the KITTI road server ranks.

Every cell of a grid on the road is projected into the camera, and takes the pixel it falls into. Truth and prediction
go through the same map, so what the camera does not see is void in both.

Source: Fritsch, Kühnl and Geiger, A New Performance Measure and Evaluation Benchmark for Road Detection Algorithms,
ITSC 2013, and its development kit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segbench.datasets.road import road_truth
from segbench.errors import BadParameter, DatasetError

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

#: Cells of the grid, far to near and left to right, and the side of a cell in metres.
ROWS, COLUMNS, CELL_M = 800, 400, 0.05
#: Where the grid begins: its left border, and its far one, in metres from the car.
LEFT_M, FAR_M = -10.0, 46.0

#: The matrices of a calibration file that are needed, with their rows and columns.
_MATRICES = {"P2": (3, 4), "R0_rect": (3, 3), "Tr_cam_to_road": (3, 4)}
_EXPECTED = "lines NAME: NUMBERS with " + ", ".join(f"{n} ({r * c})" for n, (r, c) in _MATRICES.items())


@dataclass(frozen=True, eq=False)
class Calibration:
    """How the camera of an image stands to the road; the names are those of the files.

    Parameters
    ----------
    P2 : ndarray of float64, shape (3, 4)
        From rectified camera coordinates to pixels.
    R0_rect : ndarray of float64, shape (3, 3)
        From camera coordinates to rectified ones.
    Tr_cam_to_road : ndarray of float64, shape (3, 4)
        From camera coordinates to those of the road, in metres.
    """

    P2: Floats
    R0_rect: Floats
    Tr_cam_to_road: Floats


def read_calibration(data: bytes) -> Calibration:
    """Read a calibration file of KITTI road.

    Parameters
    ----------
    data : bytes
        The whole file: lines ``NAME: numbers``. Other names than P2, R0_rect and Tr_cam_to_road are passed over.

    Returns
    -------
    Calibration
        The three matrices.

    Raises
    ------
    DatasetError
        When a matrix is missing, stands there twice, or is not made of as many finite numbers as it needs; names all
        that are at fault.
    """
    found: dict[str, list[str]] = {name: [] for name in _MATRICES}
    for line in data.decode("utf-8", "replace").splitlines():
        name, colon, numbers = line.partition(":")
        if colon and name.strip() in found:
            found[name.strip()].append(numbers)
    matrices = {name: _matrix(lines, *_MATRICES[name]) for name, lines in found.items()}
    if faults := [f"{name} {fault}" for name, fault in matrices.items() if isinstance(fault, str)]:
        raise DatasetError("; ".join(faults), expected=_EXPECTED)
    return Calibration(*(matrix for matrix in matrices.values() if not isinstance(matrix, str)))


def _matrix(lines: list[str], rows: int, columns: int) -> Floats | str:
    """Return a matrix, or what is wrong with it."""
    if len(lines) != 1:
        return f"stands there {len(lines)} times" if lines else "is missing"
    words = lines[0].split()
    if len(words) != rows * columns:
        return f"has {len(words)} numbers"
    try:
        matrix = np.array([float(word) for word in words])
    except ValueError:
        return "is not all numbers"
    return matrix.reshape(rows, columns) if np.isfinite(matrix).all() else "has a number that is not finite"


@dataclass(frozen=True, eq=False)
class BirdsEye:
    """The view from above that belongs to a calibration: 800 × 400 cells of 5 cm, row 0 far, column 0 left.

    With the centres x = −10 + 0.025 + 0.05·column and z = 46 − 0.025 − 0.05·row on the road (height 0) and
    T = P2 · R0_rect · Tr_cam_to_road⁻¹, each matrix 4 × 4 but the first,

        (u·w, v·w, w) = T · (x, 0, z, 1)

    is the place in the image, in pixels counted from 1. A cell is seen when 1 ≤ u ≤ width and 1 ≤ v ≤ height, and has
    the value of the pixel at row ⌊v⌋ and column ⌊u⌋; nothing is interpolated.

    Parameters
    ----------
    calibration : Calibration
        Of the image, or of the road scene it belongs to.
    homography : ndarray of float64, shape (3, 3)
        Columns 0, 2 and 3 of T; computed.

    Raises
    ------
    DatasetError
        When the matrix Tr_cam_to_road cannot be inverted.
    """

    calibration: Calibration
    homography: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            from_road = np.linalg.inv(_square(self.calibration.Tr_cam_to_road))
        except np.linalg.LinAlgError:
            raise DatasetError("Tr_cam_to_road cannot be inverted", expected="a rotation and a shift") from None
        projected = self.calibration.P2 @ _square(self.calibration.R0_rect) @ from_road
        object.__setattr__(self, "homography", projected[:, [0, 2, 3]])

    def rows_columns(self, shape: tuple[int, ...]) -> tuple[tuple[Indices, Indices], NDArray[np.bool_]]:
        """Return which pixel each cell sees.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the image; what follows is not looked at.

        Returns
        -------
        indices : tuple of two ndarray of intp, each of shape (800, 400)
            Row and column of the pixel, from 0; 0 and 0 where a cell sees none.
        valid : ndarray of bool, shape (800, 400)
            Whether a cell sees a pixel.

        Raises
        ------
        BadParameter
            For a shape that is not two sizes or more, the first two at least 1.
        """
        if len(shape) < 2 or min(shape[:2]) < 1:
            raise BadParameter(f"shape {tuple(shape)}", expected="(rows, columns), both at least 1")
        x = (LEFT_M + CELL_M / 2 + CELL_M * np.arange(COLUMNS))[None, :]
        z = (FAR_M - CELL_M / 2 - CELL_M * np.arange(ROWS))[:, None]
        u, v, w = (row[0] * x + row[1] * z + row[2] for row in self.homography)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            u, v = u / w, v / w
        # Not a number, where w is 0, compares as unseen.
        valid = (u >= 1) & (u <= shape[1]) & (v >= 1) & (v <= shape[0])
        rows, columns = (np.where(valid, place, 1).astype(np.intp) - 1 for place in (v, u))
        return (rows, columns), valid

    def view(self, image: NDArray[Any], fill: float = 0) -> NDArray[Any]:
        """Return an image seen from above.

        Parameters
        ----------
        image : ndarray, shape (rows, columns) or (rows, columns, bands)
            Labels, levels or colours. Never changed.
        fill : float
            The value of cells that see no pixel.

        Returns
        -------
        ndarray, shape (800, 400) or (800, 400, bands)
            The cells, in the dtype of the image.

        Raises
        ------
        BadParameter
            For an image of another number of axes, or without pixels.
        """
        if image.ndim not in (2, 3):
            raise BadParameter(f"an image with {image.ndim} axes", expected="(rows, columns), or bands beside them")
        indices, valid = self.rows_columns(image.shape)
        cells: NDArray[Any] = image[indices]
        cells[~valid] = fill
        return cells


def _square(matrix: Floats) -> Floats:
    """Return a matrix of three rows as one of 4 × 4, in homogeneous coordinates."""
    square = np.eye(4)
    square[: matrix.shape[0], : matrix.shape[1]] = matrix
    return square


def road_from_above(pixels: NDArray[np.uint8], calibration: bytes) -> NDArray[np.uint8]:
    """Return the label map of a KITTI road truth as seen from above.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (rows, columns, 3)
        The truth image of the camera, see `road_truth`.
    calibration : bytes
        The calibration file of its street.

    Returns
    -------
    ndarray of uint8, shape (800, 400)
        1 road, 0 not road, 255 void, as is all that the camera does not see.

    Raises
    ------
    DatasetError
        When the calibration is faulty.
    """
    return road_truth(BirdsEye(read_calibration(calibration)).view(pixels))
