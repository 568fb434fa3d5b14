"""The view from above: hand-computed cells, a literal transcription on random calibrations, and faulty files."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segbench.datasets.birdseye import BirdsEye, Calibration, read_calibration
from segbench.errors import BadParameter, DatasetError
from tests.oracles import kitti_road

MATRICES = {
    "P2": "100 0 50 0  0 100 10 0  0 0 1 0",
    "R0_rect": "1 0 0  0 1 0  0 0 1",
    # The camera hangs 1.5 m above the road: a point at height y of the camera is y - 1.5 of the road.
    "Tr_cam_to_road": "1 0 0 0  0 1 0 -1.5  0 0 1 0",
}


def file_of(matrices: dict[str, str]) -> bytes:
    return "".join(f"{name}: {numbers}\n" for name, numbers in matrices.items()).encode()


def simple() -> BirdsEye:
    return BirdsEye(read_calibration(file_of(MATRICES)))


def random_calibration(seed: int) -> tuple[bytes, tuple[int, int]]:
    """Return a file like those of the data set, the camera a little turned, and the size of its image."""
    dice = np.random.default_rng(seed)
    rows, columns = int(dice.integers(20, 60)), int(dice.integers(60, 200))
    focal = columns * dice.uniform(0.4, 1.2)
    p2 = np.array([[focal, 0, columns / 2, 5], [0, focal, rows / 2, 0.1], [0, 0, 1, 0.002]])
    small = np.eye(3) + dice.uniform(-0.05, 0.05, (2, 3, 3))
    rotations = [np.linalg.qr(matrix)[0] * np.sign(np.diag(np.linalg.qr(matrix)[1])) for matrix in small]
    road = np.column_stack([rotations[1], [dice.uniform(-1, 1), -dice.uniform(1, 2), dice.uniform(-1, 1)]])
    matrices = {"P0": p2 * 0, "P2": p2, "R0_rect": rotations[0], "Tr_velo_to_cam": road, "Tr_cam_to_road": road}
    return file_of({name: " ".join(f"{v:.12e}" for v in m.ravel()) for name, m in matrices.items()}), (rows, columns)


class TestCells:
    def test_by_hand(self) -> None:
        (rows, columns), valid = simple().rows_columns((40, 100))
        # Row 799 is z = 6.025, column 200 is x = 0.025: u = 100·0.025/6.025 + 50 = 50.41, v = 150/6.025 + 10 = 34.90.
        assert (rows[799, 200], columns[799, 200], valid[799, 200]) == (33, 49, True)
        # Column 0 is x = -9.975: u = -115.6, left of the image. Row 0 is z = 45.975: u = 28.30, v = 13.26.
        assert not valid[799, 0]
        assert (rows[0, 0], columns[0, 0], valid[0, 0]) == (12, 27, True)

    def test_the_last_row_that_is_seen(self) -> None:
        # v = 34.90 lies in an image of 35 rows and beyond one of 34.
        assert simple().rows_columns((35, 100))[1][799, 200]
        assert not simple().rows_columns((34, 100))[1][799, 200]

    def test_borders_belong_to_the_image(self) -> None:
        # Only the constants of u and v are left: every cell looks at (u, v) = (3, 2), the last pixel of a 2 × 3 image.
        still = BirdsEye(read_calibration(file_of({**MATRICES, "P2": "0 0 0 3  0 0 0 2  0 0 0 1"})))
        image = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
        assert (still.view(image) == 6).all()
        assert (still.view(image[:, :2]) == 0).all()
        assert (still.view(image[:1]) == 0).all()
        first = BirdsEye(read_calibration(file_of({**MATRICES, "P2": "0 0 0 1  0 0 0 1  0 0 0 1"})))
        assert (first.view(image) == 1).all()
        before = BirdsEye(read_calibration(file_of({**MATRICES, "P2": "0 0 0 0.999  0 0 0 1  0 0 0 1"})))
        assert (before.view(image) == 0).all()

    def test_a_camera_without_a_picture_sees_nothing(self) -> None:
        # w = 0 everywhere; that warnings are errors here says that none is given.
        blind = BirdsEye(read_calibration(file_of({**MATRICES, "P2": "1 0 0 0  0 0 0 0  0 0 0 0"})))
        assert not blind.rows_columns((40, 100))[1].any()

    @pytest.mark.parametrize("seed", range(4))
    def test_against_the_transcription(self, seed: int) -> None:
        data, (rows, columns) = random_calibration(seed)
        image = np.random.default_rng(seed).integers(1, 256, (rows, columns, 3), dtype=np.uint8)
        expected = kitti_road.birds_eye_view(image, kitti_road.read_calibration(data.decode()))
        seen = BirdsEye(read_calibration(data)).view(image)
        assert seen.dtype == np.uint8
        assert np.array_equal(seen, expected)
        assert 0.02 < (seen > 0).all(axis=2).mean() < 1  # some cells are seen, some are not

    def test_bands_fill_and_dtype(self) -> None:
        eye = simple()
        image = np.random.default_rng(0).integers(0, 255, (40, 100), dtype=np.uint8)
        valid = eye.rows_columns(image.shape)[1]
        flat = eye.view(image, fill=255)
        assert (flat.shape, flat.dtype) == ((800, 400), np.uint8)
        assert (flat[~valid] == 255).all() and (flat[valid] < 255).all()
        stacked = eye.view(np.stack([image, image // 2], axis=2), fill=255)
        assert np.array_equal(stacked[..., 0], flat)
        assert np.array_equal(stacked[..., 1][valid], flat[valid] // 2)
        assert eye.view(image.astype(np.int64)).dtype == np.int64

    def test_the_image_is_left_alone(self) -> None:
        image = np.ones((40, 100), np.uint8)
        image.setflags(write=False)
        simple().view(image, fill=7)[:] = 3
        assert (image == 1).all()

    @pytest.mark.parametrize("image", [np.ones(5), np.ones((2, 2, 3, 1)), np.ones((0, 5)), np.ones((5, 0, 3))])
    def test_no_image(self, image: NDArray[np.float64]) -> None:
        with pytest.raises(BadParameter):
            simple().view(image)


class TestCalibration:
    def test_matrices_by_row(self) -> None:
        numbers = " ".join(str(i) for i in range(12))
        found = read_calibration(file_of({**MATRICES, "P2": numbers, "R0_rect": "9 8 7 6 5 4 3 2 1"}))
        assert isinstance(found, Calibration)
        assert found.P2.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
        assert found.R0_rect.tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]
        assert found.Tr_cam_to_road.shape == (3, 4)
        assert {m.dtype for m in (found.P2, found.R0_rect, found.Tr_cam_to_road)} == {np.dtype(np.float64)}

    def test_other_lines_do_not_matter(self) -> None:
        text = (
            b"\r\n# KITTI\r\nP0: not a number\r\nP20: 1\r\n"
            + file_of(MATRICES).replace(b"\n", b"\r\n")
            + b"\r\n\xff\r\n"
        )
        assert read_calibration(text).P2[0, 2] == 50

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"P2": None}, "P2 is missing"),
            ({"P2": None, "Tr_cam_to_road": None}, "P2 is missing; Tr_cam_to_road is missing"),
            ({"R0_rect": "1 0 0"}, "R0_rect has 3 numbers"),
            ({"R0_rect": ""}, "R0_rect has 0 numbers"),
            ({"R0_rect": "1 0 0 0 1 0 0 0 1 0"}, "R0_rect has 10 numbers"),
            ({"R0_rect": "1 0 0 0 one 0 0 0 1"}, "R0_rect is not all numbers"),
            ({"R0_rect": "1 0 0 0 nan 0 0 0 1"}, "R0_rect has a number that is not finite"),
            ({"R0_rect": "1 0 0 0 1e999 0 0 0 1"}, "R0_rect has a number that is not finite"),
            ({" R0_rect ": MATRICES["R0_rect"]}, "R0_rect stands there 2 times"),
        ],
    )  # fmt: skip
    def test_faults_are_named(self, change: dict[str, str | None], found: str) -> None:
        matrices = {name: numbers for name, numbers in {**MATRICES, **change}.items() if numbers is not None}
        with pytest.raises(DatasetError) as caught:
            read_calibration(file_of(matrices))
        assert caught.value.found == found
        assert "Tr_cam_to_road (12)" in caught.value.expected

    @pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\0\0", b"P2" * 1000, bytes(range(256))])
    def test_other_files(self, data: bytes) -> None:
        with pytest.raises(DatasetError, match="P2 is missing; R0_rect is missing; Tr_cam_to_road is missing"):
            read_calibration(data)

    def test_a_flat_world(self) -> None:
        calibration = read_calibration(file_of({**MATRICES, "Tr_cam_to_road": "0 0 0 0 " * 3}))
        with pytest.raises(DatasetError, match="cannot be inverted"):
            BirdsEye(calibration)
