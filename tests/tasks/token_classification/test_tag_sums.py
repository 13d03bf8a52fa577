"""The sums of tagged sentences."""

import numpy as np
import pytest

from hfseq.metrics import compute_token_metrics
from hfseq.metrics.sums import metric_from_sums
from hfseq.tasks.token_classification.scoring import tag_sums


@pytest.mark.parametrize("tags", [("O", "B-PER", "I-PER", "B-LOC"), ("NOUN", "VERB", "DET", "ADV")])
def test_tag_sums_give_all_metrics(tags):
    source = np.random.default_rng(1)
    true = [list(source.choice(tags[:3], size=source.integers(1, 9))) for _ in range(15)]
    guess = [[str(source.choice(tags[:3])) if source.random() < 0.3 else tag for tag in row] for row in true]
    metrics, sums = compute_token_metrics(guess, true, tags), tag_sums(guess, true, tags)
    assert set(sums) == set(metrics)
    for name, rows in sums.items():
        assert len(rows) == len(true)
        assert float(metric_from_sums(name, rows.sum(0))) == pytest.approx(metrics[name], rel=1e-12), name


def test_tag_sums_without_spans_have_no_f1():
    assert set(tag_sums([["O", "O"]], [["O", "O"]], ("O", "B-PER"))) == {"accuracy"}
