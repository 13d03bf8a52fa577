"""The flags of `evaluate` and `predict` that say how other data is read than that of the training."""

import json
import random

import pytest
from small import TINY, write_csv

from hfseq import run_training
from hfseq.commands import CommandParser, main
from hfseq.commands.reading import add_reading_flags, reading_settings
from hfseq.data.arguments import DataArguments


def test_they_are_settings_of_the_training():
    parser = CommandParser("evaluate")
    add_reading_flags(parser)
    names = list(vars(parser.parse_args([])))
    words = [word for name in names for word in (f"--{name}", "a")]
    found = reading_settings(parser.parse_args(words))
    assert found == {name: ["a"] if name == "ignore_columns" else "a" for name in names}
    assert DataArguments(**found).time_column == "a"
    assert reading_settings(parser.parse_args(["--id_column", "b"])) == {"id_column": "b"}


def steps(names, source):
    """A row a step of series that rise or fall, in any order."""
    rows = [
        [f"s{number}", step, (step if number % 2 else -step) + source.random(), source.random(), "ud"[number % 2]]
        for number in range(40)
        for step in range(4)
    ]
    source.shuffle(rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A model of series from a table with one row a step."""
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


def test_a_table_whose_columns_are_called_otherwise(series, tmp_path, capsys):
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
