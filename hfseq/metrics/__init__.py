"""Metrics with the interface of `evaluate`. Unlike `evaluate.load`, they need no network."""

import evaluate

from hfseq.errors import HfseqError, nearest
from hfseq.metrics.baselines import last_value, seasonal_naive
from hfseq.metrics.calibration import BrierScore, ExpectedCalibrationError, LogLoss
from hfseq.metrics.classification import F1, Accuracy, MatthewsCorrelation, Precision, Recall, RocAuc
from hfseq.metrics.direction import GREATER_IS_BETTER, TASK_METRICS, default_metric, metric_direction
from hfseq.metrics.forecasting import Mase, compute_forecasting_metrics, seasonal_scale
from hfseq.metrics.generation import (
    Bleu,
    Chrf,
    ExactMatch,
    compute_caption_metrics,
    compute_generation_metrics,
    compute_text_scores,
    generation_signatures,
)
from hfseq.metrics.language_modeling import Perplexity, compute_language_metrics
from hfseq.metrics.quantiles import Pinball, interval_coverage
from hfseq.metrics.regression import R2, Mae, Mse, Pearson, Rmse, Spearman
from hfseq.metrics.sequence_classification import compute_classification_metrics, metric_names
from hfseq.metrics.speech import Cer, Wer, character_edits, compute_speech_metrics
from hfseq.metrics.token_classification import SpanF1, compute_token_metrics, tags_mark_spans

__all__ = [
    "GREATER_IS_BETTER",
    "METRICS",
    "TASK_METRICS",
    "character_edits",
    "compute_caption_metrics",
    "compute_classification_metrics",
    "compute_forecasting_metrics",
    "compute_generation_metrics",
    "compute_language_metrics",
    "compute_speech_metrics",
    "compute_text_scores",
    "compute_token_metrics",
    "default_metric",
    "generation_signatures",
    "interval_coverage",
    "last_value",
    "load",
    "metric_direction",
    "metric_names",
    "seasonal_naive",
    "seasonal_scale",
    "tags_mark_spans",
]

METRICS: dict[str, type[evaluate.Metric]] = {
    "accuracy": Accuracy,
    "bleu": Bleu,
    "brier_score": BrierScore,
    "cer": Cer,
    "chrf": Chrf,
    "exact_match": ExactMatch,
    "expected_calibration_error": ExpectedCalibrationError,
    "f1": F1,
    "log_loss": LogLoss,
    "mae": Mae,
    "mase": Mase,
    "matthews_correlation": MatthewsCorrelation,
    "mse": Mse,
    "pearson": Pearson,
    "perplexity": Perplexity,
    "pinball": Pinball,
    "precision": Precision,
    "r2": R2,
    "recall": Recall,
    "rmse": Rmse,
    "roc_auc": RocAuc,
    "seqeval": SpanF1,
    "spearman": Spearman,
    "wer": Wer,
}


def load(name: str) -> evaluate.Metric:
    """Creates a metric by its name. It works like `evaluate.load`, but with the metrics of this package.

    Args:
        name (`str`): a key of `METRICS`.

    Returns:
        `evaluate.Metric`: a metric with `add`, `add_batch` and `compute`. It can be passed to `evaluate.combine`.

    Raises:
        HfseqError: there is no metric of this name. The message suggests the nearest one.

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
