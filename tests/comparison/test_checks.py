"""Each check finds its problem, stays silent without it, and bears strange records."""

import copy
import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest

from hfseq.comparison.checks import Check, Finding, run_checks
from hfseq.comparison.checks.facts import Facts, at, entries, number
from hfseq.comparison.collect import collect
from hfseq.data.findings import TRAIN_OVERLAP, UNKNOWN_TOKENS, FindingNote, findings_of
from hfseq.errors import HfseqError
from hfseq.metrics.example_sums import class_counts
from hfseq.registry import _checks, register_check, registered_checks
from hfseq.training.saved_predictions import SavedPredictions, save_predictions

GUIDE = Path(__file__).parents[2] / "recipes" / "guides" / "checks.md"
CODES = [f"HFS{number:03}" for number in range(1, 16)]


def find(code, results, **changes):
    """The findings of one check, after changes of the content of the comparison."""
    content = {**collect(results), **changes}
    check = next(check for check in registered_checks() if check.code == code)
    return list(check().find(Facts(content, results)))


def finding(code, results, **changes):
    (found,) = find(code, results, **changes)
    return found


def with_history(result, losses=(), validation=(), metric="accuracy", figures=()):
    """A run whose history has these values at the steps 10, 20, ..."""
    history = []
    for place in range(max(len(losses), len(validation), len(figures))):
        entry = {"step": 10 * (place + 1), "epoch": place + 1}
        for key, values in (("loss", losses), ("eval_loss", validation), (f"eval_{metric}", figures)):
            if place < len(values):
                history.append({**entry, key: values[place]})
    result.record.history = history
    steps = 10 * max(len(validation), len(figures))
    result.record.costs |= {"epochs": steps / 10, "steps": steps}
    return result


def with_baseline(results, **means):
    """Adds baselines to the content of a comparison of these runs."""
    content = collect(results)
    for name, mean in means.items():
        content["models"][name] = {"kind": "baseline", "status": "finished", "metrics": {"accuracy": {"mean": mean}}}
    return content["models"]


# Each check.


def overlapping(make_result, count, of=200, split="test"):
    note = FindingNote(f"{count} of {of}", TRAIN_OVERLAP, split=split, count=count, of=of)
    return [make_result("lstm", data={"notes": [str(note)], "findings": findings_of([note])})]


def test_overlap_of_test_and_training_examples(make_result):
    found = finding("HFS001", overlapping(make_result, 4))
    assert found.message.startswith("4 of 200 test examples (2.0 %) also occur in the training split")
    assert (found.severity, found.replaces) == ("error", ("4 of 200",))
    assert finding("HFS001", overlapping(make_result, 1)).severity is None
    assert finding("HFS001", overlapping(make_result, 4, split="validation")).severity is None
    assert find("HFS001", [make_result("lstm")]) == []


def test_one_class_for_all_test_examples(make_result):
    always = make_result("lstm", right=np.ones(20))
    sums = {"f1_macro": class_counts(*(np.eye(2, dtype=int)[column] for column in ([1] * 20, [1] * 20, [0, 1] * 10)))}
    save_predictions(always.folder, "test", SavedPredictions(sums=sums))
    found = finding("HFS002", [always, make_result("gru", right=np.arange(20) % 2 == 0)])
    assert found.message == "lstm predicts the class pos for all test examples: it has learned nothing from the inputs"
    assert found.models == ("lstm",)


def test_one_class_among_several_runs(make_result):
    runs = [make_result("lstm", seed) for seed in (0, 1)]
    for run, guesses in zip(runs, ([1] * 20, [0, 1] * 10), strict=True):
        columns = ([0] * 20, guesses, [1, 0] * 10)
        sums = {"f1_macro": class_counts(*(np.eye(2, dtype=int)[column] for column in columns))}
        save_predictions(run.folder, "test", SavedPredictions(sums=sums))
    assert "in 1 of 2 runs" in finding("HFS002", runs).message


def test_no_span_and_constant_numbers(make_result):
    tagger = make_result("tagger")
    save_predictions(tagger.folder, "test", SavedPredictions(sums={"f1": np.tile([0, 0, 1], (12, 1))}))
    assert "finds no span" in finding("HFS002", [tagger]).message
    regression = make_result("lstm", data={"problem_type": "regression"}, metrics={"mse": 1.0})
    labels = np.arange(12.0)
    save_predictions(regression.folder, "test", SavedPredictions((np.full(12, 5.0),), (labels,)))
    assert "nearly the same number" in finding("HFS002", [regression]).message
    save_predictions(regression.folder, "test", SavedPredictions((labels + 1,), (labels,)))
    assert find("HFS002", [regression]) == []


def test_models_that_are_no_better_than_a_baseline(make_result):
    results = [make_result("lstm", accuracy=0.6), make_result("gru", accuracy=0.8)]
    models = with_baseline(results, majority=0.5, words=0.7)
    verdict = {"baseline": "words", "split": "test"}
    found = finding("HFS003", results, models=models, recommendation=verdict, pairs=[])
    assert found.message == "lstm (0.600) is no better than the simple baseline words (0.700, test accuracy)"
    assert (found.models, found.severity) == (("lstm",), None)
    pair = {"a": "gru", "b": "words", "metric": "accuracy", "split": "test", "low": -0.02, "high": 0.22}
    unsure = find("HFS003", results, models=models, recommendation=verdict, pairs=[pair])[1]
    assert "gru (0.800) is not better than the simple baseline words" in unsure.message
    assert (unsure.models, unsure.severity) == (("gru",), "warning")
    assert find("HFS003", results) == []


def test_models_that_are_no_better_than_a_baseline_by_an_error(make_result):
    data = {"problem_type": "regression", "metric": "mse", "greater_is_better": False}
    results = [make_result(name, data=data, metrics={"mse": value}) for name, value in (("lstm", 2.0), ("gru", 0.5))]
    content = collect(results)
    content["models"]["mean"] = {"kind": "baseline", "metrics": {"mse": {"mean": 1.0}}}
    verdict = {"baseline": "mean", "split": "test"}
    assert finding("HFS003", results, models=content["models"], recommendation=verdict).models == ("lstm",)


def test_models_are_held_to_the_baseline_on_the_split_of_the_verdict(make_result):
    results = [make_result("lstm", accuracy=0.6), make_result("gru", accuracy=0.8)]
    models = with_baseline(results, words=0.9)
    models["words"]["validation_metrics"] = {"accuracy": {"mean": 0.7}}
    for name, mean in (("lstm", 0.65), ("gru", 0.75)):
        models[name]["validation_metrics"] = {"accuracy": {"mean": mean, "interval": [mean - 0.02, mean + 0.02]}}
    verdict = {"baseline": "words", "split": "validation"}
    found = finding("HFS003", results, models=models, recommendation=verdict)
    assert found.message == "lstm (0.650) is no better than the simple baseline words (0.700, validation accuracy)"


@pytest.mark.parametrize(
    ("figures", "improving"),
    [((0.5, 0.6, 0.7), True), ((0.5, 0.7, 0.7), False), ((0.5, 0.8, 0.801), False), ((0.5, 0.9), False)],
)
def test_training_that_still_improves(make_result, figures, improving):
    results = [with_history(make_result("lstm"), figures=figures)]
    assert [found.models for found in find("HFS004", results)] == ([("lstm",)] if improving else [])
    losses = [with_history(make_result("lstm"), validation=[1 - value for value in figures])]
    assert bool(find("HFS004", losses)) is improving


def test_training_that_diverged(make_result):
    grew = with_history(make_result("lstm", 3), losses=(1.0, 0.9, 1.5, 2.0))
    assert finding("HFS005", [grew]).message == "the training of lstm diverged (seed 3): try a lower --learning_rate"
    failed = make_result("gru", error="HfseqError: the training has diverged: the loss is no number", record=False)
    assert finding("HFS005", [failed]).models == ("gru",)
    assert find("HFS005", [with_history(make_result("lstm"), losses=(1.0, 0.9, 1.05, 0.9))]) == []
    # A log-likelihood of densities may be negative.
    assert find("HFS005", [with_history(make_result("lstm"), losses=(-1.0, -2.0, -3.0, -4.0))]) == []


def test_model_that_is_overfitted(make_result):
    result = with_history(make_result("lstm"), losses=(1.0, 0.5, 0.2, 0.1), validation=(0.8, 0.6, 0.9, 1.2))
    assert finding("HFS006", [result]).message.endswith("its validation loss is 100 % above the minimum")
    result.record.costs["best_epoch"] = 2
    assert find("HFS006", [result]) == []
    noisy = with_history(make_result("lstm"), losses=(1.0, 0.5, 0.2, 0.1), validation=(0.8, 0.6, 0.62, 0.65))
    assert find("HFS006", [noisy]) == []


def test_too_few_test_examples_for_the_margin(make_result):
    results = [make_result("lstm", seed, right=(np.arange(100) + 40 * seed) % 100 < 80) for seed in (0, 1)]
    message = finding("HFS007", results, recommendation={"margin": 0.01}).message
    # 60 examples are right with both seeds and 40 with one: variance 0.06, so 1.98 * sqrt(0.06 / 100) = 0.049.
    assert re.match(r"100 test examples are few: .* accuracy of lstm is known to ± 0\.04[89] at best", message)
    assert message.endswith("about 2,400 examples would show them")
    assert find("HFS007", results, recommendation={"margin": 0.05}) == []
    assert find("HFS007", results, recommendation=None, protocol={}) == []
    assert find("HFS007", [make_result("gru", accuracy=0.8)], recommendation={"margin": 0.01}) == []


def test_truncated_inputs(make_result):
    results = [
        make_result(name, data={"truncated_share": {"train": 0.25, "validation": 0.0, "test": share}})
        for name, share in (("lstm", 0.031), ("gru", 0.031), ("minilm", 0.04))
    ]
    first, second = find("HFS008", results)
    assert first.message == "lstm and gru truncate long examples: 25.0 % of train and 3.1 % of test (--max_length)"
    assert (first.models, first.severity, second.models) == (("lstm", "gru"), None, ("minilm",))
    few = [make_result("lstm", data={"truncated_share": {"test": 0.005}})]
    assert finding("HFS008", few).severity == "info"
    assert find("HFS008", [make_result("lstm")]) == []


def test_unknown_tokens(make_result):
    note = FindingNote("5.0 % are unknown", UNKNOWN_TOKENS, split="test", share=0.05)
    data = {"notes": [str(note)], "findings": findings_of([note])}
    results = [make_result("lstm", data=data), make_result("gru", data=data), make_result("minilm")]
    found = finding("HFS009", results)
    assert found.message.startswith(
        "5.0 % of the tokens of the test split are unknown to the tokenizer of lstm and gru"
    )
    assert found.replaces == ("5.0 % are unknown",) and collect(results)["notes"] == []


def test_accuracy_of_unbalanced_classes(make_result):
    true = np.eye(2, dtype=int)[[1] * 18 + [0] * 2]
    result = make_result("lstm", right=np.ones(20))
    save_predictions(result.folder, "test", SavedPredictions(sums={"f1_macro": class_counts(true, true, true)}))
    other = make_result("gru", metrics={"accuracy": 0.9, "f1_macro": 0.9})
    assert finding("HFS010", [result]).message.startswith("90.0 % of the test examples belong to the class pos")
    assert "ranks the models differently" in finding("HFS010", [result, other]).message
    assert find("HFS010", [result], primary_metric="f1_macro") == []
    balanced = np.eye(2, dtype=int)[[1] * 10 + [0] * 10]
    save_predictions(result.folder, "test", SavedPredictions(sums={"f1_macro": class_counts(true, true, balanced)}))
    assert find("HFS010", [result]) == []


def test_different_data(make_result):
    results = [make_result(name, data={"fingerprint": f"{name}0123456789"}) for name in ("lstm", "gru")]
    message = finding("HFS011", results).message
    assert message.startswith("the models were not all trained and tested on the same data (data lstm0123: lstm; data")
    assert find("HFS011", [make_result("lstm"), make_result("gru")]) == []


def test_different_data_of_folds_is_no_finding(make_result):
    results = [
        dataclasses.replace(make_result(name, data={"fingerprint": str(fold)}), variant={"fold": fold})
        for fold in (1, 2)
        for name in ("lstm", "gru")
    ]
    assert find("HFS011", results) == []
    other = dataclasses.replace(make_result("rnn", data={"fingerprint": "2"}), variant={"fold": 1})
    assert len(find("HFS011", [*results, other])) == 1


def test_different_machines(make_result):
    results = [make_result("lstm"), make_result("gru", machine={"processor": "another one"})]
    found = finding("HFS012", results)
    assert found.message == (
        "the runs used different processors (some processor: lstm; another one: gru): their training costs are not "
        "comparable"
    )
    assert found.models == ("lstm", "gru")


def test_busy_machine(make_result):
    results = [make_result("lstm"), make_result("gru")]
    models = collect(results)["models"]
    models["lstm"]["measurement"] = {"round_medians_ms": [1.0] * 15 + [2.34] * 5}
    models["gru"]["measurement"] = {"round_medians_ms": [1.0] * 19 + [9.0]}  # one interruption
    found = finding("HFS013", results, models=models)
    assert found.models == ("lstm",) and "2.3 times as long" in found.message
    models["lstm"]["measurement"] = {"round_medians_ms": [0.01] * 15 + [0.05] * 5}  # too short to tell
    assert find("HFS013", results, models=models) == []


def test_failed_runs(make_result):
    results = [
        make_result("lstm", 0),
        make_result("lstm", 1, error="out of memory"),
        make_result("gru", 0, error="broken", record=False),
    ]
    partial, failed = find("HFS014", results)
    assert (
        partial.message == ("lstm: 1 of 2 runs failed: seed 1: out of memory; its figures are those of the others")
        and partial.severity == "warning"
    )
    assert failed.message == "gru: its run failed: seed 0: broken" and failed.severity is None


def test_failed_runs_of_a_learning_curve(make_result):
    sizes = [dataclasses.replace(make_result("lstm"), variant={"train_size": size}) for size in (100, 300)]
    sizes[0] = dataclasses.replace(sizes[0], error="out of memory")
    assert "1 of 2 runs failed: 100 training examples, seed 0: out of memory" in finding("HFS014", sizes).message


def test_few_seeds(make_result):
    one = [make_result("lstm"), make_result("gru")]
    message = finding("HFS015", one).message
    assert message == "the models were trained with one seed: the spread over seeds is unknown (--seeds 0 1 2)"
    two = [make_result(name, seed) for name, seeds in (("lstm", 2), ("gru", 3)) for seed in range(seeds)]
    assert finding("HFS015", two).message.startswith("lstm was trained with two seeds")
    assert find("HFS015", [make_result("lstm", seed) for seed in range(3)]) == []


# All checks.


def test_checks_are_sorted_by_severity_and_explained(make_result):
    results = [*overlapping(make_result, 4), make_result("gru", data={"truncated_share": {"test": 0.5}})]
    rows, replaced = run_checks(collect(results), results)
    assert [(row["code"], row["severity"]) for row in rows] == [
        ("HFS001", "error"), ("HFS008", "warning"), ("HFS015", "info"),
    ]  # fmt: skip
    assert rows[0].keys() == {"code", "severity", "title", "message", "models", "page", "explanation"}
    assert rows[0]["page"] == "recipes/guides/checks.md#hfs001" and rows[1]["models"] == ["gru"]
    assert replaced == {"4 of 200"}


def test_guide_explains_every_check():
    text = GUIDE.read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: " ".join(part.split()) for part in text.split("\n## ")[1:]}
    own = [check for check in registered_checks() if check.code.startswith("HFS")]
    assert [check.code for check in own] == CODES
    assert [heading for heading in sections if heading.startswith("HFS")] == CODES
    for check in own:
        for part in (check.title, check.cause, check.cure):
            assert part in sections[check.code], f"{GUIDE.name} does not have: {part}"


def test_flags_in_the_texts_of_checks_exist():
    from hfseq.comparison.options import comparison_options
    from hfseq.training.all_settings import all_settings

    known = {*comparison_options(), *all_settings(), "seeds", "output_dir", "margin", "tune", "match", "folds"}
    for check in registered_checks():
        for flag in re.findall(r"--(\w+)", check.cause + check.cure):
            assert flag in known, f"{check.code} names --{flag}"


def test_plug_in_registers_a_check_that_cannot_break_the_comparison(make_result, monkeypatch, caplog):
    monkeypatch.setattr("hfseq.registry._checks", dict(_checks))

    @register_check
    class Fragile(Check):
        code, severity, title, cause, cure, page = "XYZ001", "info", "Fragile", "Why.", "What.", "https://x.y"

        def find(self, facts):
            yield Finding(f"{len(facts.finished())} runs")
            if "gru" in facts.names():
                raise KeyError("gru")

    results = [make_result("lstm")]
    row = run_checks(collect(results), results)[0][-1]
    assert (row["code"], row["message"], row["page"], row["explanation"]) == (
        "XYZ001", "1 runs", "https://x.y", "Why.\n\nWhat.",
    )  # fmt: skip
    results.append(make_result("gru"))
    rows, _ = run_checks(collect(results), results)
    assert "XYZ001" not in [row["code"] for row in rows] and "XYZ001 (Fragile) failed" in caplog.text
    with pytest.raises(HfseqError, match="XYZ001"):
        register_check(type("Other", (Fragile,), {}))


STRANGE = (None, "text", math.nan, ["text"], {"text": None})


def strange_records(record):
    """Copies of a record, each with one strange value at a place up to three levels deep."""

    def places(value, path=()):
        yield path
        if isinstance(value, dict) and len(path) < 3:
            for key in value:
                yield from places(value[key], (*path, key))
        if isinstance(value, list) and value and len(path) < 3:
            yield from places(value[0], (*path, 0))

    # The metrics are not among them: they are read before the checks.
    for name in ("data", "costs", "model", "environment", "history", "details"):
        for path in places(getattr(record, name)):
            for value in STRANGE:
                if not path and not isinstance(value, type(getattr(record, name))):
                    continue  # the types of the fields are checked when a record is read
                changed = copy.deepcopy(record)
                if path:
                    parent = getattr(changed, name)
                    for key in path[:-1]:
                        parent = parent[key]
                    parent[path[-1]] = value
                else:
                    setattr(changed, name, value)
                yield changed


def test_checks_bear_strange_records(make_result):
    note = FindingNote("n", TRAIN_OVERLAP, split="test", count=1, of=5)
    result = with_history(
        make_result("lstm", right=np.arange(20) > 4, data={"notes": [], "findings": findings_of([note])}),
        losses=(1.0, 0.9, 0.5, 0.1), validation=(1.0, 0.5, 0.9, 1.0), figures=(0.1, 0.2, 0.3, 0.4),
    )  # fmt: skip
    other = make_result("gru", right=np.arange(20) > 6)
    content = collect([result, other])
    checks = [check() for check in registered_checks()]
    count = 0
    for record in strange_records(result.record):
        facts = Facts(content, [dataclasses.replace(result, record=record), other])
        for check in checks:
            for found in check.find(facts):  # without the net of run_checks
                assert isinstance(found.message, str) and found.message
        count += 1
    assert count > 200


def test_accessors_give_none_for_strange_values():
    value = {"a": {"b": 2, "c": [1, {"d": 3}], "e": True, "f": math.inf}}
    assert at(value, "a", "b") == 2 and at(value, "a", "b", "c") is None and at(None, "a") is None
    assert number(value, "a", "b") == 2.0
    assert [number(value, "a", key) for key in "cef"] == [None, None, None]
    assert entries(value, "a", "c") == [{"d": 3}] and entries(value, "a") == []
