import csv
import io
import json

import pytest

import hfseq.comparison
import hfseq.comparison.report
from hfseq.commands import main

FINISHED = {"models": {"lstm": {"metrics": {"accuracy": {}}}}}


@pytest.fixture
def compared(monkeypatch, tmp_path):
    """What `hfseq compare` asks for, without training anything: models, output folder, notes and settings."""
    calls = []

    def compare(models, seeds, output_dir, *, notes, **settings):
        calls.append((output_dir, notes, settings))
        return FINISHED

    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text("text,label\n")  # read by the comparison, which does nothing here
    monkeypatch.setattr(hfseq.comparison, "compare", compare)
    monkeypatch.setattr(hfseq.comparison.report, "print_comparison", lambda comparison: None)

    def run(*words):
        calls.clear()
        assert main(["compare", *words]) == 0
        return calls[0]

    return run


@pytest.mark.parametrize(
    ("words", "folder", "others"),
    [
        ([], "comparisons/first-look", {}),
        (["--output_dir", "r"], "r", {}),
        (["--seeds", "0", "1"], "comparisons/first-look", {}),
        (["--models", "lstm", "gru"], "comparisons/first-look", {}),
        (["--learning_rate", "0.01"], "comparisons/first-look", {"learning_rate": 0.01}),
    ],
)
def test_first_look_holds_until_data_or_a_size_is_given(compared, words, folder, others):
    output_dir, notes, settings = compared(*words)
    assert output_dir == folder
    assert settings == {"max_train_samples": 3000, **others}
    assert "the models were trained on 3,000 examples" in notes[0]


@pytest.mark.parametrize(
    ("words", "folder", "settings"),
    [
        (["--dataset", "builtin:docstrings"], "comparisons/docstrings", {"dataset": "builtin:docstrings"}),
        (["--dataset", "reviews.csv"], "comparisons/reviews", {"dataset": "reviews.csv"}),
        (["--max_train_samples", "500"], "comparisons/docstrings", {"max_train_samples": 500}),
    ],
)
def test_data_or_a_size_ends_the_first_look(compared, words, folder, settings):
    assert compared(*words) == (folder, [], settings)


def test_data_set_of_a_model_file_ends_the_first_look(compared, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model: lstm\ndataset: reviews.csv\n")
    assert compared("--models", str(path)) == ("comparisons/reviews", [], {})


COMPARISON = {
    "recommendation": {"model": "gru", "sentence": "Choose gru."},
    "models": {
        "lstm": {"status": "failed", "metrics": {}, "costs": {}},
        "gru": {
            "status": "finished",
            "metrics": {"accuracy": {"mean": 0.75, "std": None, "values": [0.75], "interval": [0.7, 0.8]}},
            "costs": {"parameters": 1000},
        },
    },
}
RECORDS = [
    {"model": "lstm", "kind": "model", "status": "failed", "recommended": False, "accuracy": None,
     "accuracy_std": None, "accuracy_low": None, "accuracy_high": None, "parameters": None},
    {"model": "gru", "kind": "model", "status": "finished", "recommended": True, "accuracy": 0.75,
     "accuracy_std": None, "accuracy_low": 0.7, "accuracy_high": 0.8, "parameters": 1000},
]  # fmt: skip


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_formats_hold_one_record_per_model(monkeypatch, capsys, form):
    monkeypatch.setattr(hfseq.comparison, "compare", lambda *words, **settings: COMPARISON)
    assert main(["compare", "--format", form]) == 0
    out = capsys.readouterr().out
    if form == "csv":
        expected = [{name: "" if value is None else str(value) for name, value in row.items()} for row in RECORDS]
        assert list(csv.DictReader(io.StringIO(out))) == expected
    else:
        assert (json.loads(out) if form == "json" else [json.loads(line) for line in out.splitlines()]) == RECORDS
