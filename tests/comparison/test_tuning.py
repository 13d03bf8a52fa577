"""The choice of settings on the validation split, with runs that are not executed."""

import json
import sys
from dataclasses import replace

import pytest
from stub_runs import Stub

from hfseq.comparison.budgets.search_spaces import SEARCH_SPACES, Choice, LogRange
from hfseq.comparison.budgets.studies import JOURNAL_NAME, ModelStudy
from hfseq.comparison.budgets.trial_settings import TrialSpace
from hfseq.errors import HfseqError
from hfseq.training.family_defaults import FAMILY_DEFAULTS


def trials_of(stub):
    return [(run.name, run.variant["trial"], run.arguments.settings) for run in stub.runs]


def test_each_model_gets_its_trials_and_the_best_is_trained_with_every_seed(start):
    stub = Stub()
    plan, budget, lines = start(train=stub, tune=5)
    counts = {name: sum(run.name == name for run in stub.runs) for name in ("lstm", "transformer")}
    assert counts == {"lstm": 5, "transformer": 5}
    # No trial evaluates the test split, and all use the first seed.
    assert not any(run.arguments.training.evaluate_test for run in stub.runs)
    assert {run.seed for run in stub.runs} == {0}
    first = [run for run in stub.runs if run.variant["trial"] == 0]
    assert [run.arguments.training.learning_rate for run in first] == [2e-3, 5e-4]
    assert all(run.folder.parts[-3:] == (run.name, "tuning", "trial-000") for run in first)
    for name, found in budget.tuned.items():
        values = found.values
        assert max(values) == values[found.trial] and found.trials == len(values) == 5 and found.failed == 0
        chosen = [run for run in plan.runs if run.name == name]
        best = next(run for run in stub.runs if (run.name, run.variant["trial"]) == (name, found.trial))
        assert [run.seed for run in chosen] == [0, 1] and all(run.variant == {} for run in chosen)
        for run in chosen:
            settings = {**run.arguments.settings, "output_dir": None, "seed": 0, "evaluate_test": False}
            assert settings == {**best.arguments.settings, "output_dir": None}
            assert run.arguments.training.evaluate_test
    assert "choosing the settings of 2 models on the validation split, with 5 trials each" in lines
    assert any(line.startswith("lstm: ") and "of 5" in line for line in lines)
    content = {"models": {"lstm": {}, "transformer": {}}}
    budget.add_to(content)
    assert json.loads(json.dumps(content))["models"]["lstm"]["tuning"]["trials"] == 5
    assert budget.protocol()["tune"] == 5
    assert any("the test split was read after the choice" in rule for rule in budget.protocol()["rules"])


def test_trials_leave_only_their_records(start):
    stub = Stub()
    start(train=stub, tune=2)
    assert len(stub.runs) == 4
    assert all([path.name for path in run.folder.iterdir()] == ["run.json"] for run in stub.runs)


@pytest.mark.parametrize(
    "interrupted_after", [3, *(pytest.param(number, marks=pytest.mark.slow) for number in (0, 1, 6))]
)
def test_interrupted_tuning_continues_with_the_same_trials(start, tmp_path, interrupted_after):
    whole = Stub()
    _, expected, _ = start("whole", train=whole, tune=4)
    first = Stub(interrupted_after)
    with pytest.raises(KeyboardInterrupt):
        start("parts", train=first, tune=4)
    if interrupted_after == 3:  # the process was killed while it wrote a line
        with (tmp_path / "parts" / JOURNAL_NAME).open("ab") as file:
            file.write(b'{"op_code":')
    second = Stub()
    plan, budget, _ = start("parts", train=second, tune=4)

    def comparable(stub):
        return [(name, trial, {**settings, "output_dir": None}) for name, trial, settings in trials_of(stub)]

    done = comparable(first) + comparable(second)
    assert sorted(done, key=str) == sorted(comparable(whole), key=str)
    assert budget.tuned == expected.tuned
    # All is finished: nothing is trained again.
    third = Stub()
    again, budget, _ = start("parts", train=third, tune=4)
    assert third.runs == [] and budget.tuned == expected.tuned
    assert [run.arguments.settings for run in again.runs] == [run.arguments.settings for run in plan.runs]


def test_more_trials_continue_the_tuning(start):
    start(train=Stub(), tune=2)
    stub = Stub()
    _, budget, _ = start(train=stub, tune=3)
    assert [run.variant["trial"] for run in stub.runs] == [2, 2] and budget.tuned["lstm"].trials == 3


def test_failed_trials_are_counted(start):
    stub = Stub(fails=lambda run: run.name == "lstm" and run.variant["trial"] != 1)
    _, budget, lines = start(train=stub, tune=3)
    found = budget.tuned["lstm"]
    assert (found.trials, found.failed, found.trial) == (3, 2, 1) and found.values[0] is None
    assert any("Failed trials: lstm: 2." in rule for rule in budget.protocol()["rules"])
    stub = Stub(fails=lambda run: run.name == "lstm")
    plan, budget, lines = start("other", train=stub, tune=2)
    assert budget.tuned["lstm"].settings == {} and "lstm: all 2 trials failed" in " ".join(lines)
    assert [run.name for run in plan.runs] == ["lstm", "lstm", "transformer", "transformer"]


def test_settings_for_all_models_are_not_searched(start):
    stub = Stub()
    start(train=stub, tune=3, settings={"learning_rate": 0.01, "config_overrides": '{"hidden_size": 16}'})
    for run in stub.runs:
        assert run.arguments.training.learning_rate == 0.01
        assert json.loads(run.arguments.model.config_overrides)["hidden_size"] == 16


def test_tune_rejects_the_folder_of_an_untuned_comparison(start, tmp_path):
    plan, _, _ = start(train=Stub())
    Stub()(plan.runs)
    with pytest.raises(HfseqError, match="holds a run of a comparison without tune"):
        start(train=Stub(), tune=2)
    stub = Stub()
    start(train=stub, tune=2, settings={"overwrite_output_dir": True})
    assert len(stub.runs) == 4


def test_tune_names_the_extra_if_optuna_is_missing(start, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(HfseqError, match=r'optuna is needed for tuning .*pip install "hfseq\[tune\]"'):
        start(train=Stub(), tune=2)


def test_every_family_has_a_search_space_with_its_defaults(start):
    assert SEARCH_SPACES.keys() == FAMILY_DEFAULTS.keys()
    plan, _, _ = start()
    for name in plan.given:
        run = plan.default_run(name)
        space = TrialSpace(run, plan.data, {}, sizes_match=False)
        assert space.settings(space.default) == {}
        assert {"width", "layers", "dropout", "learning_rate"} <= space.space.keys()
        assert not {"width", "layers"} & TrialSpace(run, plan.data, {}, sizes_match=True).space.keys()
        found = space.settings({**space.default, "width": 2.0, "layers": 1, "dropout": 0.5, "num_train_epochs": 0.5})
        assert found["num_train_epochs"] == run.training.num_train_epochs / 2
        overrides = json.loads(found["config_overrides"])
        assert overrides["hidden_size"] == 256
        high = replace(run, training=replace_rate(run.training, 0.5))
        assert TrialSpace(high, plan.data, {}, sizes_match=False).space["learning_rate"].high == 0.5


def replace_rate(training, rate):
    training.learning_rate = rate
    return training


def test_study_chooses_the_earliest_of_equal_trials(tmp_path):
    space = {"learning_rate": LogRange(1e-4, 1e-2), "size": Choice((16, 32))}
    study = ModelStudy(tmp_path, "lstm", space, {"learning_rate": 1e-3, "size": 16}, 3)
    seen = []
    while (suggestion := study.next()) is not None:
        seen.append(suggestion.values)
        study.tell(suggestion.number, 1.0)
    assert len(seen) == 3 and seen[0] == {"learning_rate": 1e-3, "size": 16}
    assert study.best().number == 0 and study.values == [1.0, 1.0, 1.0]
