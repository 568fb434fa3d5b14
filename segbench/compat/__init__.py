"""Metrics under the names and in the argument order of other libraries, none of which is imported.

`segbench.compat.sklearn` follows scikit-learn (``y_true, y_pred``), `segbench.compat.torchmetrics` follows
torchmetrics (``preds, target``), and `segbench.compat.pycocotools` has the classes of pycocotools. What a parameter
cannot mean here is refused, never ignored; where a number differs from the library's, the docstring says so.
"""
