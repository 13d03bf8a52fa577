"""Formats of csv and tsv files: delimiters, headers, decimal signs, encodings, and limits."""

import gzip
import os

import pytest

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.cells import convert_numbers, is_cell
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.loading import load_source
from hfseq.data.sources.tables import table_layout, table_rows
from hfseq.errors import HfseqError
from hfseq.modalities.rows import load_rows
from hfseq.modalities.series.files import read_listed
from hfseq.modalities.series.table_roles import TableRoles
from hfseq.registry import get_task, tasks
from hfseq.tasks.forecasting.data import load_series
from hfseq.tasks.sequence_classification.data import load_labelled


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="a.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write_file


def rows(path, **form):
    return [row for _, row in table_rows(path, FileFormat(**form))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_delimiter_is_inferred(write, delimiter, name):
    lines = [["text", "label"], ["one", "pos"], ["two words: a.b", "neg"]]
    path = write("\n".join(map(delimiter.join, lines)) + "\n", name)
    assert rows(path) == [{"text": text, "label": label} for text, label in lines[1:]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("text,label\na; b,x\nc; d,y\n", ("text", "label")),
        ("text\na; b\nc\n", ("text",)),
        ("a;b\n1,5;2,5\n2,5;3,5\n", ("a", "b")),
        ("a, b;c\n1;2,5\n2;3,5\n", ("a, b", "c")),
        ("comment;rating\nfine, really;pos\nno;neg\n", ("comment", "rating")),
        ('text;label\n"a; b";x\n"c\nd";y\n', ("text", "label")),
        ("text,label\na|b,x\nc|d,y\n", ("text", "label")),
    ],
)
def test_delimiter_is_not_inferred_from_texts(write, text, names):
    assert table_layout(write(text)).names == names


def test_delimiter_setting_is_used(write):
    path = write("a;b|c\n1;2|3\n4;5|6\n")
    assert table_layout(path).names == ("a", "b|c")
    for given in ("|", "pipe"):
        assert rows(path, delimiter=given) == [{"a;b": "1;2", "c": "3"}, {"a;b": "4;5", "c": "6"}]


def test_decimal_commas_are_recognised(write):
    path = write("t;x;word\n1;1,50;1,5\n2;-2;a,b\n3;,25;c\n")
    split = load_source(str(path))["train"]
    assert all(map(is_cell, split.features.values()))
    assert split["x"][:] == ["1,50", "-2", ",25"]
    numbers = convert_numbers(split)
    assert (numbers["t"][:], numbers["x"][:]) == ([1, 2, 3], [1.5, -2.0, 0.25])
    assert numbers["word"][:] == ["1,5", "a,b", "c"]
    assert split.info.description == (
        "Read from a.csv: the delimiter is a semicolon (--delimiter), and numbers have a decimal comma (--decimal)"
    )
    assert convert_numbers(load_source(str(path), form=FileFormat(decimal="."))["train"])["x"][0] == "1,50"


def test_regression_accepts_decimal_commas(write):
    path = write("text;score\n" + "".join(f"text {i};{i},5\n" for i in range(60)))
    data = load_labelled(DataArguments(dataset=str(path)))
    assert data.labels.problem_type == "regression"
    assert sorted(value for split in data.encoded_labels.values() for value in split) == [i + 0.5 for i in range(60)]
    assert data.notes[0].startswith("Read from a.csv: the delimiter is a semicolon")


@pytest.mark.parametrize(
    "first",
    [
        *("1.5,2.5", "3,4", "2020-01-01,5.1", "01.02.2020,5", "2020-01-01 10:00:00,5", "5,NA", "7", "1,,2", "10:30,4"),
        *("1949-01,112", "01/1949,5", "1949Q1,5", "1949-W01,5", "Jan 1949,5", "01 Jan 2020,5", "1. Januar 2020,5"),
    ],
)
def test_first_row_of_values_is_an_error(write, first):
    path = write(f"{first}\n" * 30)
    with pytest.raises(HfseqError, match=r"seems to have no header: .*--column_names a,b,c or --no_header"):
        table_layout(path)
    with pytest.raises(HfseqError, match="no header"):
        load_series(DataArguments(dataset=str(path), task="forecasting"))
    width = len(first.split(","))
    assert [list(row.values()) for row in rows(path, no_header=True)] == [[c or None for c in first.split(",")]] * 30
    assert table_layout(path, FileFormat(no_header=True)).names == tuple(f"column_{i + 1}" for i in range(width))
    if len(set(first.split(","))) == width and "" not in first.split(","):
        assert table_layout(path, FileFormat(no_header=False)).names == tuple(first.split(","))


@pytest.mark.parametrize(
    "header", ["0,1,2,3", ",0,1,2", "date,0.1,0.9", "id,2019,2020", "x,1", ",a", "march,2", "decade 20,1"]
)
def test_headers_may_contain_numbers(write, header):
    names = tuple(name or "Unnamed: 0" for name in header.split(","))
    assert table_layout(write(f"{header}\n{header}\n")).names == names


def test_text_after_a_quoted_cell_is_an_error(write):
    assert rows(write('text,label\n"a ""x"" end",b\n')) == [{"text": 'a "x" end', "label": "b"}]
    assert rows(write('text,label\na "x" end,b\n')) == [{"text": 'a "x" end', "label": "b"}]
    for row in ('"a \\"x\\" end",b', '"a" ,b'):
        with pytest.raises(HfseqError, match=r"line 3: there is text after the closing quotation mark .*Double"):
            rows(write(f"text,label\nfine,c\n{row}\n"))


def test_column_names_setting_is_used(write):
    path = write('3,"Wall St., again","text, long"\n4,title,text\n')
    expected = [
        {"class": "3", "title": "Wall St., again", "text": "text, long"},
        {"class": "4", "title": "title", "text": "text"},
    ]
    assert rows(path, column_names=("class", "title", "text")) == expected
    with pytest.raises(HfseqError, match=r"has 2 names .* but the first row has 3 cells"):
        rows(path, column_names=("a", "b"))
    with_header = write("text,class\nx,3\n", "b.csv")
    assert rows(with_header, column_names=("class", "title", "text")) == [{"text": "x", "class": "3"}]


def test_tables_without_header_are_read_for_every_task(write, tmp_path):
    texts = write("".join(f"{i % 2},title {i},some text {i}\n" for i in range(60)), "news.csv")
    data = load_labelled(DataArguments(dataset=str(texts), column_names=["label,title,text"]))
    assert sum(map(len, data.splits.values())) == 60
    assert data.columns.text == "text"
    pairs = write("".join(f"in {i}\tout {i}\n" for i in range(60)), "pairs.tsv")
    loaded = get_task("sequence_to_sequence").load(
        DataArguments(dataset=str(pairs), task="sequence_to_sequence", column_names=["source", "target"])
    )
    assert sum(map(len, loaded.splits.values())) == 60
    steps = write("".join(f"2020-01-{i + 1:02d};{i},5\n" for i in range(30)), "steps.csv")
    settings = {"task": "forecasting", "context_length": 4, "prediction_length": 2}
    history = load_series(DataArguments(dataset=str(steps), column_names=["ds", "y"], **settings))
    assert history.channels == ["y"] and history.splits["train"]["series"][0][0] == [0.5]
    assert load_series(DataArguments(dataset=str(steps), no_header=True, **settings)).channels == ["column_2"]
    wide = write("".join(f"{i}.5,{i}.25,{'ab'[i % 2]}\n" for i in range(60)), "wide.csv")
    series = load_labelled(
        DataArguments(dataset=str(wide), modality="series", no_header=True, label_column="column_3")
    )
    assert sum(map(len, series.splits.values())) == 60
    assert {len(one) for one in series.splits["train"]["series"]} == {2}


def test_missing_values_setting_is_used(write, tmp_path):
    text = "ds,y\n" + "".join(f"2020-01-{i + 1:02d},{'NA' if i == 2 else '-' if i == 4 else i}\n" for i in range(30))
    settings = {"dataset": str(write(text)), "task": "forecasting", "context_length": 4, "prediction_length": 2}
    with pytest.raises(HfseqError, match=r"such as 'NA' in row 2.*--missing_values"):
        load_series(DataArguments(**settings))
    data = load_series(DataArguments(**settings, missing_values=["NA", "-"]))
    assert [step[0] for step in data.splits["train"]["series"][0][:6]] == [0, 1, None, 3, None, 5]
    wide = write(
        "s0,s1,label\n" + "".join(f"{i * 7 % 11},{'NA' if i % 3 else i},{'ab'[i % 2]}\n" for i in range(60)), "w.csv"
    )
    arguments = DataArguments(dataset=str(wide), modality="series", missing_values=["NA"])
    lengths = {len(one) for one in load_labelled(arguments).splits["train"]["series"]}
    assert lengths == {1, 2}
    listing = write("file,label\none.csv,a\n", "train.csv")
    write("x;y\n1,5;NA\n", "one.csv")
    table = load_source(str(listing))["train"].with_format("arrow")[:]
    series, names, _ = read_listed(table, ["file"], None, tmp_path, TableRoles(), "w", missing=["NA"])
    assert names == ["x", "y"] and series[0][0, 0] == 1.5 and series[0][0, 1] != series[0][0, 1]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_encoding_setting_is_used(write, name, encoding):
    text = "text,label\nna\u00efve,x\n" if name == "a.csv" else '{"text": "na\u00efve", "label": "x"}\n'
    path = write(text, name, encoding)
    with pytest.raises(HfseqError, match="--encoding"):
        load_source(str(path))
    assert load_source(str(path), form=FileFormat(encoding=encoding))["train"].to_list() == [
        {"text": "na\u00efve", "label": "x"}
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delimiter": "::"}, "delimiter must be one character"),
        ({"decimal": ";"}, "decimal must be"),
        ({"decimal": ",", "delimiter": ","}, "cannot both be"),
        ({"encoding": "latin-99"}, "encoding 'latin-99' is not known"),
        ({"encoding": "base64"}, "encoding 'base64' is not known"),
        ({"column_names": ["a,a"]}, "must be distinct"),
        ({"column_names": ["a"], "no_header": False}, "remove one of them"),
        ({"max_cell_mb": 0}, "max_cell_mb must be from 1"),
    ],
)
def test_file_format_rejects_invalid_settings(settings, message):
    with pytest.raises(HfseqError, match=message):
        DataArguments(**settings)


def test_table_settings_are_rejected_for_other_files(write):
    path = write('{"text": "a", "label": "x"}\n', "a.jsonl")
    modality = get_task("sequence_classification").load(DataArguments(dataset="builtin:docstrings")).modality
    for settings in ({"delimiter": ";"}, {"column_names": ["a"]}, {"no_header": True}):
        with pytest.raises(HfseqError, match=f"--{next(iter(settings))} is for csv, tsv files"):
            load_rows(DataArguments(dataset=str(path), **settings), modality)
    with pytest.raises(HfseqError, match="--encoding is for csv, tsv, json, jsonl files"):
        load_rows(DataArguments(dataset="builtin:docstrings", encoding="cp1252"), modality)


def test_compressed_file_of_excessive_size_is_rejected(write, tmp_path, monkeypatch):
    monkeypatch.setattr("hfseq.data.sources.readers._ALWAYS_ALLOWED", 1 << 20)
    write(gzip.compress(b"text\n" + b"row\n" * (1 << 20)), "a.csv.gz")
    with pytest.raises(HfseqError, match=r"decompresses to more than 1 MB, .*decompress it with gunzip"):
        load_source(str(tmp_path / "a.csv.gz"))


def test_cells_above_the_maximum_size_are_rejected(write):
    path = write("text,label\n" + "x" * (3 << 20) + ",a\n")
    with pytest.raises(HfseqError, match=r"a line of more than 1 MB.*--max_cell_mb"):
        load_source(str(path), form=FileFormat(max_cell_mb=1))
    assert len(load_source(str(path))["train"][0]["text"]) == 3 << 20
    lines = write('text,label\n"' + ("x" * 1000 + "\n") * 3000 + '",a\n', "b.csv")
    with pytest.raises(HfseqError, match=r"line 2: a cell cannot be read.*--max_cell_mb"):
        load_source(str(lines), form=FileFormat(max_cell_mb=1))


def test_devices_and_pipes_are_rejected(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    for name, kind in (("/dev/zero", "device"), (tmp_path / "pipe.csv", "pipe"), (tmp_path / "link.csv", "device")):
        with pytest.raises(HfseqError, match=f"is a {kind}, not a regular file"):
            load_source(str(name))
        for task in tasks().values():
            with pytest.raises(HfseqError, match=f"is a {kind}, not a regular file"):
                task.load(DataArguments(dataset=str(name), task=task.name, modality=None))
