"""The result of a comparison in Python, from data in memory."""

import json

import pandas as pd
import pytest
from small import TINY, make_reviews

import hfseq
from hfseq.comparison.collect import collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.report import to_markdown
from hfseq.data.sources.memory import name_memory
from hfseq.errors import HfseqError
from hfseq.training.record import RunRecord

FRAME = pd.DataFrame(make_reviews(60, 0)).rename(columns={"text": "review"})
SMALL = {name: value for name, value in TINY.items() if name != "model"} | {"max_steps": 2, "num_train_epochs": 1}


@pytest.fixture
def compare_frame(tmp_path, monkeypatch):
    """Compares one model on a data frame in the working directory, and gives the lines of progress as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def compare(frame=FRAME, **settings):
        lines: list[str] = []
        found = hfseq.compare(
            models=["lstm"],
            dataset=frame,
            text_column="review",
            seeds=[0],
            say=lines.append,
            baselines="none",
            **SMALL,
            **settings,
        )
        return found, lines

    return compare


@pytest.mark.slow
def test_compare_reads_a_data_frame_and_resumes(compare_frame, tmp_path):
    comparison, lines = compare_frame()
    fingerprint = name_memory(FRAME).removeprefix("memory:")
    folder = tmp_path / "comparisons" / f"memory-{fingerprint}"
    assert comparison.folder.resolve() == folder and (folder / f"memory-{fingerprint}" / "dataset_dict.json").is_file()
    assert comparison["data"]["description"].startswith(f"in-memory data (fingerprint {fingerprint}): ")
    assert sum("training" in line and "[" in line for line in lines) == 1
    assert [(run.name, run.seed, run.finished) for run in comparison.runs] == [("lstm", 0, True)]
    assert comparison.recommended == "lstm" and comparison.verdict.startswith("lstm is the only model that finished")
    table = comparison.to_pandas()
    assert table.index.tolist() == ["lstm"] and (table["status"] == "finished").all()
    assert table["accuracy"].tolist() == [run.record.metrics["test"]["accuracy"] for run in comparison.runs]
    assert table["train_seconds"].min() > 0 and table["latency_p50_ms"].min() > 0
    # The same content again, in another form.
    again, lines = compare_frame(FRAME.to_dict("records"))
    assert sum("already finished" in line for line in lines) == 1
    assert again.to_pandas()["accuracy"].equals(table["accuracy"])
    # The run can be evaluated by itself, on its own test split.
    predictor = hfseq.load_predictor(comparison.runs[0].folder, device="cpu")
    assert predictor.evaluate()["accuracy"] == pytest.approx(table.loc["lstm", "accuracy"])
    assert predictor.evaluate(FRAME)["accuracy"] == pytest.approx(table.loc["lstm", "accuracy"])
    assert Comparison.load(folder).to_pandas().equals(again.to_pandas())


def test_invalid_comparison_of_a_data_frame_writes_nothing(compare_frame, tmp_path):
    with pytest.raises(HfseqError, match="label"):
        compare_frame(FRAME.drop(columns="label"))
    with pytest.raises(HfseqError, match="there is no setting 'text_colum'"):
        compare_frame(text_colum="review")
    assert list(tmp_path.iterdir()) == []


def test_comparison_is_a_mapping_and_a_table(make_result, tmp_path):
    results = [make_result("lstm", 0, accuracy=0.9), make_result("lstm", 1, accuracy=0.7),
               make_result("gru", 0, error="out of memory", record=False)]  # fmt: skip
    content = collect(results, {"minilm": "it is not installed"})
    comparison = Comparison(content, tmp_path, results)
    assert dict(comparison) == content and comparison["seeds"] == [0, 1] and len(comparison) == len(content)
    assert to_markdown(comparison) == to_markdown(content) and json.loads(json.dumps(dict(comparison))) is not None
    table = comparison.to_pandas()
    assert table["status"].to_dict() == {"lstm": "finished", "gru": "failed", "minilm": "unavailable"}
    assert table.loc["lstm", "accuracy"] == pytest.approx(0.8)
    assert table.loc["lstm", "accuracy_std"] == pytest.approx(0.1 * 2**0.5)
    assert table["accuracy"].isna().tolist() == [False, True, True]
    assert repr(comparison) == f"Comparison of lstm, gru, minilm on reviews.csv: 2 classes\n{comparison.verdict}"
    shown = comparison._repr_html_()
    assert "<table" in shown and "0.8" in shown and comparison.verdict in shown


def test_verdict_tells_why_no_model_finished(make_result, tmp_path):
    results = [make_result("lstm", error="out of <memory>", record=False)]
    comparison = Comparison(collect(results), tmp_path, results)
    assert comparison.verdict == "No model finished. lstm: seed 0: out of <memory>" and comparison.recommended is None
    assert "&lt;memory&gt;" in comparison._repr_html_() and comparison.runs[0].finished is False


def test_load_rejects_a_folder_without_a_comparison(tmp_path):
    with pytest.raises(HfseqError, match="there is no comparison in"):
        Comparison.load(tmp_path)
    (tmp_path / "comparison.json").write_text('{"models": 3}')
    with pytest.raises(HfseqError, match=r"comparison\.json is damaged"):
        Comparison.load(tmp_path)
    assert RunRecord.load(tmp_path) is None
