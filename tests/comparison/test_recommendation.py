import numpy as np
import pytest

from hfseq.comparison.recommendation import Candidate, recommend
from hfseq.comparison.statistics import summarize

SMALL = {"size_on_disk_bytes": 2e6, "train_seconds": 10.0, "latency_p50_ms": 1.0}
LARGE = {"size_on_disk_bytes": 90e6, "train_seconds": 100.0, "latency_p50_ms": 20.0}


def candidate(*values, costs=SMALL, scores=None):
    return Candidate(summarize(values), costs, scores)


def choose(candidates, metric="accuracy", greater_is_better=True, test_examples=100):
    return recommend(candidates, metric, greater_is_better, test_examples)


def test_recommend_without_candidates_returns_none():
    assert choose({}) is None


def test_recommend_with_one_candidate_chooses_it():
    assert choose({"lstm": candidate(0.9)}) == {
        "model": "lstm",
        "sentence": "lstm is the only model that finished: test accuracy 0.900.",
    }


def test_recommend_chooses_the_cheaper_model_on_a_tie():
    chosen = choose({"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.89)})
    assert chosen == {
        "model": "lstm",
        "sentence": "Choose lstm: its test accuracy (0.890) is not significantly worse than that of the best model, "
        "minilm (0.900). The difference of 0.010 is within the margin of error (0.087). lstm needs 1/45 of the size "
        "on disk, 1/10 of the training time and 1/20 of the time per example.",
    }


def test_recommend_chooses_an_expensive_model_that_is_better_and_names_its_costs():
    chosen = choose({"lstm": candidate(0.89), "minilm": candidate(0.9, costs=LARGE)}, test_examples=100_000)
    assert chosen == {
        "model": "minilm",
        "sentence": "Choose minilm: its test accuracy (0.900) is the best, 0.010 better than lstm (margin of error: "
        "0.003). It needs 45 times the size on disk, 10 times the training time and 20 times the time per example.",
    }


def test_recommend_chooses_the_best_and_cheapest_model():
    chosen = choose({"lstm": candidate(0.9), "minilm": candidate(0.8, costs=LARGE)}, test_examples=10_000)
    assert chosen["model"] == "lstm"
    assert chosen["sentence"].endswith("0.100 better than minilm (margin of error: 0.010). It does not cost more.")


def test_recommend_chooses_the_best_model_of_a_tie_if_it_is_the_cheapest():
    chosen = choose({"lstm": candidate(0.9), "minilm": candidate(0.88, costs=LARGE)})
    assert chosen == {
        "model": "lstm",
        "sentence": "Choose lstm: its test accuracy (0.900) is the best. minilm (0.880) is within the margin of error "
        "(0.088), but no equally good model costs less.",
    }


def test_recommend_supports_metrics_where_lower_is_better():
    candidates = {"lstm": candidate(20.0), "gru": candidate(12.5), "minilm": candidate(15.0, costs=LARGE)}
    chosen = choose(candidates, "mse", greater_is_better=False)
    assert chosen["model"] == "gru"
    expected = "its test mse (12.5) is the best, 2.500 better than minilm (margin of error: unknown with one seed"
    assert expected in chosen["sentence"]


def test_recommend_finds_ties_where_lower_is_better():
    candidates = {"minilm": candidate(11.0, 13.0, costs=LARGE), "lstm": candidate(12.0, 13.0)}
    chosen = choose(candidates, "mse", greater_is_better=False)
    assert chosen["model"] == "lstm"
    assert "is within the margin of error (2.236)" in chosen["sentence"]


def test_recommend_finds_a_tie_if_the_seeds_vary():
    constant = {"minilm": candidate(0.9, 0.9, 0.9, costs=LARGE), "lstm": candidate(0.88, 0.88, 0.88)}
    varying = {"minilm": candidate(0.9, 0.9, 0.9, costs=LARGE), "lstm": candidate(0.82, 0.88, 0.94)}
    assert choose(constant, test_examples=100_000)["model"] == "minilm"
    assert choose(varying, test_examples=100_000)["model"] == "lstm"


def test_recommend_finds_differences_with_paired_scores_only():
    rows = np.arange(100)
    scores = {"minilm": (rows < 90).astype(float), "lstm": (rows < 82).astype(float)}
    unpaired = {"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.82)}
    paired = {name: Candidate(one.metric, one.costs, scores[name]) for name, one in unpaired.items()}
    assert choose(unpaired)["model"] == "lstm"
    assert choose(paired)["model"] == "minilm"


def test_recommend_ignores_scores_of_only_one_model():
    candidates = {"minilm": candidate(0.9, costs=LARGE, scores=np.ones(100)), "lstm": candidate(0.82)}
    assert choose(candidates)["sentence"] == choose({**candidates, "minilm": candidate(0.9, costs=LARGE)})["sentence"]


def test_recommend_names_the_second_best_of_the_tied_models():
    rows = np.arange(200)
    best = np.where(rows < 180, 1.0, 0.0)
    # Wrong on the same examples as the best model and on 4 more: significantly worse.
    worse = np.where(rows < 176, 1.0, 0.0)
    # A lower mean, but wrong on different examples: not significantly worse.
    tied = np.where((rows < 160) | (rows >= 186), 1.0, 0.0)
    cost = {"best": SMALL, "worse": LARGE, "tied": LARGE}
    scores = {"best": best, "worse": worse, "tied": tied}
    models = {name: candidate(scores[name].mean(), costs=cost[name], scores=scores[name]) for name in scores}
    sentence = choose(models, test_examples=200)["sentence"]
    assert "Choose best" in sentence and "tied (0.870) is within the margin of error" in sentence


def test_recommend_chooses_the_cheapest_of_several_tied_models():
    middle = {"size_on_disk_bytes": 9e6, "train_seconds": 50.0, "latency_p50_ms": 5.0}
    candidates = {
        "minilm": candidate(0.9, costs=LARGE),
        "transformer": candidate(0.89, costs=middle),
        "lstm": candidate(0.88),
        # Cheaper than all others, but significantly worse.
        "rnn": candidate(0.6, costs={"size_on_disk_bytes": 1.0, "train_seconds": 1.0, "latency_p50_ms": 0.1}),
    }
    assert choose(candidates)["model"] == "lstm"


@pytest.mark.parametrize("costs", [{}, {"size_on_disk_bytes": None, "train_seconds": 0}])
def test_recommend_ignores_unknown_costs(costs):
    chosen = choose({"lstm": candidate(0.89, costs=costs), "minilm": candidate(0.9, costs=LARGE)})
    assert chosen["model"] == "minilm"
    assert "no equally good model costs less" in chosen["sentence"]


def test_recommend_compares_only_shared_costs():
    chosen = choose({"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.89, costs={"train_seconds": 50.0})})
    assert chosen["model"] == "lstm"
    assert chosen["sentence"].endswith("lstm needs 1/2 of the training time.")


def test_recommend_chooses_the_better_of_models_with_similar_costs():
    def costs(factor):
        return {"size_on_disk_bytes": factor * 2e6, "train_seconds": factor * 10.0, "latency_p50_ms": factor * 1.0}

    candidates = {
        "minilm": candidate(0.9, costs=LARGE),
        "lstm": candidate(0.89, costs=costs(1.2)),
        "gru": candidate(0.87, costs=costs(1.0)),
    }
    assert choose(candidates)["model"] == "lstm"
    # Twice the cost is not similar.
    assert choose({**candidates, "lstm": candidate(0.89, costs=costs(2.0))})["model"] == "gru"
