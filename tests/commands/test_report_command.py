"""`hfseq report`."""

import subprocess
import sys

import pytest

from hfseq.commands import main
from hfseq.training.record import RunRecord

HEAVY = ("torch", "transformers", "evaluate", "datasets", "pandas", "sklearn", "accelerate", "huggingface_hub")
SCRIPT = """
import sys
from hfseq.commands import main
assert main(["report", sys.argv[1]]) == 0
print("imported:", *(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.fixture
def folder(tmp_path):
    """A comparison of two models with records only."""
    for name in ("lstm", "gru"):
        for seed in (0, 1):
            data = {
                "dataset": "reviews.csv", "description": "reviews.csv: 2 classes", "fingerprint": "f",
                "examples": {"train": 8, "validation": 4, "test": 4}, "metric": "accuracy",
                "directions": {"accuracy": True},
            }  # fmt: skip
            metrics = {"test": {"accuracy": 0.5 + 0.25 * seed}, "validation": {"accuracy": 0.5}}
            costs = {"parameters": 1000 + seed, "train_seconds": 2.0, "size_on_disk_bytes": 4000}
            RunRecord(
                name, "sequence_classification", seed, {"model": name}, "0", "finished", data=data, metrics=metrics,
                costs=costs, environment={"device": "cpu", "processor": "p", "num_threads": 1},
            ).save(tmp_path / "R" / name / f"seed-{seed}")  # fmt: skip
    return tmp_path / "R"


def test_the_page_is_made_from_the_runs(folder, capsys, monkeypatch, tmp_path):
    assert main(["report", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "accuracy" in out and str(folder / "report.html") in out
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "lstm" in page
    assert main(["report", str(folder), "--output", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text() == page
    # Of several folders, the page is written to the current folder.
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(folder / "lstm" / "seed-0"), str(folder / "gru" / "seed-0")]) == 0
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize(
    ("form", "expected"), [("csv", "dataset,model,"), ("md", "# Comparison"), ("latex", "\\begin{table}")]
)
def test_exports_are_written_to_the_screen_or_a_file(form, expected, folder, capsys, tmp_path):
    assert main(["report", str(folder), "--export", form]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(expected)
    assert main(["report", str(folder), "--export", form, "--output", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out").read_text() == shown and capsys.readouterr().out == ""
    assert not (folder / "report.html").exists()


def test_pictures_are_written_to_a_folder(folder, capsys, tmp_path):
    assert main(["report", str(folder), "--export", "svg", "--output", str(tmp_path / "pictures")]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == sorted(map(str, (tmp_path / "pictures").iterdir()), key=listed.index) and listed


def test_bad_folders_and_outputs_are_refused(folder, capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    for words, message in (
        (["empty"], "there are no runs in"),
        (["missing"], "there is no folder"),
        ([], "the following arguments are required"),
        (["R", "--export", "pdf"], "invalid choice: 'pdf'"),
        (["R", "--output", "empty"], "is a folder; name a file"),
        (["R", "--export", "svg", "--output", "R/lstm/seed-0/run.json"], "name a folder"),
    ):
        places = [str(tmp_path / word) if "/" in word or word in ("empty", "missing", "R") else word for word in words]
        assert main(["report", *places]) == 2
        assert message in capsys.readouterr().err


def test_a_damaged_record_is_named(folder, capsys):
    (folder / "lstm" / "seed-0" / "run.json").write_text("{}")
    assert main(["report", str(folder)]) == 2
    assert "is not a run record" in capsys.readouterr().err


def test_no_library_of_training_is_imported(folder):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), *HEAVY], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1] == "imported:"
