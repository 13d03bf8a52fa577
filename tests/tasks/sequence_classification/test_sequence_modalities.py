"""Series, DNA and video in sequence classification: from files to predictions."""

import csv
import json

import numpy as np
import pytest
from datasets import Dataset
from small import TINY, check_saved_sums

from hfseq import run_training
from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities import find_modality
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.nested_lists import flatten_lists
from hfseq.modalities.rows import load_rows
from hfseq.modalities.series.modality import Series
from hfseq.registry import get_modality, modalities
from hfseq.tasks.sequence_classification.data import load_labelled
from hfseq.training.checkpoints import tokenizer_maker
from hfseq.training.preparation import make_task
from hfseq.training.reading import parse_mapping
from hfseq.training.saved_predictions import load_examples
from hfseq.training.settings import resolve

RISING = [[0.0, 1.0, 2.0], [5.0, 6.0, 7.5], [-1.0, 0.0, 1.0]]


def settings(folder, **more):
    tiny = {**TINY, "config_overrides": "hidden_size=8,dropout=0.0,classifier_dropout=0.0"}
    return {**tiny, "output_dir": str(folder / "run"), "cache_dir": str(folder / "cache"), **more}


@pytest.fixture
def ts_folder(tmp_path):
    """A `.ts` problem: series of two channels that rise or fall, with one missing value."""
    source = np.random.default_rng(0)
    folder = tmp_path / "Slopes"
    folder.mkdir()
    for split, count in (("TRAIN", 40), ("TEST", 10)):
        lines = []
        for number in range(count):
            slope = 1 if number % 2 else -1
            steps = slope * np.arange(source.integers(4, 7)) + source.normal(0, 0.1)
            cells = [f"{value:.3f}" for value in steps]
            other = ["?", *cells[1:]] if number == 3 else cells
            lines.append(f"{','.join(cells)}:{','.join(other)}:{'up' if slope > 0 else 'down'}")
        header = "@univariate false\n@dimensions 2\n@equalLength false\n@classLabel true up down\n@data\n"
        (folder / f"Slopes_{split}.ts").write_text(header + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def fasta(tmp_path):
    """A FASTA file whose headers contain the labels."""
    source = np.random.default_rng(0)
    path = tmp_path / "sites.fasta"
    lines = []
    for number in range(60):
        label = ("rich", "poor")[number % 2]
        letters = "".join(source.choice(list("GGGCA" if label == "rich" else "AATTC"), 12))
        lines.append(f">s{number} label={label}\n{letters}\n")
    path.write_text("".join(lines))
    return path


@pytest.fixture
def videos(tmp_path):
    """One folder of arrays per class: bright and dark."""
    source = np.random.default_rng(0)
    for label, level in (("bright", 200), ("dark", 20)):
        folder = tmp_path / "clips" / label
        folder.mkdir(parents=True)
        for number in range(15):
            frames = level + source.integers(0, 40, (source.integers(2, 5), 4, 4))
            np.save(folder / f"clip{number}.npy", frames.astype(np.uint8))
    return tmp_path / "clips"


PREVIEWS = {"series": {"series"}, "dna": {"text"}, "video": {"description", "image"}, "image": {"image"}}


def finish(folder, capsys, source, **more):
    """Trains a model, and checks that `evaluate` and `predict` work and reproduce the metrics of the record."""
    record = run_training(settings(folder, **more))
    check_saved_sums(record, folder / "run", without={"roc_auc"})
    previews = load_examples(folder / "run")
    assert len(previews) == record.data["examples"]["test"]
    assert previews[0].keys() == PREVIEWS[record.data["modality"]]
    predictor = Predictor.load(str(folder / "run"), device="cpu")
    found = predictor.evaluate(cache_dir=str(folder / "cache"))
    assert {name: record.metrics["test"][name] for name in found} == pytest.approx(found, abs=1e-5)
    capsys.readouterr()
    assert main(["predict", str(folder / "run"), "--input", str(source), "--format", "jsonl"]) == 0
    return record, predictor, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_train_and_predict_series(ts_folder, tmp_path, capsys):
    test = ts_folder / "Slopes_TEST.ts"
    record, predictor, rows = finish(tmp_path, capsys, test, dataset=str(ts_folder), num_train_epochs=4)
    assert record.data["modality"] == "series" and record.data["labels"] == ["down", "up"]
    assert record.data["examples"] == {"train": 36, "validation": 4, "test": 10}
    assert record.metrics["test"]["accuracy"] == 1.0
    # A training value is missing, so each channel has a second one that marks missing values.
    assert predictor.processor.feature_size == 4 and predictor.model.config.input_features == 4
    assert [row["input"] for row in rows] == list(range(10))
    assert [row["labels"] for row in rows] == [["down"], ["up"]] * 5
    narrow = tmp_path / "narrow.json"
    narrow.write_text(json.dumps([{"series": [[1.0], [2.0]]}]))
    assert main(["predict", str(tmp_path / "run"), "--input", str(narrow)]) == 2
    assert "has 1 channels, but the extractor is for 2" in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "run"), "--text", "x"]) == 2
    assert "this model reads series, not texts: give it a file or folder with --input" in capsys.readouterr().err


def test_train_and_predict_dna(fasta, tmp_path, capsys):
    more = {"kmer": 2, "kmer_stride": 2, "reverse_complement": True, "max_train_samples": 20}
    record, predictor, rows = finish(tmp_path, capsys, fasta, dataset=str(fasta), **more)
    assert record.data["modality"] == "dna"
    # Training sequences occur twice, once per strand; those of other splits are unchanged.
    assert record.data["examples"] == {"train": 40, "validation": 6, "test": 6}
    assert isinstance(predictor.processor, DNATokenizer)
    assert (predictor.processor.k, predictor.processor.stride) == (2, 2)
    assert len(rows) == 60 and set(rows[0]) == {"id", "input", "labels", "scores"}
    assert main(["predict", str(tmp_path / "run"), "--text", "ACGT", "--text", "ACXT"]) == 2
    assert "--text, row 1: 'X' at position 3 is not a nucleotide" in capsys.readouterr().err


def test_train_and_predict_video(videos, tmp_path, capsys):
    (tmp_path / "one").mkdir()
    one = next(videos.glob("dark/*.npy"))
    more = {"image_size": 4, "num_channels": 1, "num_train_epochs": 4}
    record, predictor, rows = finish(tmp_path, capsys, one, dataset=str(videos), **more)
    assert record.data["modality"] == "video" and record.data["labels"] == ["bright", "dark"]
    assert predictor.model.config.input_features == 16
    assert rows == [{"input": str(one), "labels": ["dark"], "scores": rows[0]["scores"]}]


def test_modality_is_guessed_from_files(ts_folder, fasta, videos):
    for path, name in ((ts_folder, "series"), (fasta, "dna"), (videos, "video")):
        assert find_modality(DataArguments(dataset=str(path))).name == name
    assert set(modalities()) >= {"text", "series", "dna", "video"}


def test_dna_tokenizer_is_saved_and_loaded(fasta, tmp_path):
    def processor(**given):
        arguments = resolve({"dataset": str(fasta), "cache_dir": str(tmp_path), **given})
        data = load_labelled(arguments.data)
        task = make_task(arguments, data)
        return task.make_processor(data, arguments.data, tokenizer_maker(arguments.model, arguments.data))

    assert not processor().add_cls_sep and processor(model="transformer").add_cls_sep
    assert len(processor(tokenizer_name="character")) == 5 + 4
    with pytest.raises(HfseqError, match="--kmer and --kmer_stride: stride must be 1 to k"):
        processor(kmer=2, kmer_stride=3)


def test_fasta_file_names_define_splits(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.fa").write_text(">a label=x\nAC\n>b label=y\nGT\n")
    assert list(get_modality("dna").read_path(tmp_path, DataArguments())) == ["train", "test"]
    classes = tmp_path / "classes"
    for name in ("train", "test"):
        (classes / name).mkdir(parents=True)
        for label in ("x", "y"):
            (classes / name / f"{label}.fa").write_text(">a\nAC\n")
    splits = get_modality("dna").read_path(classes, DataArguments())
    assert {name: split["label"] for name, split in splits.items()} == {"train": ["x", "y"], "test": ["x", "y"]}


# --- tables of series


def write(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_series_tables_of_all_layouts_are_equal(tmp_path):
    """The same two series of two channels in each layout."""
    wanted = {"series": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], "kind": ["a", "b"]}
    named = {"label_column": "kind", "modality": "series"}
    wide = tmp_path / "wide.csv"
    write(wide, [["x1", "y1", "x2", "y2", "name", "kind"], [1, 2, 3, 4, "p", "a"], [5, 6, 7, 8, "q", "b"]])
    long = tmp_path / "long.csv"
    write(long, [["id", "t", "x", "y", "kind"], [1, 1, 3, 4, "a"], [2, 0, 5, 6, "b"], [1, 0, 1, 2, "a"],
                 [2, 1, 7, 8, "b"]])  # fmt: skip
    for name, steps in (("p", [[1, 2], [3, 4]]), ("q", [[5, 6], [7, 8]])):
        write(tmp_path / f"{name}.csv", [["#x", " y"], *steps])
    listed = tmp_path / "listed.csv"
    write(listed, [["file", "kind"], ["p.csv", "a"], ["q.csv", "b"]])
    flat = tmp_path / "flat.jsonl"
    flat.write_text('{"series": [1, 2, 3, 4], "kind": "a", "n": 0}\n{"series": [5, 6, 7, 8], "kind": "b", "n": 1}\n')
    for path, more in (
        (wide, {"channels": 2, "ignore_columns": ["name"]}),
        (long, {"id_column": "id", "time_column": "t"}),
        (listed, {}),
        (flat, {"channels": 2}),
        (flat, {"channels": 2, "input_column": "series"}),
    ):
        arguments = DataArguments(dataset=str(path), cache_dir=str(tmp_path / "cache"), **named, **more)
        table = load_rows(arguments, get_modality("series"))["train"]
        assert {name: table[name][:] for name in wanted} == wanted, path
        assert get_modality("series").resolve(table.column_names, arguments) == Columns("series", None, "kind")


def test_series_without_label_keep_all_columns():
    table = Dataset.from_dict({"series": [[[1]], [[2]]], "label": [0, 1]})
    arguments = DataArguments(task="forecasting")
    assert Series().from_table(table, None, arguments, "here").column_names == ["series", "label"]
    wide = Dataset.from_dict({"a": [1, 2], "label": [0, 1]})
    assert Series().from_table(wide, None, arguments, "here")["series"][0] == [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[[1.0, 2.0]], [[1.0]]], "here, row 1: the series has 1 channels, but that of row 0 has 2"),
        ([[[1.0]], []], "here, row 1: the series has no steps"),
        ([[[1.0]], None], "here, row 1: the series is missing"),
        ([[[1.0]], [[1.0], [2.0, 3.0]]], "here, row 1: the series has 1 channels in one list and 2 in another"),
        ([[[1.0]], [[2.0], [float("inf")]]], "here, row 1: the value is infinite"),
        ([[[1.0]], [[2.0], [1e39]]], "here, row 1: the value 1e\\+39 is too large for a model"),
        ([[["a"]]], "column 'series' holds .* but a series is numbers in nested lists \\(steps, channels\\)"),
    ],
)
def test_check_rejects_damaged_series(values, message):
    with pytest.raises(HfseqError, match=message):
        Series().check(Dataset.from_dict({"series": values}), Columns("series"), "here")


def test_series_arrays_of_selected_rows():
    rows = Dataset.from_dict({"series": [*([[value] for value in row] for row in RISING), [[9.0]]]}).select([3, 1])
    flat = flatten_lists(rows, "series", ("steps", "channels"), "series", "here")
    assert flat.values.to_pylist() == [9.0, 5.0, 6.0, 7.5]
    assert flat.rows.tolist() == [0, 1, 1, 1]


# --- settings


def test_builtin_data_set_defines_settings(tmp_path):
    found = resolve({"dataset": "builtin:moving-digits"})
    assert (found.data.get("image_size"), found.data.get("num_channels")) == (16, 1)
    assert resolve({"dataset": "builtin:moving-digits", "image_size": 8}).data.get("image_size") == 8
    assert found.settings["image_size"] == 16  # a saved model reads data as in training


def test_early_stopping_can_be_disabled():
    given = parse_mapping({"dataset": "builtin:digits-rows", "early_stopping_patience": None}, "here")
    assert resolve(given).training.early_stopping_patience is None
    assert resolve(parse_mapping(resolve(given).settings, "there")).training.early_stopping_patience is None
    assert resolve({"dataset": "builtin:digits-rows"}).training.early_stopping_patience is not None


def test_statistics_use_only_the_training_split(ts_folder, tmp_path):
    arguments = DataArguments(dataset=str(ts_folder), cache_dir=str(tmp_path), normalization="channel")
    data = load_labelled(arguments)
    processor = Series().make_processor(data.splits["train"], data.columns, arguments)
    steps = [step[0] for series in data.splits["train"]["series"] for step in series]
    np.testing.assert_allclose([processor.mean[0], processor.std[0]], [np.mean(steps), np.std(steps)])
