"""Perplexity and related metrics, computed from sums."""

import math

import pytest

from hfseq.errors import HfseqError
from hfseq.metrics import TASK_METRICS, compute_language_metrics, load


def test_language_metrics_equal_hand_computed_values():
    # Ten tokens, each one of eight equally likely tokens: three bits per token.
    result = compute_language_metrics(10 * math.log(8), 10, num_characters=60, num_frames=5)
    assert result == pytest.approx(
        {"perplexity": 8.0, "bits_per_token": 3.0, "bits_per_character": 0.5, "nll_per_frame": 2 * math.log(8)}
    )
    assert tuple(result) == TASK_METRICS["causal_lm"]


def test_language_metrics_depend_on_the_given_counts():
    assert set(compute_language_metrics(1.0, 2)) == {"perplexity", "bits_per_token"}
    assert compute_language_metrics(6.0, None, num_frames=3) == {"nll_per_frame": 2.0}
    # A perplexity above the largest float is left out.
    assert compute_language_metrics(1000.0, 1) == {"bits_per_token": pytest.approx(1000 / math.log(2))}
    # Rounding may make the sum slightly negative.
    assert compute_language_metrics(-1e-9, 2)["perplexity"] == 1.0


def test_perplexity_class_sums_the_rows():
    metric = load("perplexity")
    metric.add_batch(predictions=[3 * math.log(2), math.log(4)], references=[3, 1])
    metric.add(prediction=0.0, reference=1)
    assert metric.compute() == pytest.approx({"perplexity": 2.0, "bits_per_token": 1.0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((math.nan, 3), "negative log-likelihood is nan: training diverged. Lower the learning rate"),
        ((math.inf, 3), "negative log-likelihood is inf"),
        ((-5.0, 3), "nll_sum must not be negative, but is -5; pass the negative"),
        ((5.0, 0), "num_tokens must be positive, not 0"),
        ((5.0, 1, 0), "num_characters must be positive, not 0"),
        ((5.0, None), "at least one of num_tokens, num_characters and num_frames"),
    ],
)
def test_language_metrics_reject_invalid_input(arguments, message):
    with pytest.raises(HfseqError, match=message):
        compute_language_metrics(*arguments)
