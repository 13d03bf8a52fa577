"""Flags of `evaluate` and `predict` for data that has another format than the training data."""

import json
import random

import pytest
from small import TINY, write_csv

from hfseq import run_training
from hfseq.commands import CommandParser, main
from hfseq.commands.reading import add_reading_flags, reading_settings
from hfseq.data.arguments import DataArguments, data_settings

# Settings of the training or of the model. New data cannot have other values.
OF_THE_TRAINING = {
    "task", "modality", "dataset", "dataset_config_name", "dataset_revision", "problem_type", "tag_scheme",
    "max_length", "eval_max_length", "truncation", "max_target_length", "num_beams", "max_steps_per_example",
    "normalization", "channels", "transpose", "kmer", "kmer_stride", "reverse_complement", "sampling_rate",
    "num_mel_bins", "frame_stack", "spec_augment", "image_size", "num_channels", "context_length",
    "prediction_length", "seasonality", "window_stride", "time_splits", "forecast_loss", "quantiles",
    "validation_fraction", "test_fraction", "split_seed", "max_train_samples", "max_eval_samples",
    "max_predict_samples", "preprocessing_num_workers", "cache_dir", "tokenizer_name", "tokenizer_vocab_size",
    "tokenizer_lowercase", "class_weights", "group_column", "num_folds", "fold", "resplit", "train_size",
}  # fmt: skip
VALUES = {
    "ignore_columns": ["a"], "column_names": ["a", "b"], "missing_values": ["NA"], "no_header": False,
    "delimiter": ";", "decimal": ".", "encoding": "cp1252", "max_cell_mb": 7, "max_media_values": 7,
    "max_music_steps": 7,
}  # fmt: skip


def test_each_setting_of_the_data_is_a_flag_or_belongs_to_the_training():
    parser = CommandParser("evaluate")
    add_reading_flags(parser)
    flags = set(vars(parser.parse_args([])))
    settings = set(data_settings())
    assert not flags & OF_THE_TRAINING
    assert flags | OF_THE_TRAINING == settings


def test_reading_flags_return_settings_of_the_training():
    parser = CommandParser("evaluate")
    add_reading_flags(parser)
    values = {name: VALUES.get(name, "a") for name in vars(parser.parse_args([])) if name != "plugins"}
    words = []
    for name, value in values.items():
        words += [
            f"--{name}",
            *(value if isinstance(value, list) else [str(value).lower() if value is False else str(value)]),
        ]
    found = reading_settings(parser.parse_args(words))
    assert found == values
    assert DataArguments(**{**found, "column_names": None}).get("time_column") == "a"
    assert reading_settings(parser.parse_args(["--id_column", "b"])) == {"id_column": "b"}


def steps(names, source):
    """A table with one row per step of series that rise or fall, in random order."""
    rows = [
        [f"s{number}", step, (step if number % 2 else -step) + source.random(), source.random(), "ud"[number % 2]]
        for number in range(40)
        for step in range(4)
    ]
    source.shuffle(rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A model trained on a table with one row per step."""
    folder = tmp_path_factory.mktemp("series")
    table = write_csv(folder / "train.csv", steps(["id", "time", "a", "b", "label"], random.Random(0)))
    run_training(
        {
            **TINY, "config_overrides": "hidden_size=8,dropout=0.0,classifier_dropout=0.0", "modality": "series",
            "dataset": str(table), "id_column": "id", "time_column": "time", "output_dir": str(folder / "run"),
            "cache_dir": str(folder / "cache"),
        }
    )  # fmt: skip
    return str(folder / "run")


def test_evaluate_reads_a_table_with_other_column_names(series, tmp_path, capsys):
    def command(*words):
        code = main([words[0], series, *map(str, words[1:])])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.strip().rpartition("\n")[2]

    same, other = ["id", "time", "a", "b", "label"], ["who", "when", "a", "b", "label"]
    known, renamed = (
        write_csv(tmp_path / f"{names[0]}.csv", steps(names, random.Random(1))) for names in (same, other)
    )
    expected = command("evaluate", "--dataset", known, "--format", "json")
    assert expected[0] == 0
    code, _, error = command("evaluate", "--dataset", renamed)
    assert code == 2 and "there is no column 'id'" in error
    names = ["--id_column", "who", "--time_column", "when"]
    code, out, _ = command("evaluate", "--dataset", renamed, *names, "--format", "json")
    assert (code, json.loads(out)) == (0, pytest.approx(json.loads(expected[1])))

    rows = [{**row, "note": 3} for row in steps(other, random.Random(1))]
    more = write_csv(tmp_path / "more.csv", rows)
    code, _, error = command("evaluate", "--dataset", more, *names)
    assert code == 2 and "it knows no column 'note' (--ignore_columns note)" in error
    code, out, _ = command("evaluate", "--dataset", more, *names, "--ignore_columns", "note", "--format", "json")
    assert (code, json.loads(out)) == (0, pytest.approx(json.loads(expected[1])))
    assert command("predict", "--input", more)[0] == 2
    # The label is no step anyway, and may be named as well.
    for ignored in (["note"], ["note", "label"]):
        code, out, _ = command("predict", "--input", more, *names, "--ignore_columns", *ignored)
        assert code == 0 and len(out.splitlines()) == 40


def test_evaluate_reads_a_table_in_another_format(tmp_path, capsys):
    """The settings of the training are the defaults; a flag overrides them."""
    rows = [(f"a {'good' if n % 2 else 'bad'} day {n}", "ud"[n % 2]) for n in range(60)]
    (tmp_path / "train.csv").write_text("".join(f"{text};{label}\n" for text, label in rows))
    run_training(
        {
            **TINY, "dataset": str(tmp_path / "train.csv"), "column_names": ["text", "label"], "delimiter": ";",
            "output_dir": str(tmp_path / "run"), "cache_dir": str(tmp_path / "cache"),
        }
    )  # fmt: skip
    capsys.readouterr()
    names = {"same.csv": (";", "utf-8"), "other.csv": ("|", "cp1252")}
    for name, (delimiter, encoding) in names.items():
        (tmp_path / name).write_text(f"größe, day{delimiter}u\na day{delimiter}d\n", encoding=encoding)
    outputs = []
    for name, flags in (("same.csv", []), ("other.csv", ["--delimiter", "pipe", "--encoding", "cp1252"])):
        words = ["predict", str(tmp_path / "run"), "--input", str(tmp_path / name), "--format", "jsonl"]
        assert main([*words, *flags]) == 0
        outputs.append(capsys.readouterr().out)
        words = ["evaluate", str(tmp_path / "run"), "--dataset", str(tmp_path / name), "--format", "json"]
        assert main([*words, *flags]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[:2] == outputs[2:]
    assert [json.loads(line)["text"] for line in outputs[0].splitlines()] == ["größe, day", "a day"]
    assert main(["predict", str(tmp_path / "run"), "--input", str(tmp_path / "other.csv")]) == 2
