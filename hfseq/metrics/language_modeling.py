"""Metrics of language models, computed from sums over the whole data.

Means over batches are not used, because they depend on the number of tokens in each batch and process.
"""

import math
from typing import Any

import numpy as np

from hfseq.errors import HfseqError
from hfseq.metrics.base import OfflineMetric
from hfseq.registry import register_metric


def compute_language_metrics(
    nll_sum: float,
    num_tokens: int | None,
    num_characters: int | None = None,
    num_frames: int | None = None,
) -> dict[str, float]:
    """Computes all metrics of a language model from the negative log-likelihood of the whole data.

    Perplexity and bits per token of two models are comparable only if both use the same tokens. Bits per character are
    always comparable.

    Args:
        nll_sum (`float`): negative log-likelihood in nats, summed over all predicted tokens.
        num_tokens (`int` or `None`): number of predicted tokens, for `perplexity` (left out if it exceeds the largest
            float) and `bits_per_token`. `None` for data without tokens, such as music.
        num_characters (`int`, *optional*): number of characters of these tokens, for `bits_per_character`.
        num_frames (`int`, *optional*): number of predicted time steps of music, for `nll_per_frame` in nats
            (Boulanger-Lewandowski et al. 2012).

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: the sum is not finite or is negative, a count is not positive, or all counts are `None`.
    """
    counts = {"num_tokens": num_tokens, "num_characters": num_characters, "num_frames": num_frames}
    given = {name: float(count) for name, count in counts.items() if count is not None}
    nll = _checked_sum(nll_sum, given)
    result = {}
    if "num_tokens" in given:
        per_token = nll / given["num_tokens"]
        perplexity = _exp(per_token)
        result = {} if perplexity is None else {"perplexity": perplexity}
        result["bits_per_token"] = per_token / math.log(2)
    if "num_characters" in given:
        result["bits_per_character"] = nll / given["num_characters"] / math.log(2)
    if "num_frames" in given:
        result["nll_per_frame"] = nll / given["num_frames"]
    return result


def _checked_sum(nll_sum: float, counts: dict[str, float]) -> float:
    nll = float(nll_sum)
    if not math.isfinite(nll):
        raise HfseqError(
            f"the negative log-likelihood is {nll}: training diverged. Lower the learning rate, clip the gradients "
            "(max_grad_norm), or train in float32 or bfloat16 instead of float16."
        )
    if not counts:
        raise HfseqError("pass at least one of num_tokens, num_characters and num_frames.")
    for name, count in counts.items():
        if not 0 < count < math.inf:
            raise HfseqError(f"{name} must be positive, not {count:g}; the data has nothing to predict.")
    # If every token is predicted with probability 1, rounding may make the sum slightly negative.
    if nll < -1e-6 * max(counts.values()):
        raise HfseqError(f"nll_sum must not be negative, but is {nll:g}; pass the negative log-likelihood.")
    return max(nll, 0.0)


def _exp(value: float) -> float | None:
    try:
        return math.exp(value)
    except OverflowError:
        return None


@register_metric("perplexity", greater_is_better=False)
class Perplexity(OfflineMetric):
    """Perplexity of a language model, computed from sums of negative log-likelihoods.

    `predictions` are sums in nats over the tokens of each row (a document, a batch). `references` are the numbers of
    tokens of the rows. Result: ``perplexity`` (left out if it exceeds the largest float) and ``bits_per_token``.
    """

    citation_text = (
        "Jelinek, F., Mercer, R. L., Bahl, L. R. and Baker, J. K. (1977). Perplexity: a measure of the difficulty of "
        "speech recognition tasks. Journal of the Acoustical Society of America 62."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return compute_language_metrics(math.fsum(predictions), int(references.sum()))
