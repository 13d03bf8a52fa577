import dataclasses
import io
import re

import numpy as np
import pytest
from rich.console import Console

from hfseq.comparison.collect import collect
from hfseq.comparison.report import print_comparison, to_markdown
from hfseq.comparison.report.cells import cost_cells, difference_cell, metric_cells, p_value_cell
from hfseq.comparison.report.records import model_records
from hfseq.formatting import figure

INTERVALS = {"accuracy": [0.851, 0.95], "f1_macro": [0.78, 0.82], "f1_micro": [0.851, 0.95]}
LATENCY = {"latency_p50_ms": 1.25, "latency_p95_ms": 3.04}
METRICS = {"accuracy": 0.9, "f1_macro": 0.8, "f1_micro": 0.9, "expected_calibration_error": 0.05}


@pytest.fixture
def comparison(make_result):
    data = {"truncated_share": {"train": 0.25, "validation": 0.0, "test": 0.031}}
    results = [
        make_result("lstm", seed, metrics={**METRICS, "accuracy": 0.9 + seed / 50}, data=data) for seed in (0, 1)
    ]
    results.append(make_result("gru|wide", 0, error="out of memory", record=False))
    made = collect(results, {"minilm": 'pip install "hfseq[demo]"'}, notes=["a first look"])
    made["models"]["lstm"]["costs"] |= LATENCY
    for metric, summary in made["models"]["lstm"]["metrics"].items():
        summary["interval"] = INTERVALS.get(metric)
    return made


@pytest.fixture
def with_baselines(make_result):
    """Two models and two baselines with predictions."""
    rows = np.arange(200)
    results = [make_result(name, right=rows < count) for name, count in (("lstm", 180), ("gru", 160))]
    for name, count in (("majority", 110), ("bag_of_words", 140)):
        baseline = make_result(name, right=rows < count)
        baseline.record.model |= {"kind": "baseline", "deterministic": True}
        results.append(dataclasses.replace(baseline, is_baseline=True))
    return collect(results, protocol={"command": "hfseq compare --models lstm gru"})


def printed(comparison, console=None):
    out = io.StringIO()
    print_comparison(comparison, console or Console(file=out))
    return out.getvalue()


def on_terminal(comparison, width):
    out = io.StringIO()
    print_comparison(comparison, Console(file=out, force_terminal=True, width=width, color_system=None))
    return out.getvalue()


def table_after(text, heading):
    """The rows of cells of the Markdown table that begins with a heading."""
    lines = text[text.index(f"| {heading} |") :].splitlines()
    table = lines[: lines.index("")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def test_markdown_tables_are_well_formed(comparison):
    text = to_markdown(comparison)
    quality, costs = table_after(text, "model | accuracy"), table_after(text, "model | parameters")
    assert {len(row) for row in quality} == {4} and {len(row) for row in costs} == {9}
    assert quality[:3] == [
        ["model", "accuracy", "macro F1", "calib. error"],
        ["---", "---:", "---:", "---:"],
        ["lstm", "0.910 [0.851, 0.950]", "0.800 [0.780, 0.820]", "0.0500"],
    ]
    assert costs[0] == [
        "model", "parameters", "without embeddings", "on disk", "latency p50", "latency p95", "training", "tokens/s",
        "training memory",
    ]  # fmt: skip
    assert costs[2] == ["lstm", "1 k", "600", "2 MB", "1.25 ms", "3.04 ms", "2 s", "5,000", "400 MB"]
    assert quality[3] == [r"gru\|wide"] + ["-"] * 3 and costs[4] == ["minilm"] + ["-"] * 8
    # Markdown needs an empty line before and after a table.
    assert "\n\n| model | accuracy" in text and "\n\n| model | parameters" in text


def test_markdown_contains_captions_verdict_remarks_and_checks(comparison):
    text = to_markdown(comparison)
    assert text.startswith("# Comparison\n")
    assert "reviews.csv: 2 classes; examples: 800 train, 100 validation, 100 test" in text
    caption = (
        "Metrics of the test split: mean over 2 seeds; in brackets the 95 % interval over test examples and seeds."
    )
    assert caption in text
    assert "Trained on cpu (some processor, 1 thread); recurrent engine: compiled kernel." in text
    assert "\n**lstm is the only model that finished. Test accuracy: lstm 0.91" in text
    assert '\n- minilm: unavailable: pip install "hfseq[demo]"\n' in text
    assert "\n- note: a first look\n" in text
    checks = [line[2:].partition(":")[0] for line in text.splitlines() if line.startswith("- HFS")]
    assert checks == ["HFS014 error", "HFS008 warning", "HFS015 info"]
    assert "\n- HFS014 error: gru|wide: its run failed: seed 0: out of memory\n" in text
    assert "lstm truncates long examples: 25.0 % of train and 3.1 % of test" in text and text.count("3.1 %") == 1


def test_markdown_of_one_seed_without_predictions_has_no_interval(make_result):
    text = to_markdown(collect([make_result("lstm")]))
    assert "Metrics of the test split, from one seed." in text
    assert "| lstm | 0.500 |" in text


def test_markdown_marks_baselines_and_shows_differences(with_baselines):
    text = to_markdown(with_baselines)
    quality = table_after(text, "model | accuracy")
    assert [row[0] for row in quality[2:]] == ["lstm", "gru", "majority (baseline)", "bag_of_words (baseline)"]
    assert "(without the spread over seeds)" in text
    differences = table_after(text, "models | difference [95 %]")
    # The best baseline takes part.
    assert [row[0] for row in differences[2:]] == ["lstm - gru", "lstm - bag_of_words", "gru - bag_of_words"]
    assert re.match(r"\+0\.\d+ \[\+0\.0\d+, \+0\.1\d+\]$", differences[2][1]) and differences[2][2] == "< 0.001"
    assert "## Differences in validation accuracy" in text
    assert text.rstrip().endswith("```\nhfseq compare --models lstm gru\n```")


def test_markdown_shows_errors_of_forecasts_per_channel(make_result):
    data = {"problem_type": "regression", "labels": [], "metric": "mse"}
    results = [make_result("lstm", seed, data=data, metrics={"mse": 0.5}) for seed in (0, 1)]
    for seed, result in enumerate(results):
        row = {"channel": "OT", "mean": 7.0, "mae": 1.0 + seed, "mae_standardized": 0.25}
        empty = {"channel": "MULL", "mean": 0.0, "mae": None, "mae_standardized": None}
        result.record.details = {"test": {"channels": [row, empty]}}
    text = to_markdown(collect(results))
    assert table_after(text, "channel | lstm") == [
        ["channel", "lstm"],
        ["---", "---:"],
        ["OT", "1.50 (0.250)"],
        ["MULL", "-"],
    ]


def test_report_says_which_rules_held_and_shows_learning_curves(make_result):
    protocol = {"train_sizes": [100, 300], "rules": ["Every model was trained on nested samples."], "command": "hfseq"}
    comparison = collect([make_result("lstm", data={"fingerprint": "0123456789abcdef"})], protocol=protocol)
    comparison["learning_curves"] = {
        "models": {
            "lstm": [
                {"size": 100, "mean": 0.61, "low": 0.57, "high": 0.66},
                {"size": 3000, "mean": 0.7, "low": None, "high": None},
            ],
            "gru": [{"size": 100, "mean": 0.5, "low": 0.4, "high": 0.6}],
        },
        "crossings": [{"sentence": "gru overtakes lstm."}],
    }
    text = to_markdown(comparison)
    assert table_after(text, "training examples | lstm")[2:] == [
        ["100", "0.610 [0.570, 0.660]", "0.50 [0.40, 0.60]"], ["3,000", "0.700", "-"],
    ]  # fmt: skip
    assert text.count("Every model was trained on nested samples.") == 2 and "- gru overtakes lstm.\n" in text
    assert "- Seeds: 0.\n- Fingerprints of the data: 0123456789ab.\n\n```\nhfseq\n```" in text
    shown = printed(comparison)
    assert "Every model was trained on nested samples." in shown and "gru overtakes lstm." in shown
    comparison["protocol"]["train_sizes"] = None
    assert "nested samples" not in printed(comparison)


def test_training_times_of_different_processors_are_not_ranked(make_result):
    results = [make_result("lstm", right=[True] * 9), make_result("gru", right=[True] * 9, machine={"processor": "b"})]
    comparison = collect(results, protocol={"prefer": "training"})
    text = to_markdown(comparison)
    assert "- training: time of the training steps; not ranked, see below\n" in text
    assert "- note: training times are not ranked: the runs had different processors" in text
    assert "- on disk: size of the saved model; lower is better\n" in text
    assert "fastest to train" not in comparison["recommendation"]["sentence"]
    same = to_markdown(collect(results[:1]))
    assert "training: time of the training steps; lower is better" in same and "not ranked" not in same


def test_records_have_kinds_and_intervals(with_baselines):
    with_baselines["models"]["lstm"]["costs"]["latency_by_length"] = [{"length": 4, "p50_ms": 1.0}]
    lstm, *_, words = model_records(with_baselines)
    assert list(lstm)[:8] == [
        "model", "kind", "status", "recommended", "accuracy", "accuracy_std", "accuracy_low", "accuracy_high",
    ]  # fmt: skip
    assert (lstm["kind"], words["kind"]) == ("model", "baseline")
    assert lstm["accuracy_low"] < lstm["accuracy"] == 0.9 < lstm["accuracy_high"] and lstm["accuracy_std"] is None
    assert "latency_by_length" not in lstm and lstm.keys() == words.keys()


def test_cells_have_as_many_digits_as_the_error_warrants():
    assert metric_cells({"mean": 0.7604, "interval": [0.7341, 0.7852]}) == ("0.760 [0.734, 0.785]", "0.760")
    assert metric_cells({"mean": 0.000123, "interval": [0.0001, 0.00015]})[0] == "0.000123 [0.000100, 0.000150]"
    assert metric_cells({"mean": 1.0, "interval": [1.0, 1.0]})[0] == "1.00"
    assert metric_cells(None) == ("-", "-")
    assert cost_cells(1.8, (1.5, 2.4), figure, " ms") == ("1.80 [1.50, 2.40] ms", "1.80 ms")
    assert cost_cells(1.8, (1.75, 1.85), figure, " ms")[0] == "1.80 ms"
    assert cost_cells(None, None, figure) == ("-", "-")
    assert difference_cell({"difference": -0.021, "low": -0.044, "high": 0.002}) == "-0.021 [-0.044, +0.002]"
    assert [p_value_cell(p) for p in (None, 0.0002, 0.034, 0.5)] == ["-", "< 0.001", "0.034", "0.50"]


def test_report_without_finished_runs_lists_the_failures(make_result):
    comparison = collect([make_result("lstm", error="broken", record=False)])
    assert "- HFS014 error: lstm: its run failed: seed 0: broken" in to_markdown(comparison)
    assert "HFS014 error: lstm: its run failed: seed 0: broken" in printed(comparison)


def test_markdown_of_regression_shows_its_metrics(make_result):
    metrics = {"mse": 2.0, "mae": 1.0, "pearson": 0.5, "spearman": 0.4}
    made = collect([make_result("lstm", data={"problem_type": "regression", "labels": []}, metrics=metrics)])
    assert "| model | MSE | MAE | pearson |" in to_markdown(made)


def test_output_to_a_file_is_one_table(comparison):
    text = printed(comparison)
    lines = text.splitlines()
    heading = next(line for line in lines if line.lstrip().startswith("model"))
    for words in ("accuracy", "macro F1", "calib. error", "parameters", "tokens/s", "training memory", "on disk"):
        assert words in heading
    row = next(line for line in lines if line.lstrip().startswith("lstm"))
    for cell in ("0.910 [0.851, 0.950]", "0.800 [0.780, 0.820]", "5,000", "1.25 ms", "3.04 ms", "400 MB", "2 MB"):
        assert cell in row
    assert "\x1b" not in text
    assert "minilm: unavailable: pip install" in text
    assert "lstm is the only model that finished. Test accuracy: lstm 0.91" in text.splitlines()[-1]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_terminal_report_never_breaks_numbers_or_words(comparison, width):
    text = on_terminal(comparison, width)
    assert max(map(len, text.splitlines())) <= width
    rows = " | ".join(line for line in text.splitlines() if line.lstrip().startswith("lstm "))
    after = text.partition("hidden because the terminal is too narrow:")[2].partition("minilm:")[0]
    hidden = " ".join(after.split()).split(", ")
    cells = {
        "accuracy": "0.910 [0.851, 0.950]", "calib. error": "0.0500", "parameters": "1 k", "training": "2 s",
        "without embeddings": "600", "tokens/s": "5,000", "latency p50": "1.25 ms", "latency p95": "3.04 ms",
        "training memory": "400 MB", "on disk": "2 MB",
    }  # fmt: skip
    for heading, cell in cells.items():
        assert (cell in rows) != (heading in hidden)
        assert set(heading.split()) <= set(text.replace(",", "").split())
    assert "accuracy" not in hidden
    assert ("without embeddings" in hidden) == (width < 100)


@pytest.mark.parametrize(("width", "tables"), [(80, 2), (100, 2), (160, 1)])
def test_narrow_terminal_shows_metrics_and_costs_in_two_tables(comparison, width, tables):
    text = on_terminal(comparison, width)
    rows = [line for line in text.splitlines() if line.startswith(" lstm ")]
    assert len(rows) == tables
    if tables == 2:
        assert ("0.910" in rows[0], "MB" in rows[0]) == (True, False)
        assert ("0.910" in rows[1], "MB" in rows[1]) == (False, True)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_terminal_report_marks_baselines(with_baselines, width):
    lines = on_terminal(with_baselines, width).splitlines()
    assert max(map(len, lines)) <= width
    start = next(place for place, line in enumerate(lines) if line.strip() == "simple baselines")
    assert [line.split()[0] for line in lines[start - 3 : start + 3] if line.strip()] == [
        "lstm", "gru", "simple", "majority", "bag_of_words",
    ]  # fmt: skip
    assert lines[start + 1].startswith("   majority")
    text = " ".join(" ".join(lines).split())
    assert ("Differences in test accuracy" in text and "lstm - bag_of_words" in text) == (width > 60)
    assert ("McNemar test" in text) == (width == 200)
    # The verdict is the end of the report.
    assert text.index("HFS015 info") < text.index("recipes/guides/checks.md") < text.index("Choose lstm")


def test_terminal_with_many_pairs_names_the_file_with_the_differences(make_result):
    results = [make_result(name, right=np.arange(50) < 30 + place) for place, name in enumerate("abcde")]
    text = on_terminal(collect(results), 200)
    assert "the differences between every two models, with p-values, are in comparison.md" in text


def test_narrow_terminal_shortens_a_long_model_name(make_result):
    name = "paraphrase-multilingual-MiniLM-L12-v2-fine-tuned-on-reviews-of-films"
    text = on_terminal(collect([make_result(name)]), 80)
    assert "paraphrase-multilingual" in text
    assert max(map(len, text.splitlines())) <= 80


def test_legend_explains_every_column_and_its_direction(comparison):
    text = " ".join(printed(comparison).split())
    assert "accuracy: share of labels that are predicted correctly; higher is better" in text
    assert "calib. error: gap between confidence and accuracy (ECE); lower is better" in text
    assert "tokens/s: training speed in tokens (or time steps) per second; higher is better" in text
    assert "on disk: size of the saved model; lower is better" in text
    assert "- training memory: peak memory of the training process; lower is better" in to_markdown(comparison)


def test_wide_output_does_not_shorten_a_long_model_name(make_result):
    name = "paraphrase-multilingual-MiniLM-L12-v2"
    assert name in printed(collect([make_result(name)]))


def test_terminal_report_highlights_the_recommended_model(comparison):
    out = io.StringIO()
    printed(comparison, Console(file=out, force_terminal=True, width=200, color_system="standard"))
    row = next(line for line in out.getvalue().splitlines() if "lstm" in line and "MB" in line)
    assert "\x1b[1;32m" in row
