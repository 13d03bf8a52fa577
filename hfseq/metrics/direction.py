"""Direction of each metric (higher or lower is better), and the default metric of each problem type."""

import re
from collections.abc import Iterable
from typing import Literal

from hfseq.errors import HfseqError, nearest
from hfseq.registry import metric_directions, register_metric_direction

# Keys of results that have no `evaluate.Metric` of the same name.
register_metric_direction(
    "hamming_accuracy",
    *(f"{name}_{average}" for name in ("precision", "recall", "f1") for average in ("macro", "micro", "weighted")),
    *("bleu_1", "bleu_2", "bleu_3", "bleu_4"),
    greater_is_better=True,
)
register_metric_direction(
    *("loss", "bits_per_token", "bits_per_character", "nll_per_frame", "smape", "coverage_error"),
    greater_is_better=False,
)

# Metrics of each task except sequence classification. The first one is the default metric.
# - Generated text: not BLEU, which is undefined for texts of fewer than 4 tokens.
# - Captions: BLEU-4, because captions are sentences, and BLEU-4 measures word order best.
# - Transcripts: the character error rate, which is more informative than the word error rate for short transcripts.
# - Forecasts: not MASE, which is undefined for constant histories.
TASK_METRICS: dict[str, tuple[str, ...]] = {
    "token_classification": ("accuracy", "f1_macro"),
    "span_classification": ("f1", "precision", "recall", "accuracy"),
    "causal_lm": ("perplexity", "bits_per_token", "bits_per_character", "nll_per_frame"),
    "sequence_to_sequence": ("chrf", "bleu", "exact_match"),
    "captioning": ("bleu_4", "bleu_3", "bleu_2", "bleu_1"),
    "ctc": ("cer", "wer", "exact_match"),
    "forecasting": ("mse", "mae", "rmse", "smape", "mase", "pinball", "coverage_error"),
}

# Metric that selects the best checkpoint and ranks the models, unless the user chooses another one.
DEFAULT_METRICS: dict[str, str] = {
    "single_label_classification": "accuracy",
    "multi_label_classification": "f1_micro",
    "regression": "mse",
    **{task: names[0] for task, names in TASK_METRICS.items()},
}


def metric_direction(name: str) -> Literal["max", "min"]:
    """Whether a larger or a smaller value of a metric is better.

    Args:
        name (`str`): name of a metric in a result, with or without the prefix ``eval_`` or ``test_``.

    Returns:
        `str`: ``max`` if larger is better, ``min`` if smaller is better.

    Raises:
        HfseqError: the metric is unknown. The message suggests the nearest one.
    """
    bare = re.sub("^(eval|test)_", "", name)
    directions = metric_directions()
    if bare not in directions:
        raise HfseqError(f"there is no metric {name!r}; {nearest(bare, directions)}")
    return "max" if directions[bare] else "min"


def known_directions(names: Iterable[str]) -> dict[str, bool]:
    """Whether greater is better, for each of these metrics that is registered.

    Args:
        names (`Iterable[str]`): names of metrics in a result.
    """
    directions = metric_directions()
    return {name: directions[name] for name in names if name in directions}


def default_metric(problem_type: str) -> str:
    """Default metric of a problem type.

    Args:
        problem_type (`str`): ``single_label_classification``, ``multi_label_classification`` or ``regression``, or a
            key of `TASK_METRICS`.

    Raises:
        HfseqError: the problem type is unknown. The message suggests the nearest one.
    """
    if problem_type not in DEFAULT_METRICS:
        raise HfseqError(f"problem_type {problem_type!r} is not known; {nearest(problem_type, DEFAULT_METRICS)}")
    return DEFAULT_METRICS[problem_type]
