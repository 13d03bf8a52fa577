"""Range of the values of each metric, which decides about its interval and its margin."""

import math

_HUNDRED = {"bleu", "bleu_1", "bleu_2", "bleu_3", "bleu_4", "chrf"}
_CORRELATIONS = {"pearson", "spearman", "matthews_correlation"}
# Scores of at most 1 without a lower bound.
_SKILLS = {"r2"}
# An error rate of texts may exceed 1, but is nearly always a share.
_SHARES = {"accuracy", "hamming_accuracy", "exact_match", "roc_auc", "wer", "cer", "coverage_error"}
_SHARES |= {"expected_calibration_error"}
_ERRORS = {"mse", "rmse", "mae", "mase", "smape", "pinball", "brier_score", "log_loss"}
_ERRORS |= {"perplexity", "bits_per_token", "bits_per_character"}


def metric_range(metric: str) -> tuple[float, float]:
    """Smallest and largest value of a metric.

    Args:
        metric (`str`): name of the metric.

    Returns:
        `tuple[float, float]`: for example `(0, 1)` for accuracy, `(0, 100)` for BLEU, `(0, inf)` for errors, and
        `(-inf, inf)` for a metric of the user. Word and character error rates count as shares.
    """
    if metric in _HUNDRED:
        return 0.0, 100.0
    if metric in _CORRELATIONS:
        return -1.0, 1.0
    if metric in _SKILLS:
        return -math.inf, 1.0
    if metric in _SHARES or metric.partition("_")[0] in ("f1", "precision", "recall"):
        return 0.0, 1.0
    if metric in _ERRORS:
        return 0.0, math.inf
    return -math.inf, math.inf
