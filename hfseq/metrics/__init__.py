"""Metrics in the form of `evaluate`, without the network that `evaluate.load` needs."""

import evaluate

from hfseq.errors import HfseqError, nearest
from hfseq.metrics.calibration import BrierScore, ExpectedCalibrationError, LogLoss
from hfseq.metrics.classification import F1, Accuracy, MatthewsCorrelation, Precision, Recall, RocAuc
from hfseq.metrics.direction import GREATER_IS_BETTER, default_metric, metric_direction
from hfseq.metrics.regression import R2, Mae, Mse, Pearson, Rmse, Spearman
from hfseq.metrics.sequence_classification import compute_classification_metrics, metric_names

__all__ = [
    "GREATER_IS_BETTER",
    "METRICS",
    "compute_classification_metrics",
    "default_metric",
    "load",
    "metric_direction",
    "metric_names",
]

METRICS: dict[str, type[evaluate.Metric]] = {
    "accuracy": Accuracy,
    "brier_score": BrierScore,
    "expected_calibration_error": ExpectedCalibrationError,
    "f1": F1,
    "log_loss": LogLoss,
    "mae": Mae,
    "matthews_correlation": MatthewsCorrelation,
    "mse": Mse,
    "pearson": Pearson,
    "precision": Precision,
    "r2": R2,
    "recall": Recall,
    "rmse": Rmse,
    "roc_auc": RocAuc,
    "spearman": Spearman,
}


def load(name: str) -> evaluate.Metric:
    """A metric by its name, as `evaluate.load` gives one, but from this package.

    Args:
        name (`str`): a key of `METRICS`.

    Returns:
        `evaluate.Metric`: with `add`, `add_batch` and `compute`, and fit for `evaluate.combine`.

    Raises:
        HfseqError: where there is none of that name; the message names the nearest one.

    Example:

    ```py
    >>> from hfseq.metrics import load
    >>> load("accuracy").compute(predictions=[0, 1, 1], references=[0, 1, 0])
    {'accuracy': 0.6666666666666666}
    ```
    """
    if name not in METRICS:
        raise HfseqError(f"there is no metric {name!r}; {nearest(name, METRICS)}")
    return METRICS[name]()
