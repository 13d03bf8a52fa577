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


def test_nothing_to_choose_from():
    assert choose({}) is None


def test_the_only_model():
    assert choose({"lstm": candidate(0.9)}) == {
        "model": "lstm",
        "sentence": "lstm is the only model that finished: test accuracy 0.900.",
    }


def test_cheaper_model_is_chosen_on_a_tie():
    chosen = choose({"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.89)})
    assert chosen == {
        "model": "lstm",
        "sentence": "Choose lstm: its test accuracy of 0.890 is not distinguishable from that of the best, minilm "
        "(0.900; the difference of 0.010 is within the error of 0.087), at 1/45 of the size on disk, 1/10 of the "
        "training time and 1/20 of the time per example.",
    }


def test_dear_model_is_chosen_where_it_is_better_and_its_price_is_told():
    chosen = choose({"lstm": candidate(0.89), "minilm": candidate(0.9, costs=LARGE)}, test_examples=100_000)
    assert chosen == {
        "model": "minilm",
        "sentence": "Choose minilm: its test accuracy of 0.900 is the best, 0.010 ahead of lstm (error 0.003); that "
        "costs 45 times the size on disk, 10 times the training time and 20 times the time per example.",
    }


def test_best_and_cheapest():
    chosen = choose({"lstm": candidate(0.9), "minilm": candidate(0.8, costs=LARGE)}, test_examples=10_000)
    assert chosen["model"] == "lstm"
    assert chosen["sentence"].endswith("0.100 ahead of minilm (error 0.010), and it costs no more.")


def test_tie_in_which_the_best_is_the_cheapest():
    chosen = choose({"lstm": candidate(0.9), "minilm": candidate(0.88, costs=LARGE)})
    assert chosen == {
        "model": "lstm",
        "sentence": "Choose lstm: its test accuracy of 0.900 is the best, and no other model as good costs less "
        "(next: minilm, 0.880, within the error of 0.088).",
    }


def test_lower_is_better():
    candidates = {"lstm": candidate(20.0), "gru": candidate(12.5), "minilm": candidate(15.0, costs=LARGE)}
    chosen = choose(candidates, "mse", greater_is_better=False)
    assert chosen["model"] == "gru"
    assert (
        "its test mse of 12.5 is the best, 2.500 ahead of minilm (error not known from one seed" in chosen["sentence"]
    )


def test_lower_is_better_and_tied():
    candidates = {"minilm": candidate(11.0, 13.0, costs=LARGE), "lstm": candidate(12.0, 13.0)}
    chosen = choose(candidates, "mse", greater_is_better=False)
    assert chosen["model"] == "lstm"
    assert "is within the error of 2.236" in chosen["sentence"]


def test_spread_over_the_seeds_makes_a_tie():
    steady = {"minilm": candidate(0.9, 0.9, 0.9, costs=LARGE), "lstm": candidate(0.88, 0.88, 0.88)}
    shaky = {"minilm": candidate(0.9, 0.9, 0.9, costs=LARGE), "lstm": candidate(0.82, 0.88, 0.94)}
    assert choose(steady, test_examples=100_000)["model"] == "minilm"
    assert choose(shaky, test_examples=100_000)["model"] == "lstm"


def test_paired_scores_tell_apart_what_unpaired_ones_cannot():
    rows = np.arange(100)
    scores = {"minilm": (rows < 90).astype(float), "lstm": (rows < 82).astype(float)}
    unpaired = {"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.82)}
    paired = {name: Candidate(one.metric, one.costs, scores[name]) for name, one in unpaired.items()}
    assert choose(unpaired)["model"] == "lstm"
    assert choose(paired)["model"] == "minilm"


def test_scores_of_one_model_alone_cannot_be_paired():
    candidates = {"minilm": candidate(0.9, costs=LARGE, scores=np.ones(100)), "lstm": candidate(0.82)}
    assert choose(candidates)["sentence"] == choose({**candidates, "minilm": candidate(0.9, costs=LARGE)})["sentence"]


def test_the_next_of_those_that_are_as_good_is_named():
    rows = np.arange(200)
    best = np.where(rows < 180, 1.0, 0.0)
    worse = np.where(rows < 176, 1.0, 0.0)  # wrong wherever the best is, and on four more: certainly behind
    tied = np.where((rows < 160) | (rows >= 186), 1.0, 0.0)  # further behind, but wrong elsewhere
    cost = {"best": SMALL, "worse": LARGE, "tied": LARGE}
    scores = {"best": best, "worse": worse, "tied": tied}
    models = {name: candidate(scores[name].mean(), costs=cost[name], scores=scores[name]) for name in scores}
    sentence = choose(models, test_examples=200)["sentence"]
    assert "Choose best" in sentence and "(next: tied," in sentence


def test_cheapest_of_several_that_are_tied():
    middle = {"size_on_disk_bytes": 9e6, "train_seconds": 50.0, "latency_p50_ms": 5.0}
    candidates = {
        "minilm": candidate(0.9, costs=LARGE),
        "transformer": candidate(0.89, costs=middle),
        "lstm": candidate(0.88),
        # Cheaper than all, but not as good.
        "rnn": candidate(0.6, costs={"size_on_disk_bytes": 1.0, "train_seconds": 1.0, "latency_p50_ms": 0.1}),
    }
    assert choose(candidates)["model"] == "lstm"


@pytest.mark.parametrize("costs", [{}, {"size_on_disk_bytes": None, "train_seconds": 0}])
def test_unknown_costs_decide_nothing(costs):
    chosen = choose({"lstm": candidate(0.89, costs=costs), "minilm": candidate(0.9, costs=LARGE)})
    assert chosen["model"] == "minilm"
    assert "no other model as good costs less" in chosen["sentence"]


def test_only_shared_costs_are_compared():
    chosen = choose({"minilm": candidate(0.9, costs=LARGE), "lstm": candidate(0.89, costs={"train_seconds": 50.0})})
    assert chosen["model"] == "lstm"
    assert chosen["sentence"].endswith(", at 1/2 of the training time.")


def test_of_models_that_cost_about_the_same_the_better_one():
    def costs(factor):
        return {"size_on_disk_bytes": factor * 2e6, "train_seconds": factor * 10.0, "latency_p50_ms": factor * 1.0}

    candidates = {
        "minilm": candidate(0.9, costs=LARGE),
        "lstm": candidate(0.89, costs=costs(1.2)),
        "gru": candidate(0.87, costs=costs(1.0)),
    }
    assert choose(candidates)["model"] == "lstm"
    # Twice the cost is a reason.
    assert choose({**candidates, "lstm": candidate(0.89, costs=costs(2.0))})["model"] == "gru"
