"""Instances in the JSON of COCO, with the names and arguments of pycocotools, which is not imported.

One import is all there is to change::

    from segbench.compat.pycocotools import COCO, COCOeval, Params, mask

The numbers are those of pycocotools 2.0.11 to the last bit. What differs by intent is said where it differs: at
`COCO`, `COCOeval` and in `segbench.compat.cocomask`.

Examples
--------
>>> square = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 0}
>>> truth = COCO()
>>> truth.dataset = {
...     "images": [{"id": 1, "height": 8, "width": 8}],
...     "categories": [{"id": 1, "name": "square"}],
...     "annotations": [square],
... }
>>> truth.createIndex()
>>> found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 3], "score": 0.9}])
>>> evaluation = COCOeval(truth, found, "bbox")
>>> evaluation.evaluate()
>>> evaluation.accumulate()
>>> evaluation.summarize()  # doctest: +ELLIPSIS
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.600
 Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 1.000
...
"""

from __future__ import annotations

from segbench.compat import cocomask as mask
from segbench.compat.cocodata import COCO
from segbench.compat.cocoeval import COCOeval
from segbench.compat.cocoparams import Params

__all__ = ["COCO", "COCOeval", "Params", "mask"]
