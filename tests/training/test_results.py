"""What a run says of a training that has diverged."""

import math

import numpy as np
import pytest
from small import TINY

from hfseq import HfseqError, RunRecord, run_training
from hfseq.training.results import _check_converged


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (0.7, np.array([0, 1])),
        (900.0, np.array([[3, -100]])),
        # Targets of thousands: an error of millions is no more than their square.
        (4e6, np.array([1000.0, 3000.0])),
        (4e6, (np.array([[[1000.0], [np.nan]]]), np.array([1.0]))),
    ],
)
def test_high_loss_is_not_a_divergence(loss, labels):
    _check_converged("test", {"loss": loss, "accuracy": 0.1}, labels)


@pytest.mark.parametrize(
    ("metrics", "labels", "message"),
    [
        ({"loss": 3e31}, np.array([0, 1]), "the loss on the test split is 3e\\+31, more than 1e\\+04"),
        ({"loss": 3e31}, np.array([1000.0, 3000.0]), "the loss on the test split is 3e\\+31"),
        ({"loss": math.nan}, np.array([0, 1]), "on the test split, loss is not a finite number"),
        (
            {"loss": 1.0, "perplexity": math.inf},
            np.array([0, 1]),
            "on the test split, perplexity is not a finite number",
        ),
    ],
)
def test_divergence_is_an_error(metrics, labels, message):
    with pytest.raises(HfseqError, match=f"the training has diverged: {message}"):
        _check_converged("test", metrics, labels)


def test_run_with_an_absurd_learning_rate_reports_divergence(reviews, tmp_path):
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path), "learning_rate": 1e30, "max_steps": 3}
    with pytest.raises(HfseqError, match=r"diverged.*Try a lower --learning_rate"):
        run_training(settings)
    record = RunRecord.load(tmp_path)
    assert record.status == "failed" and "diverged" in record.error
