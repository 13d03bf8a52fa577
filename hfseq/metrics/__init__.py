"""Metrics with the interface of `evaluate`. Unlike `evaluate.load`, they need no network."""

from typing import TYPE_CHECKING

from hfseq.errors import HfseqError, nearest
from hfseq.lazy import lazy_names
from hfseq.registry import metrics

if TYPE_CHECKING:
    import evaluate

    from hfseq.metrics.baselines import last_value, seasonal_naive
    from hfseq.metrics.direction import TASK_METRICS, default_metric, metric_direction
    from hfseq.metrics.forecasting import compute_forecasting_metrics, seasonal_scale
    from hfseq.metrics.generation import (
        compute_caption_metrics,
        compute_generation_metrics,
        compute_text_scores,
        generation_signatures,
    )
    from hfseq.metrics.language_modeling import compute_language_metrics
    from hfseq.metrics.quantiles import interval_coverage
    from hfseq.metrics.sequence_classification import compute_classification_metrics, metric_names
    from hfseq.metrics.speech import character_edits, compute_speech_metrics
    from hfseq.metrics.token_classification import compute_token_metrics, tags_mark_spans

__all__ = [
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


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "TASK_METRICS": ".direction",
        "character_edits": ".speech",
        "compute_caption_metrics": ".generation",
        "compute_classification_metrics": ".sequence_classification",
        "compute_forecasting_metrics": ".forecasting",
        "compute_generation_metrics": ".generation",
        "compute_language_metrics": ".language_modeling",
        "compute_speech_metrics": ".speech",
        "compute_text_scores": ".generation",
        "compute_token_metrics": ".token_classification",
        "default_metric": ".direction",
        "generation_signatures": ".generation",
        "interval_coverage": ".quantiles",
        "last_value": ".baselines",
        "metric_direction": ".direction",
        "metric_names": ".sequence_classification",
        "seasonal_naive": ".baselines",
        "seasonal_scale": ".forecasting",
        "tags_mark_spans": ".token_classification",
    },
)


def load(name: str) -> "evaluate.Metric":
    """Creates a metric by its name. It works like `evaluate.load`, but with the metrics of this package.

    Args:
        name (`str`): name of a registered metric.

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
    known = metrics()
    if name not in known:
        raise HfseqError(f"there is no metric {name!r}; {nearest(name, known)}")
    return known[name]()
