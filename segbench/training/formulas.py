"""The losses by name, with formula, parameters and source: what a list of them shows without torch.

In the formulas, sums over i run over the pixels whose truth is not void, of all images of a batch, and those over c
over the classes; p is 1 where the truth is the class and 0 elsewhere, q the softmax of the logits, y the class of a
pixel, and N the number of its pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from segbench.frozen import dataclass


@dataclass(frozen=True)
class Formula:
    """What is known of a loss without its code.

    Parameters
    ----------
    text : str
        The formula, on one line.
    source : str
        Where it comes from.
    parameters : mapping of str to str
        Each field with its default, or with its choices, the default first.
    """

    text: str
    source: str
    parameters: Mapping[str, str] = field(default_factory=dict)


#: What a class weighs by the rules of `ClassCounts.weights`: n_c of the n pixels are of class c, f_c is its share.
WEIGHTS: Mapping[str, str] = {
    "none": "1",
    "inverse": "n / (C n_c), C the number of classes that occur",
    "median_frequency": "median(f) / f_c with f_c = n_c / n",
    "median_frequency_by_image": "the same with f_c = n_c / pixels of the images that have the class",
    "enet": "1 / ln(1.02 + n_c / n)",
}

_WEIGHTS = " | ".join(WEIGHTS)
_DIVISORS = "weights | pixels | one"
_ABSENT = "skip | one | count"
_OVERLAP = {"absent": _ABSENT, "smooth": "0"}

FORMULAS: Mapping[str, Formula] = {
    "cross_entropy": Formula(
        "Σ_i w(y) · (−log q_y) / Σ_i w(y); divide_by=pixels: / N, divide_by=one: the sum itself",
        "class weights: Eigen & Fergus 2015 and Badrinarayanan et al. 2017 (median frequency), Paszke et al. 2016 "
        "(ENet); the sum itself: Long et al. 2015",
        {"weights": _WEIGHTS, "divide_by": _DIVISORS},
    ),
    "edge_cross_entropy": Formula(
        "Σ_i w_i · (−log q_y) / N with w_i = w(y) + w0 · exp(−(d1 + d2)² / (2 sigma²)) on background, d1 and d2 the "
        "distances to the two nearest cells",
        "Ronneberger et al. 2015 (U-Net)",
        {
            "weights": _WEIGHTS,
            "w0": "10",
            "sigma": "5",
            "background": "0",
            "divide_by": "pixels | weights | one",
        },
    ),
    "soft_iou": Formula(
        "1 − mean_c (Σ_i pq + smooth) / (Σ_i (p + q − pq) + smooth); form=sum: Σ_c (1 − …)",
        "Rahman & Wang 2016; the sum form: Gruss 2017 (survey)",
        {**_OVERLAP, "form": "mean | sum"},
    ),
    "dice": Formula(
        "1 − mean_c (2 Σ_i pq + smooth) / (Σ_i p + Σ_i q + smooth); denominator=squares: Σ_i p² + Σ_i q²",
        "Drozdzal et al. 2016; squares: Milletari et al. 2016 (V-Net)",
        {**_OVERLAP, "denominator": "sums | squares"},
    ),
    "tversky": Formula(
        "1 − mean_c (Σ_i pq + smooth) / (Σ_i pq + alpha Σ_i (1 − p) q + beta Σ_i p (1 − q) + smooth)",
        "Salehi et al. 2017",
        {**_OVERLAP, "alpha": "0.3", "beta": "0.7"},
    ),
    "ce_dice": Formula(
        "ce · cross_entropy + dice · dice",
        "Gruss 2017 (survey)",
        {"ce": "0.1", "dice": "0.9"},
    ),
    "ce_log_iou": Formula(
        "cross_entropy − log(mean_c Σ_i pq / Σ_i (p + q − pq) + epsilon)",
        "Iglovikov et al. 2017",
        {"epsilon": "1e-07"},
    ),
    "total_variation": Formula(
        "Σ_c Σ_xy (|q(x+1, y) − q(x, y)| + |q(x, y+1) − q(x, y)|) / N, over pairs of which neither is void; "
        "void=in: over all pairs, / all pixels",
        "Javanmardi et al. 2016",
        {"void": "out | in"},
    ),
    "l1": Formula(
        "Σ_c Σ_i |p − q| / N = 2 Σ_i (1 − q_y) / N",
        "Isola et al. 2017 (pix2pix)",
    ),
    "lovasz": Formula(
        "mean_c Σ_k e_k · (J_k − J_(k−1)), e = |p − q| in descending order, J_k = 1 − IoU once the first k are wrong",
        "Berman et al. 2018",
    ),
}
