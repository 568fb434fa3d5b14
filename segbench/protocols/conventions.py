"""What scorers disagree about: what each choice of a policy means, and the choices of the scorers in common use."""

from __future__ import annotations

from collections.abc import Mapping

from segbench.frozen import dataclass

#: What each choice of a policy means; ``{void}`` stands for the values that are void in a prediction.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "void_prediction": {
        "error": "A prediction that holds {void} anywhere is refused, even where the truth is void.",
        "miss": "A pixel predicted as {void} is a miss of its true class.",
        "skip": "A pixel predicted as {void} is not counted at all, so giving up on hard pixels gains.",
    },
    "absent": {
        "propagate": "A class in neither truth nor predictions makes its value and the mean undefined.",
        "skip": "A class in neither truth nor predictions is left out of the mean.",
        "zero": "A class in neither truth nor predictions scores 0 and stays in the mean.",
        "one": "A class in neither truth nor predictions scores 1 and stays in the mean.",
    },
    "fp_only": {
        "count": "A class that is predicted but never true scores 0 and stays in the mean.",
        "skip": "A class that is predicted but never true is left out of the mean.",
    },
    "pool": {
        "dataset": "The pixels of all images are added up before anything is divided.",
        "image": "Each image has the mean over the classes defined in it; the value is the mean over images.",
        "class_then_image": "Each class has the mean over the images where it is defined; the value is the mean over "
        "classes.",
    },
    "classes": {
        "all": "Every evaluated class is in the mean.",
        "foreground": "Every evaluated class but the background is in the mean.",
    },
    "empty": {
        "worst": "A structure in only one map is as far off as the diagonal of the image; its share of surfaces is 0.",
        "infinity": "A structure in only one map is infinitely far off; its share of surfaces is 0.",
        "skip": "A structure in only one map is left out, so that finding less may gain.",
    },
    "frames": {
        "inner": "The first and the last frame of each video are left out.",
        "all": "Every frame of a video is scored.",
    },
    "assignment": {
        "identity": "An object is answered by the mask of its own number.",
        "best": "The proposals of a video are assigned to its objects by the largest sum of mean (J + F) / 2.",
    },
    "average": {
        "objects": "The value is the mean over the objects of all videos, each object alike.",
        "sequences": "The value is the mean over videos, each video alike, of the mean over its objects.",
    },
    "ends": {
        "cut": "Frames that are left out are cut away before the mean over frames is taken.",
        "nan": "An undefined value stands at either end for the frames that are left out, as in the tool of 2016; this "
        "moves the last bit of a mean at most.",
    },
    "frame_ids": {
        "exact": "The frames that part the quarters of a video are found by their true numbers.",
        "uint8": "The numbers of the frames that part the quarters are kept in 8 bits, as in the official tools; this "
        "is wrong from 257 frames on.",
    },
    "reading": {
        "python": "The rules are those of the official tool in Python.",
        "matlab": "The rules are those of the official tool in Matlab, by which the published numbers were made: "
        "directions are mirrored, and the truth of the first frame is compared with the second.",
    },
    "sequences": {
        "all": "Every video counts.",
        "official": "The 23 videos do not count for which DAVIS 2016 gives no temporal stability.",
    },
}

#: The policies that the table of conventions compares.
COMPARED = ("void_prediction", "absent", "fp_only")

#: Where a scorer has no such case.
NO_CASE = "–"


@dataclass(frozen=True)
class Convention:
    """The choices of one scorer.

    Parameters
    ----------
    name : str
        The scorer.
    void_truth : str
        Truth pixels it leaves out.
    void_prediction, absent, fp_only : str
        Its choice of each policy; `NO_CASE` where the case cannot occur.
    protocol : str
        The protocol that follows it, if one does.
    note : str
        What the choices do not tell.
    """

    name: str
    void_truth: str
    void_prediction: str
    absent: str
    fp_only: str
    protocol: str = ""
    note: str = ""

    def choice(self, policy: str) -> str:
        """Return the choice of a policy in `COMPARED`."""
        return str(getattr(self, policy))


#: Read in VOCevalseg.m, evalPixelLevelSemanticLabeling.py, intersectionAndUnion.m, compute_test_results.m, and the
#: classes IoUMetric and SemSegEvaluator; `segbench.metrics.rules` defines the words.
CONVENTIONS: tuple[Convention, ...] = (
    Convention("VOC devkit", "255", "error", "propagate", "count", "voc2012"),
    Convention("cityscapesScripts", "ignoreInEval", "miss", "skip", "count", "cityscapes"),
    Convention("ADE20K devkit", "0", "miss", "zero", "count", "ade20k"),
    Convention(
        "SegNet's CamVid script",
        "11",
        "skip",
        "zero",
        "count",
        "camvid",
        "in pixel accuracy a void prediction is a miss",
    ),
    Convention("mmsegmentation", "ignore_index", "miss", "skip", "count"),
    Convention(
        "detectron2, COCO-Stuff",
        "mapped",
        NO_CASE,
        "skip",
        "skip",
        note="only classes that occur in the truth are in the mean",
    ),
)
