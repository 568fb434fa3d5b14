"""A data set in the JSON of COCO, with the names of `pycocotools.coco`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat import cocomask
from segbench.compat.cocoindex import Index
from segbench.compat.cocorecords import Record, read_json, value_of
from segbench.compat.cocoresults import detections_of, rows_of_array
from segbench.compat.cocoruns import rles_of, segmentations, size_of
from segbench.compat.shown import show
from segbench.errors import BadRle, DatasetError, SegbenchError, SubmissionError
from segbench.kernels.rle import RleFault


class COCO(Index):
    """A data set: images, categories and annotations, with the attributes of `Index`.

    Different by intent from pycocotools: nothing is printed but by `info`; names of categories are compared as a
    whole; records that `loadRes` is given stay as they are; what is not there is named in an error. `showAnns`,
    `download`, captions and key points are left out.

    Parameters
    ----------
    annotation_file : str or Path, optional
        The truth; without it set `dataset` and call `createIndex`.

    Raises
    ------
    DatasetError
        When the file is no truth.
    """

    def __init__(self, annotation_file: str | Path | None = None) -> None:
        super().__init__()
        if annotation_file is not None:
            dataset = read_json(annotation_file, DatasetError)
            if not isinstance(dataset, dict):
                expected = "images, annotations and categories, as in COCO"
                raise DatasetError(type(dataset).__name__, expected=expected, file=str(annotation_file))
            self.dataset = dataset
            try:
                self.createIndex()
            except DatasetError as error:
                raise error.about(str(annotation_file)) from None

    def info(self) -> None:
        """Write what the data set says of itself to standard output, a line for each key."""
        show("".join(f"{key}: {value}\n" for key, value in self.dataset.get("info", {}).items()))

    def loadRes(self, resFile: Any) -> COCO:
        """Return a data set of results on the same images.

        Parameters
        ----------
        resFile : str, Path, list of dict, or ndarray of shape (n, 7)
            A file of results, what it holds, or rows of image, left, top, width, height, score and category. An empty
            list is no detection.

        Returns
        -------
        COCO
            Detections with ids from 1, ``area``, ``bbox``, ``segmentation`` and ``iscrowd``, in the order of the file.

        Raises
        ------
        SubmissionError
            When the results are damaged, or do not belong to these images.
        BadParameter
            For an object of another kind.
        """
        file = None
        if isinstance(resFile, np.ndarray):
            results: Any = rows_of_array(resFile)
        elif isinstance(resFile, str | Path):
            results, file = read_json(resFile, SubmissionError), str(resFile)
        else:
            results = resFile
        try:
            detections = detections_of(results, set(self.imgs))
        except SegbenchError as error:
            raise (error.about(file) if file else error) from None
        found = COCO()
        found.dataset = {
            "info": copy.deepcopy(self.dataset.get("info", {})),
            "images": list(self.dataset.get("images", [])),
            "categories": copy.deepcopy(self.dataset.get("categories", [])),
            "annotations": detections,
        }
        found.createIndex()
        return found

    def loadNumpyAnnotations(self, data: NDArray[Any]) -> list[Record]:
        """Return the rows of an array as results.

        Parameters
        ----------
        data : ndarray, shape (n, 7)
            Image, left, top, width, height, score and category.

        Returns
        -------
        list of dict
            The results.

        Raises
        ------
        BadParameter
            For an array of another shape.
        """
        return rows_of_array(data)

    def annToRLE(self, ann: Record) -> Record:
        """Return the mask of an annotation as run lengths.

        Parameters
        ----------
        ann : dict
            The annotation.

        Returns
        -------
        dict
            ``size`` and ``counts``; the annotation's own where it has compressed ones.

        Raises
        ------
        BadRle
            When it is no mask.
        BadParameter
            For an unknown image.
        """
        (image,) = self.loadImgs([value_of(ann, "image_id")])
        given = value_of(ann, "segmentation")
        if isinstance(given, dict) and isinstance(given.get("counts"), str | bytes):
            return given
        try:
            return rles_of(segmentations([given], [size_of(image)]))[0]
        except RleFault as error:
            found = f"annotation {ann.get('id')}: {error.found}"
            raise BadRle(found, expected=error.expected) from None

    def annToMask(self, ann: Record) -> NDArray[np.uint8]:
        """Return the mask of an annotation as pixels.

        Parameters
        ----------
        ann : dict
            The annotation.

        Returns
        -------
        ndarray of uint8, shape (height, width)
            0 and 1.

        Raises
        ------
        BadRle
            When it is no mask.
        """
        pixels: NDArray[np.uint8] = cocomask.decode(self.annToRLE(ann))
        return pixels
