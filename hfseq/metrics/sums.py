"""Metrics as functions of sums over the examples of a split, so that examples can be drawn again without the model.

A run saves a row of numbers per example for each metric (`sums.<metric>`). The sum of the rows gives the metric. With
weights for the examples, or other examples, the weighted sum gives the metric of that sample.
"""

import math
from collections.abc import Callable

import numpy as np

from hfseq.errors import HfseqError

# The perplexity of a model that has diverged is limited to the exponential of this number.
_LARGEST_EXPONENT = 700.0
# Values whose variance is a smaller share of their mean square are constant but for rounding errors.
_ROUNDING = 1e-13


def metric_from_sums(metric: str, sums: np.ndarray) -> np.ndarray:
    """Computes a metric from sums over examples.

    Args:
        metric (`str`): name of the metric.
        sums (`np.ndarray` of shape `(..., k)`): the sums, with the columns of the metric:

            - a metric without a formula of its own, such as `accuracy`, `mse` or `wer`: sum of the values, and count
              (`k` is 2);
            - `rmse`, `perplexity`, `bits_per_token`, `bits_per_character`, `nll_per_frame`: the same, of squared
              errors or of negative log-likelihoods in nats;
            - averages over classes (`f1_macro`, `precision_micro`, ...) and `matthews_correlation`: the columns of
              [`hfseq.metrics.example_sums.class_counts`];
            - `f1`, `precision`, `recall` of spans: correct, predicted and true spans;
            - `pearson`: x, y, x², y², xy and count; `r2`: squared errors, y, y² and count;
            - `expected_calibration_error`, `coverage_error`: a difference per bin or interval, and count;
            - `bleu`, `bleu_1` to `bleu_4`, `chrf`: the counts of sacrebleu.

    Returns:
        `np.ndarray` of shape `(...)`: the metric; NaN where it is undefined.

    Raises:
        HfseqError: the metric has no formula for this number of columns.
    """
    sums = np.asarray(sums, dtype=np.float64)
    formula = _FORMULAS.get(metric)
    if metric in _SPAN_METRICS and sums.shape[-1] != 3:
        formula = None
    if formula is None:
        if sums.shape[-1] != 2:
            raise HfseqError(f"{metric} is no function of {sums.shape[-1]} sums: its sums are a total and a count")
        formula = _ratio
    with np.errstate(divide="ignore", invalid="ignore"):
        return formula(sums)


def has_formula(metric: str, columns: int) -> bool:
    """Whether [`metric_from_sums`] computes a metric from this number of columns."""
    try:
        metric_from_sums(metric, np.ones(columns))
    except HfseqError:
        return False
    return True


def _ratio(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def _rmse(sums: np.ndarray) -> np.ndarray:
    return np.sqrt(_ratio(sums))


def _perplexity(sums: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(_nats(sums), _LARGEST_EXPONENT))


def _bits(sums: np.ndarray) -> np.ndarray:
    return _nats(sums) / math.log(2)


def _nats(sums: np.ndarray) -> np.ndarray:
    return np.maximum(sums[..., 0], 0.0) / sums[..., 1]


# Classes.


def _split_classes(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of correct, predicted and true rows, `(..., classes)`, and which classes count."""
    correct, predicted, true = np.split(sums[..., 1:], 3, axis=-1)
    return correct, predicted, true, (predicted + true > 0) | (sums[..., :1] > 0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A quotient; 0 where the whole is 0, as with `zero_division=0` of scikit-learn."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def _precision(correct: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _share(correct, predicted)


def _recall(correct: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _share(correct, true)


def _f1(correct: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _share(2 * correct, predicted + true)


_Score = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_Formula = Callable[[np.ndarray], np.ndarray]


def _macro(score: _Score) -> _Formula:
    def formula(sums: np.ndarray) -> np.ndarray:
        correct, predicted, true, counted = _split_classes(sums)
        return np.where(counted, score(correct, predicted, true), 0).sum(-1) / counted.sum(-1)

    return formula


def _micro(score: _Score) -> _Formula:
    def formula(sums: np.ndarray) -> np.ndarray:
        correct, predicted, true, _ = _split_classes(sums)
        return score(correct.sum(-1), predicted.sum(-1), true.sum(-1))

    return formula


def _weighted(score: _Score) -> _Formula:
    def formula(sums: np.ndarray) -> np.ndarray:
        correct, predicted, true, _ = _split_classes(sums)
        return (true * score(correct, predicted, true)).sum(-1) / true.sum(-1)

    return formula


def _matthews(sums: np.ndarray) -> np.ndarray:
    correct, predicted, true, _ = _split_classes(sums)
    hits, rows = correct.sum(-1), true.sum(-1)
    covariance = hits * rows - (predicted * true).sum(-1)
    product = (rows**2 - (predicted**2).sum(-1)) * (rows**2 - (true**2).sum(-1))
    return np.where(product > 0, covariance / np.sqrt(np.where(product > 0, product, 1)), 0.0)


def _spans(score: _Score) -> _Formula:
    def formula(sums: np.ndarray) -> np.ndarray:
        correct, predicted, true = np.moveaxis(sums, -1, 0)
        return np.where(predicted + true > 0, score(correct, predicted, true), np.nan)

    return formula


# Numbers.


def _pearson(sums: np.ndarray) -> np.ndarray:
    x, y, xx, yy, xy, count = np.moveaxis(sums, -1, 0)
    variances = [_variance(x, xx, count), _variance(y, yy, count)]
    return (xy - x * y / count) / np.sqrt(variances[0] * variances[1])


def _r2(sums: np.ndarray) -> np.ndarray:
    squares, y, yy, count = np.moveaxis(sums, -1, 0)
    return 1 - squares / _variance(y, yy, count)


def _variance(total: np.ndarray, squares: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The sum of squared differences from the mean; NaN for constant values."""
    variance = squares - total**2 / count
    return np.where(variance > _ROUNDING * squares, variance, np.nan)


def _mean_gap(sums: np.ndarray) -> np.ndarray:
    """Sum of the absolute differences of the bins, relative to the count, without rounding errors of the sums."""
    return np.round(np.abs(sums[..., :-1]).sum(-1) / sums[..., -1], 12)


def _coverage_error(sums: np.ndarray) -> np.ndarray:
    return _mean_gap(sums) / (sums.shape[-1] - 1)


# Texts.


def _bleu(smooth: bool) -> _Formula:
    def formula(sums: np.ndarray) -> np.ndarray:
        order = (sums.shape[-1] - 2) // 2
        guess, reference = sums[..., 0], sums[..., 1]
        correct, total = sums[..., 2 : 2 + order], sums[..., 2 + order :]
        missed = (correct == 0) & (total > 0)
        # Exponential smoothing: the first order without matches counts 1/2 match, the next one 1/4, and so on.
        smoothed = 0.5 ** np.cumsum(missed, axis=-1) / total if smooth else np.zeros_like(total)
        precisions = np.where(total > 0, np.where(missed, smoothed, correct / total), 0.0)
        brevity = np.where(guess < reference, np.exp(1 - reference / guess), 1.0)
        score = 100 * brevity * np.exp(np.log(precisions).mean(-1))
        return np.where(correct.sum(-1) > 0, score, 0.0)

    return formula


def _chrf(sums: np.ndarray) -> np.ndarray:
    factor = 2**2  # recall counts twice as much as precision
    guess, reference, matched = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)  # (..., orders)
    used = (guess > 0) & (reference > 0)
    orders = np.maximum(used.sum(-1), 1)
    precision = np.where(used, _share(matched, guess), 0).sum(-1) / orders
    recall = np.where(used, _share(matched, reference), 0).sum(-1) / orders
    return 100 * _share((1 + factor) * precision * recall, factor * precision + recall)


_SPAN_METRICS = ("f1", "precision", "recall")
_SCORES: dict[str, _Score] = {"f1": _f1, "precision": _precision, "recall": _recall}
_FORMULAS: dict[str, _Formula] = {
    "rmse": _rmse,
    "perplexity": _perplexity,
    "bits_per_token": _bits,
    "bits_per_character": _bits,
    "nll_per_frame": _nats,
    **{f"{name}_macro": _macro(score) for name, score in _SCORES.items()},
    **{f"{name}_micro": _micro(score) for name, score in _SCORES.items()},
    **{f"{name}_weighted": _weighted(score) for name, score in _SCORES.items()},
    **{name: _spans(score) for name, score in _SCORES.items()},
    "matthews_correlation": _matthews,
    "pearson": _pearson,
    "r2": _r2,
    "expected_calibration_error": _mean_gap,
    "coverage_error": _coverage_error,
    "bleu": _bleu(smooth=True),
    **{f"bleu_{order}": _bleu(smooth=False) for order in range(1, 5)},
    "chrf": _chrf,
}
