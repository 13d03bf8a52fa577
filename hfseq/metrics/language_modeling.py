"""Metrics of language models, from sums over the whole of the data.

Sums, and not means of batches: a mean of batches depends on how many tokens each batch and each process got.
"""

import math
from typing import Any

import numpy as np

from hfseq.errors import HfseqError
from hfseq.metrics.base import OfflineMetric


def compute_language_metrics(
    nll_sum: float,
    num_tokens: int | None,
    num_characters: int | None = None,
    num_frames: int | None = None,
) -> dict[str, float]:
    """Every metric of a language model, from the negative log-likelihood of the whole data.

    Perplexities and bits per token of two models compare only where both cut the text into the same tokens; bits per
    character compare always.

    Args:
        nll_sum (`float`): the negative log-likelihood, in nats, summed over all predicted tokens.
        num_tokens (`int` or `None`): how many tokens were predicted: `perplexity` (left out where it is beyond the
            largest float) and `bits_per_token`. `None` where there are none to speak of, as in music.
        num_characters (`int`, *optional*): how many characters these tokens stand for: `bits_per_character`.
        num_frames (`int`, *optional*): how many time steps were predicted, in music: `nll_per_frame`, in nats
            (Boulanger-Lewandowski et al. 2012).

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where the sum is not finite or below 0, or a count is not above 0, or all of them are `None`.
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
        raise HfseqError("give at least one of num_tokens, num_characters and num_frames.")
    for name, count in counts.items():
        if not 0 < count < math.inf:
            raise HfseqError(f"{name} must be above 0, not {count:g}; there was nothing to predict.")
    # Where every token is certain, rounding may leave the sum a hair below zero.
    if nll < -1e-6 * max(counts.values()):
        raise HfseqError(f"nll_sum must not be below 0, but is {nll:g}; give the negative log-likelihood.")
    return max(nll, 0.0)


def _exp(value: float) -> float | None:
    try:
        return math.exp(value)
    except OverflowError:
        return None


class Perplexity(OfflineMetric):
    """The perplexity of a language model, from sums of negative log-likelihoods.

    `predictions` are the sums, in nats, of the tokens of a row (a document, a batch); `references` how many tokens
    that row has. Result: ``perplexity`` (left out where it is beyond the largest float) and ``bits_per_token``.
    """

    citation_text = (
        "Jelinek, F., Mercer, R. L., Bahl, L. R. and Baker, J. K. (1977). Perplexity: a measure of the difficulty of "
        "speech recognition tasks. Journal of the Acoustical Society of America 62."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return compute_language_metrics(math.fsum(predictions), int(references.sum()))
