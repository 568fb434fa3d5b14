"""The indices of a data set in the JSON of COCO, and what is found by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Any

from segbench.compat.cocorecords import Record, by_id, ids_in, listed, picked, records_in, value_of


class Index:
    """Images, categories and annotations by their ids.

    Attributes
    ----------
    dataset : dict
        What was indexed.
    anns, cats, imgs : dict
        Annotations, categories and images by id.
    imgToAnns : dict of list of dict
        The annotations of each image.
    catToImgs : dict of list
        The image of each annotation of each category.
    """

    def __init__(self) -> None:
        self.dataset: Record = {}
        self.anns: dict[Any, Record] = {}
        self.cats: dict[Any, Record] = {}
        self.imgs: dict[Any, Record] = {}
        self.imgToAnns: dict[Any, list[Record]] = defaultdict(list)
        self.catToImgs: dict[Any, list[Any]] = defaultdict(list)

    def createIndex(self) -> None:
        """Make the indices of `dataset`.

        Raises
        ------
        DatasetError
            For a record without one of its ids, or with one that is none.
        """
        annotations = records_in(self.dataset, "annotations")
        by_image, by_category = defaultdict(list), defaultdict(list)
        self.anns = by_id(annotations, "annotation")
        self.imgs = by_id(records_in(self.dataset, "images"), "image")
        self.cats = by_id(records_in(self.dataset, "categories"), "category")
        for image, annotation in zip(ids_in(annotations, "image_id", "annotation"), annotations, strict=True):
            by_image[image].append(annotation)
        if "categories" in self.dataset:
            of_category = ids_in(annotations, "category_id", "annotation")
            for category, annotation in zip(of_category, annotations, strict=True):
                by_category[category].append(annotation["image_id"])
        self.imgToAnns, self.catToImgs = by_image, by_category

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
        """Return some annotations.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        list of dict
            Their records, in the order of the ids.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.anns, ids, "annotation")

    def loadCats(self, ids: Any = ()) -> list[Record]:
        """Return some categories.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        list of dict
            Their records, in the order of the ids.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.cats, ids, "category")

    def loadImgs(self, ids: Any = ()) -> list[Record]:
        """Return some images.

        Parameters
        ----------
        ids : id or sequence of ids
            Which.

        Returns
        -------
        list of dict
            Their records, in the order of the ids.

        Raises
        ------
        BadParameter
            For an unknown id.
        """
        return picked(self.imgs, ids, "image")
