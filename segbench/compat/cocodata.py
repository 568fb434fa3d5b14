"""A data set in the JSON of COCO, with the names of `pycocotools.coco`."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segbench.compat import cocomask
from segbench.compat.cocorecords import Record, by_id, column, listed, picked, read_json, value_of
from segbench.compat.cocoresults import detections_of, rows_of_array
from segbench.compat.cocoruns import rles_of, segmentations
from segbench.compat.shown import show
from segbench.errors import BadRle, DatasetError, SegbenchError, SubmissionError
from segbench.kernels.rle import RleFault


class COCO:
    """Images, categories and annotations, with indices.

    Different by intent from pycocotools: nothing is printed; names of categories are compared as a whole; records that
    `loadRes` is given stay as they are; what is not there is named in an error. `showAnns`, `download`, captions and
    key points are left out.

    Parameters
    ----------
    annotation_file : str or Path, optional
        The truth; without it set `dataset` and call `createIndex`.

    Raises
    ------
    DatasetError
        When the file is no truth.

    Attributes
    ----------
    dataset : dict
        What the file says.
    anns, cats, imgs : dict
        Annotations, categories and images by id.
    imgToAnns : dict of list of dict
        The annotations of each image.
    catToImgs : dict of list
        The image of each annotation of each category.
    """

    def __init__(self, annotation_file: str | Path | None = None) -> None:
        self.dataset: Record = {}
        self.anns: dict[Any, Record] = {}
        self.cats: dict[Any, Record] = {}
        self.imgs: dict[Any, Record] = {}
        self.imgToAnns: dict[Any, list[Record]] = defaultdict(list)
        self.catToImgs: dict[Any, list[Any]] = defaultdict(list)
        if annotation_file is not None:
            dataset = read_json(annotation_file, DatasetError)
            if not isinstance(dataset, dict):
                expected = "images, annotations and categories, as in COCO"
                raise DatasetError(type(dataset).__name__, expected=expected, file=str(annotation_file))
            self.dataset = dataset
            self.createIndex()

    def createIndex(self) -> None:
        """Make the indices of `dataset`.

        Raises
        ------
        DatasetError
            For a record without one of its ids.
        """
        annotations, categories = self.dataset.get("annotations", []), self.dataset.get("categories", [])
        by_image, by_category = defaultdict(list), defaultdict(list)
        self.anns = by_id(annotations, "annotation")
        self.imgs = by_id(self.dataset.get("images", []), "image")
        self.cats = by_id(categories, "category")
        for image, annotation in zip(column(annotations, "image_id", "annotation"), annotations, strict=True):
            by_image[image].append(annotation)
        if "categories" in self.dataset:
            of_category = column(annotations, "category_id", "annotation")
            for category, annotation in zip(of_category, annotations, strict=True):
                by_category[category].append(annotation["image_id"])
        self.imgToAnns, self.catToImgs = by_image, by_category

    def info(self) -> None:
        """Write what the data set says of itself to standard output, a line for each key."""
        show("".join(f"{key}: {value}\n" for key, value in self.dataset.get("info", {}).items()))

    def getAnnIds(self, imgIds: Any = (), catIds: Any = (), areaRng: Any = (), iscrowd: Any = None) -> list[Any]:
        """Return the ids of annotations; an empty filter lets all pass.

        Parameters
        ----------
        imgIds, catIds : id or sequence of ids
            Images, in whose order annotations are listed, and categories.
        areaRng : sequence of (float, float)
            Both excluded.
        iscrowd : bool, optional
            Crowds only, or none.

        Returns
        -------
        list
            The ids.

        Raises
        ------
        DatasetError
            For an annotation that lacks what is filtered by.
        """
        images, categories = listed(imgIds), set(listed(catIds))
        found: Iterable[Record] = self.dataset.get("annotations", [])
        if images:
            found = chain.from_iterable(self.imgToAnns[i] for i in images if i in self.imgToAnns)
        if categories:
            found = (a for a in found if value_of(a, "category_id") in categories)
        if len(areaRng):
            found = (a for a in found if areaRng[0] < value_of(a, "area") < areaRng[1])
        if iscrowd is not None:
            found = (a for a in found if value_of(a, "iscrowd") == iscrowd)
        return [a["id"] for a in found]

    def getCatIds(self, catNms: Any = (), supNms: Any = (), catIds: Any = ()) -> list[Any]:
        """Return the ids of categories; an empty filter lets all pass.

        Parameters
        ----------
        catNms, supNms : str or sequence of str
            Names of categories, and of those above them.
        catIds : id or sequence of ids
            Ids.

        Returns
        -------
        list
            The ids, in the order of the data set.
        """
        filters = [("name", listed(catNms)), ("supercategory", listed(supNms)), ("id", listed(catIds))]
        wanted = [(key, set(values)) for key, values in filters if values]
        categories = self.dataset.get("categories", [])
        return [c["id"] for c in categories if all(c.get(key) in values for key, values in wanted)]

    def getImgIds(self, imgIds: Any = (), catIds: Any = ()) -> list[Any]:
        """Return the ids of images; an empty filter lets all pass.

        Parameters
        ----------
        imgIds : id or sequence of ids
            Ids.
        catIds : id or sequence of ids
            Categories, of each of which an image must have an annotation.

        Returns
        -------
        list
            The ids, in the order of the data set where it has them, each once.
        """
        images, categories = listed(imgIds), listed(catIds)
        found = list(dict.fromkeys(images)) if images else list(self.imgs)
        for category in categories:
            having = set(self.catToImgs.get(category, ()))
            found = [i for i in found if i in having]
        return found

    def loadAnns(self, ids: Any = ()) -> list[Record]:
        """Return the annotations of `ids`.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.anns, ids, "annotation")

    def loadCats(self, ids: Any = ()) -> list[Record]:
        """Return the categories of `ids`.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.cats, ids, "category")

    def loadImgs(self, ids: Any = ()) -> list[Record]:
        """Return the images of `ids`.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.imgs, ids, "image")

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
        """Return the rows of an array `data`, as `loadRes` takes it, as results.

        Raises
        ------
        BadParameter
            For an array of another shape.
        """
        return rows_of_array(data)

    def annToRLE(self, ann: Mapping[str, Any]) -> Record:
        """Return the mask of an annotation `ann` as run lengths: its own dictionary where it has compressed ones.

        Raises
        ------
        BadRle
            When it is no mask.
        BadParameter
            For an unknown image.
        """
        (image,) = self.loadImgs([ann["image_id"]])
        given = ann["segmentation"]
        if isinstance(given, dict) and isinstance(given.get("counts"), str | bytes):
            return given
        try:
            return rles_of(segmentations([given], [(image["height"], image["width"])]))[0]
        except RleFault as error:
            found = f"annotation {ann.get('id')}: {error.found}"
            raise BadRle(found, expected=error.expected) from None

    def annToMask(self, ann: Mapping[str, Any]) -> NDArray[np.uint8]:
        """Return the mask of an annotation `ann` as pixels, 0 and 1, of the shape of its image.

        Raises
        ------
        BadRle
            When it is no mask.
        """
        pixels: NDArray[np.uint8] = cocomask.decode(self.annToRLE(ann))
        return pixels
