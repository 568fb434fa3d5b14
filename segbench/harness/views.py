"""In which views a model sees an image: resized, at several scales, mirrored, in tiles."""

from __future__ import annotations

from segbench.errors import BadParameter
from segbench.frozen import dataclass
from segbench.harness.windows import check_windows
from segbench.models.sizes import check_size


@dataclass(frozen=True)
class Views:
    """The views whose mean probabilities are the answer.

    Parameters
    ----------
    resize : tuple of int
        Rows and columns that every image is resized to; empty for those that the model was trained with, if any.
    scales : tuple of float
        Factors of the size.
    flip : bool
        Whether each scale is seen mirrored as well.
    tile, overlap : int
        Rows and columns of what a model sees at once, at most, and what neighbours share; 0 for the whole image.

    Raises
    ------
    BadParameter
        For sizes, scales or tiles that cannot be.
    """

    resize: tuple[int, ...] = ()
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    tile: int = 0
    overlap: int = 64

    def __post_init__(self) -> None:
        check_size(self.resize, "--resize")
        if not self.scales or not all(0 < scale <= 8 for scale in self.scales):
            raise BadParameter(f"--scales {self.scales}", expected="factors above 0 and up to 8, as 0.75,1,1.25")
        if len(set(self.scales)) != len(self.scales):
            raise BadParameter(f"--scales {self.scales}", expected="each factor once")
        check_windows(self.tile, self.overlap)

    @property
    def is_single(self) -> bool:
        """Whether there is one view only."""
        return len(self.scales) == 1 and not self.flip

    def __str__(self) -> str:
        parts = (
            f"resize({self.resize[0]},{self.resize[1]})" if self.resize else "",
            f"scales({','.join(f'{scale:g}' for scale in self.scales)})" if self.scales != (1.0,) else "",
            "flip" if self.flip else "",
            f"tiles({self.tile},{self.overlap})" if self.tile else "",
        )
        return "+".join(filter(None, parts)) or "-"
