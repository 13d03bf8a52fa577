"""Folds, repeated splits, sizes of the training split and matched budgets of a comparison that is not executed."""

import json

import pytest
from stub_runs import Stub

from hfseq.comparison.budgets.matching import nearest_factor
from hfseq.comparison.budgets.rules import check_budgets, variants_of
from hfseq.comparison.options import ComparisonOptions
from hfseq.errors import HfseqError
from hfseq.training.preparation import load_data


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({"tune": 5, "folds": 3}, {}, "tune and folds cannot be combined: the settings would be chosen on examples"),
        ({"tune": 5, "repeat_splits": 3}, {}, "tune and repeat_splits cannot be combined"),
        ({"train_sizes": ["10", "20"], "folds": 3}, {}, "train_sizes and folds cannot be combined"),
        ({"train_sizes": ["10", "20"], "repeat_splits": 3}, {}, "train_sizes and repeat_splits cannot be combined"),
        ({"train_sizes": ["10"]}, {}, "train_sizes must be at least two different whole numbers above 0"),
        ({"train_sizes": ["10", "0"]}, {}, "train_sizes must be at least two different whole numbers above 0"),
        ({"train_sizes": ["10", "many"]}, {}, "not '10 many'"),
        ({"folds": 3}, {"fold": 1}, "folds sets fold for each run: leave out fold"),
        ({"train_sizes": ["10", "20"]}, {"train_size": 5}, "train_sizes sets train_size for each run"),
        ({"match": "time", "tune": 5}, {}, "match time and tune cannot be combined"),
        ({"match": "time"}, {"max_steps": 5}, "match time sets the training time of each run: leave out max_steps"),
        ({}, {"evaluate_test": False}, "evaluate_test cannot be switched off in a comparison"),
    ],
)
def test_contradicting_options_are_rejected(options, settings, message):
    with pytest.raises(HfseqError, match=message):
        check_budgets(ComparisonOptions(**options), settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": 1}, "tune must be at least 2"),
        ({"folds": 2}, "folds must be at least 3"),
        ({"repeat_splits": 1}, "repeat_splits must be at least 2"),
        ({"match": "size"}, "match 'size' is not known"),
    ],
)
def test_options_have_bounds(options, message):
    with pytest.raises(HfseqError, match=message):
        ComparisonOptions(**options)


def test_variants_set_the_splits_of_every_model():
    assert [item.variant for item in variants_of(ComparisonOptions(), {})] == [{}]
    folds = variants_of(ComparisonOptions(folds=3), {})
    assert [(item.variant, item.settings) for item in folds] == [
        ({"fold": fold}, {"num_folds": 3, "fold": fold}) for fold in (1, 2, 3)
    ]
    repeats = variants_of(ComparisonOptions(repeat_splits=2), {"split_seed": 5})
    assert [(item.variant, item.settings) for item in repeats] == [
        ({"repeat": 1}, {"resplit": True, "split_seed": 5}),
        ({"repeat": 2}, {"resplit": True, "split_seed": 6}),
    ]
    both = variants_of(ComparisonOptions(folds=3, repeat_splits=2), {})
    assert len(both) == 6 and both[3].settings == {"num_folds": 3, "fold": 1, "split_seed": 1}
    sizes = variants_of(ComparisonOptions(train_sizes=["20", "100", "50"]), {})
    assert [item.settings for item in sizes] == [{"train_size": size} for size in (100, 50, 20)]


def test_every_model_is_trained_on_the_same_folds_with_every_seed(start):
    plan, budget, _ = start(folds=3)
    assert len(plan.runs) == 2 * 3 * 2
    folders = ["/".join(run.folder.parts[-3:]) for run in plan.runs]
    assert folders[:3] == ["lstm/fold-1/seed-0", "lstm/fold-1/seed-1", "lstm/fold-2/seed-0"]
    fingerprints = {
        name: [load_data(run.arguments.data).fingerprint for run in plan.runs if (run.name, run.seed) == (name, 0)]
        for name in ("lstm", "transformer")
    }
    assert fingerprints["lstm"] == fingerprints["transformer"] and len(set(fingerprints["lstm"])) == 3
    assert budget.protocol()["folds"] == 3
    assert any(
        "on the same 3 folds with 2 seeds; each example was tested once" in rule for rule in budget.protocol()["rules"]
    )
    Stub()(plan.runs)
    again, _, _ = start(folds=3)
    assert [run.finished is not None for run in again.runs] == [True] * 12


def test_train_sizes_larger_than_the_data_are_rejected_before_training(start):
    plan, budget, _ = start(train_sizes=["20", "100"])
    assert [run.variant["train_size"] for run in plan.runs if run.name == "lstm"] == [100, 100, 20, 20]
    assert budget.protocol()["train_sizes"] == [20, 100]
    with pytest.raises(HfseqError, match="train_size is 500, but the training split has 160 examples"):
        start("other", train_sizes=["20", "500"])


@pytest.mark.parametrize(("exponent", "target"), [(1, 7.3), (2, 0.02), (2, 900.0)])
def test_nearest_factor_finds_the_target(exponent, target):
    assert nearest_factor(lambda factor: factor**exponent, target) == pytest.approx(target ** (1 / exponent), rel=1e-4)


def test_nearest_factor_handles_steps_and_limits():
    assert round(10 * nearest_factor(lambda factor: round(10 * factor), 31)) == 31
    assert nearest_factor(lambda factor: 5.0, 5.0) == 1.0
    assert nearest_factor(lambda factor: factor, 1e9) == 64


def test_match_parameters_scales_the_models_from_scratch(start, tiny_bert):
    plan, budget, lines = start(
        models=("lstm", "transformer", str(tiny_bert)), seeds=(0,), match="parameters", settings={"max_length": 16}
    )
    found = budget.match
    assert found.reference == "lstm" and found.target == found.before["lstm"] == found.after["lstm"]
    assert abs(found.after["transformer"] / found.target - 1) < 0.05
    assert abs(found.before["transformer"] / found.target - 1) > 0.05
    assert found.left == [tiny_bert.name] and found.settings.keys() == {"transformer"}
    lstm, transformer, pretrained = (run.arguments.model.config_overrides for run in plan.runs)
    assert json.loads(lstm)["hidden_size"] == 128 and not pretrained
    assert json.loads(transformer)["num_attention_heads"] == 4 and json.loads(transformer)["hidden_size"] != 128
    assert "of lstm (transformer " in lines[0] and "is pretrained and was left as it is" in lines[0]
    assert budget.protocol()["match"]["rule"] == "parameters"


def test_match_needs_a_model_from_scratch(start, tiny_bert):
    with pytest.raises(HfseqError, match="all of these are pretrained"):
        start(models=(str(tiny_bert),), match="parameters")


def test_match_time_trains_the_others_for_as_long_as_the_first(start):
    stub = Stub()
    plan, budget, _ = start(train=stub, match="time")
    assert [run.name for run in stub.runs] == ["lstm", "lstm"]
    assert [(run.name, run.arguments.training.max_train_seconds) for run in plan.runs] == [
        ("lstm", None), ("lstm", None), ("transformer", 7.0), ("transformer", 7.0),
    ]  # fmt: skip
    assert [run.finished is not None for run in plan.runs] == [True, True, False, False]
    assert "Every model was trained for 7 s, the mean time of lstm." in budget.protocol()["rules"]
    with pytest.raises(HfseqError, match="lstm gives the training time, but it failed: out of memory"):
        start("other", train=Stub(fails=lambda run: True), match="time")


@pytest.mark.slow
def test_match_flops_counts_the_operations_per_token(start):
    _, budget, lines = start(seeds=(0,), match="flops")
    found = budget.match
    assert found.unit == "operations per token" and "operations per token of lstm" in lines[0]
    # An LSTM multiplies each of its weights once per token and direction.
    parameters = start("other", seeds=(0,), match="parameters")[1].match.before["lstm"]
    assert found.target == pytest.approx(2 * parameters, rel=0.05)
    assert abs(found.after["transformer"] / found.target - 1) < 0.05
