import math

import numpy as np
import pytest

from hfseq.comparison.statistics import Sample
from hfseq.comparison.verdict import PREFERENCES, Candidate, decide, default_margin

SMALL = {"size_on_disk_bytes": 2e6, "train_seconds": 300.0, "latency_p50_ms": 5.0, "peak_memory_bytes": 4e8}
LARGE = {"size_on_disk_bytes": 90e6, "train_seconds": 30.0, "latency_p50_ms": 20.0, "peak_memory_bytes": 3e8}


def right(share, examples=1000, seeds=3, start=0):
    """A sample of accuracies: the wrong examples are the ones from `start` on. The seeds differ in two examples."""
    rows = np.arange(examples)
    wrong = round((1 - share) * examples)
    scores = np.stack([(rows - start - 2 * seed) % examples >= wrong for seed in range(seeds)]).astype(float)
    return Sample("accuracy", np.stack([scores, np.ones_like(scores)], axis=-1))


def candidate(share=0.9, costs=SMALL, baseline=False, **options):
    sample = share if isinstance(share, Sample) else right(share, **options)
    return Candidate(sample, costs, baseline, sample)


def errors(values, seeds=3, examples=400, noise=0.02):
    generator = np.random.default_rng(0)
    common = generator.uniform(0.5, 1.5, examples)
    scores = values * common * (1 + noise * generator.standard_normal((seeds, examples)))
    return Sample("mse", np.stack([scores, np.ones_like(scores)], axis=-1))


def accuracy(candidates, **options):
    return decide(candidates, "accuracy", True, **options)


def test_verdict_without_models_is_none():
    assert accuracy({}) is None
    assert accuracy({"majority": candidate(baseline=True)}) is None


def test_verdict_takes_the_cheaper_model_if_it_is_good_enough():
    verdict = accuracy({"minilm": candidate(0.902, LARGE, examples=20_000), "lstm": candidate(0.9, examples=20_000)})
    assert (verdict["model"], verdict["decided"], verdict["provisional"]) == ("lstm", True, False)
    assert verdict["best"] == "minilm"
    assert (verdict["margin"], verdict["prefer"], verdict["split"]) == (0.01, "size", "validation")
    sentence = verdict["sentence"]
    assert sentence.startswith("Choose lstm: it is the smallest of the models whose validation accuracy is not")
    assert "not worse than the best by more than 0.01" in sentence
    assert "Its size on disk is 2 MB, that of minilm 90 MB." in sentence
    assert "Test accuracy: lstm 0.9000 (0.8958 to 0.9041)." in sentence


def test_verdict_takes_the_best_model_if_it_is_better():
    verdict = accuracy({"minilm": candidate(0.95, LARGE), "lstm": candidate(0.85)})
    assert (verdict["model"], verdict["decided"], verdict["candidates"]) == ("minilm", True, ["minilm"])
    assert "is the best, with 95 % confidence" in verdict["sentence"]
    assert "better than lstm" in verdict["sentence"]
    assert verdict["needs"] is None


def test_few_examples_do_not_make_the_cheap_model_good_enough():
    """The smaller the test set, the surer was the cheap model to win: 0.733 against 0.867 with 30 examples."""
    models = {"minilm": candidate(26 / 30, LARGE, examples=30), "lstm": candidate(22 / 30, examples=30, start=12)}
    verdict = accuracy(models)
    assert (verdict["model"], verdict["decided"]) == ("minilm", False)
    assert verdict["sentence"].startswith("The data cannot tell which model to choose")
    assert "minilm is the best so far, 0.13" in verdict["sentence"]
    assert 30 < verdict["needs"]["examples"] < 300
    assert f"About {verdict['needs']['examples']} validation examples" in verdict["sentence"]


def test_verdict_says_whether_a_cheaper_model_may_be_good_enough():
    models = {
        "minilm": candidate(right(0.9, start=0), LARGE),
        "lstm": candidate(right(0.893, start=5), SMALL),
        "weak": candidate(0.5, LARGE),
    }
    verdict = accuracy(models, margin=0.012)
    assert verdict["model"] == "minilm"
    assert "The data cannot tell whether lstm is good enough, which would be the smallest" in verdict["sentence"]
    assert verdict["needs"]["examples"] > 1000


def test_one_seed_is_provisional():
    models = {"minilm": candidate(0.95, LARGE, seeds=1), "lstm": candidate(0.85, seeds=1)}
    verdict = accuracy(models)
    assert (verdict["model"], verdict["decided"], verdict["provisional"]) == ("minilm", True, True)
    assert verdict["sentence"].endswith("Provisional: the spread over seeds is unknown.")


def test_a_single_value_decides_nothing():
    models = {
        name: Candidate(Sample("bleu", None, known_values=[value]), SMALL)
        for name, value in (("a", 30.0), ("b", 31.0))
    }
    verdict = decide(models, "bleu", True)
    assert (verdict["model"], verdict["decided"], verdict["provisional"]) == ("b", False, True)
    assert "b is the best so far, 1.00 better (unknown error) than a." in verdict["sentence"]
    assert "the error over the examples and the spread over seeds are unknown" in verdict["sentence"]
    assert verdict["needs"] == {"examples": None, "seeds": None}


@pytest.mark.parametrize(("prefer", "chosen"), [("size", "a"), ("latency", "a"), ("training", "b"), ("memory", "b")])
def test_preferred_cost_decides(prefer, chosen):
    models = {"a": candidate(0.9, SMALL, examples=20_000), "b": candidate(0.9005, LARGE, examples=20_000)}
    verdict = accuracy(models, prefer=prefer)
    assert (verdict["model"], verdict["prefer"]) == (chosen, prefer)
    if chosen == "a":
        assert f"Its {PREFERENCES[prefer].name} is" in verdict["sentence"]


def test_unknown_cost_is_said():
    models = {"a": candidate(0.9, SMALL, examples=20_000), "b": candidate(0.9005, LARGE, examples=20_000)}
    verdict = accuracy(models, prefer="energy")
    assert verdict["model"] == "b"  # the better one
    assert "The energy of the training of some models is not known." in verdict["sentence"]


def test_margin_of_the_user():
    models = {"minilm": candidate(0.93, LARGE), "lstm": candidate(0.9)}
    assert accuracy(models)["model"] == "minilm"
    verdict = accuracy(models, margin=0.1)
    assert (verdict["model"], verdict["margin"]) == ("lstm", 0.1)


@pytest.mark.parametrize(
    ("metric", "greater", "best", "margin"),
    [
        ("accuracy", True, 0.9, 0.01),
        ("chrf", True, 40.0, 1.0),
        ("matthews_correlation", True, 0.5, 0.01),
        ("mse", False, 0.02, 0.0004),
        ("cer", False, 0.1, 0.002),
        ("my_score", True, 50.0, 1.0),
    ],
)
def test_default_margin(metric, greater, best, margin):
    assert default_margin(metric, greater, best) == pytest.approx(margin)


def test_small_errors_are_printed_with_their_digits():
    models = {"a": Candidate(errors(0.00031), SMALL), "b": Candidate(errors(0.0005), LARGE)}
    verdict = decide(models, "mse", False)
    assert verdict["model"] == "a"
    assert "(0.00031" in verdict["sentence"]
    assert "0.000 " not in verdict["sentence"]


def test_model_that_a_baseline_beats_is_never_chosen():
    models = {
        "lstm": Candidate(errors(0.154), SMALL),
        "gru": Candidate(errors(0.2), SMALL),
        "linear": Candidate(errors(0.065), {}, baseline=True),
    }
    verdict = decide(models, "mse", False)
    assert (verdict["model"], verdict["decided"]) == (None, True)
    assert verdict["sentence"].startswith("None of these beats the baseline linear: its validation mse is 0.06")
    assert "that of the best model, lstm, 0.15" in verdict["sentence"]


def test_cheap_model_that_a_baseline_beats_is_not_chosen():
    models = {
        "large": candidate(right(0.904, 50_000), LARGE),
        "small": candidate(right(0.900, 50_000), SMALL),
        "bag of words": candidate(right(0.901, 50_000), SMALL, baseline=True),
    }
    assert accuracy({name: item for name, item in models.items() if not item.baseline})["model"] == "small"
    assert accuracy(models)["model"] == "large"


def test_verdict_doubts_a_model_that_hardly_beats_the_baseline():
    models = {"lstm": candidate(0.81, examples=100), "majority": candidate(0.80, {}, True, examples=100)}
    verdict = accuracy(models)
    assert (verdict["model"], verdict["decided"]) == ("lstm", False)
    assert "It is not shown to be better than the baseline majority: it is 0.01" in verdict["sentence"]


def test_only_model_that_finished_is_said_only_if_others_were_asked_for():
    model = {"lstm": candidate(0.9)}
    alone, left = accuracy(model), accuracy(model, asked=2)
    assert alone["model"] == left["model"] == "lstm"
    assert alone["sentence"].startswith("lstm is the only model. Test accuracy: lstm 0.9")
    assert left["sentence"].startswith("lstm is the only model that finished.")


def test_verdict_that_rests_on_the_test_split_says_so():
    verdict = accuracy({"a": candidate(0.9), "b": candidate(0.5)}, split="test")
    assert verdict["provisional"]
    assert "this verdict rests on the test split" in verdict["sentence"]


def test_spread_over_seeds_asks_for_more_seeds():
    rows = np.arange(4000)
    scores = {
        name: np.stack([rows / 4000 < level + shift for shift in (-0.02, 0.0, 0.02)]).astype(float)
        for name, level in (("a", 0.8), ("b", 0.81))
    }
    models = {
        name: Candidate(Sample("accuracy", np.stack([rows, np.ones_like(rows)], axis=-1)), SMALL)
        for name, rows in scores.items()
    }
    verdict = accuracy(models)
    assert not verdict["decided"]
    assert verdict["needs"]["examples"] is None
    assert verdict["needs"]["seeds"] > 3
    assert f"About {verdict['needs']['seeds']} seeds would tell." in verdict["sentence"]


def test_numbers_of_the_verdict_are_finite():
    verdict = accuracy({"a": candidate(0.9), "b": candidate(0.5), "c": candidate(0.9, LARGE)})
    assert all(math.isfinite(value) for value in verdict.values() if isinstance(value, float))
