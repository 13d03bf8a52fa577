import gzip
import json

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.cells import check_readable, is_cell
from hfseq.data.sources.loading import load_source
from hfseq.data.splits.names import canonical_split
from hfseq.errors import HfseqError
from hfseq.tasks.sequence_classification.data import load_labelled


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Factory: loads a data set with a separate cache, and without access to the Hub."""

    def no_hub(*args, **kwargs):
        raise ConnectionError("no route to host\nsecond line")

    monkeypatch.setattr("datasets.load_dataset", no_hub)
    return lambda dataset, **kwargs: load_source(str(dataset), cache_dir=str(tmp_path / "cache"), **kwargs)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_cells_are_the_characters_of_the_file(load, tmp_path):
    path = write(
        tmp_path / "a.csv",
        "text,label,stars,score,code\n"
        '"one, ""two""\nthree",null,1,0.50,007\nNA,None,-2,3,12\nnan,NA,3,1e3,5\n,null,,,6\nnull,nan,+5,2.,7\n',
    )
    splits = load(path)
    assert list(splits) == ["train"]
    train = splits["train"]
    assert train["text"][:] == ['one, "two"\nthree', "NA", "nan", None, "null"]
    assert train["label"][:] == ["null", "None", "NA", "null", "nan"]
    assert train["stars"][:] == ["1", "-2", "3", None, "+5"]
    assert train["score"][:] == ["0.50", "3", "1e3", None, "2."]
    assert train["code"][:] == ["007", "12", "5", "6", "7"]
    assert all(is_cell(feature) for feature in train.features.values())


def test_tsv_files_keep_quotation_marks(load, tmp_path):
    path = write(tmp_path / "a.tsv", 'sentence\tlabel\n"unclosed, but fine\t1\nhe said "no"\t0\n')
    assert load(path)["train"]["sentence"][:] == ['"unclosed, but fine', 'he said "no"']


def test_csv_files_may_have_byte_order_marks_and_blank_lines(load, tmp_path):
    path = write(tmp_path / "a.csv", b"\xef\xbb\xbftext,label\r\na,x\r\n\r\nb,\r\n")
    assert load(path)["train"].to_list() == [{"text": "a", "label": "x"}, {"text": "b", "label": None}]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.tsv.gz", "a.json.gz", "a.jsonl.gz"])
def test_compressed_files_are_read(load, tmp_path, name):
    separator = "\t" if "tsv" in name else ","
    table = f"text{separator}label\nhello{separator}1\n"
    content = '{"text": "hello", "label": 1}\n' if "json" in name else table
    write(tmp_path / name, gzip.compress(content.encode()))
    assert load(tmp_path / name)["train"].to_list() == [{"text": "hello", "label": 1 if "json" in name else "1"}]


def test_json_files_in_all_forms_are_read(load, tmp_path):
    rows = [{"text": "2020-01-01", "label": 1, "tags": []}, {"text": "b", "label": 2.5, "tags": ["x"]}, {"text": None}]
    expected = [
        {"text": "2020-01-01", "label": 1.0, "tags": []},
        {"text": "b", "label": 2.5, "tags": ["x"]},
        {"text": None, "label": None, "tags": None},
    ]
    lines = "\n".join(json.dumps(row) for row in rows)
    assert load(write(tmp_path / "a.jsonl", lines))["train"].to_list() == expected
    assert load(write(tmp_path / "lines.json", lines))["train"].to_list() == expected
    assert load(write(tmp_path / "list.json", json.dumps(rows)))["train"].to_list() == expected
    columns = {"text": ["a", "b"], "label": [0, 1]}
    assert load(write(tmp_path / "columns.json", json.dumps(columns)))["train"].to_dict() == columns


def test_iso_dates_remain_text(load, tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "2020-01-01"}\n{"text": "2021-02-03"}\n')
    assert load(path)["train"]["text"][:] == ["2020-01-01", "2021-02-03"]


def test_parquet_files_with_brackets_in_their_names_are_read(load, tmp_path):
    Dataset.from_dict({"text": ["a"], "label": [1]}).to_parquet(str(tmp_path / "a.parquet"))
    assert load(tmp_path / "a.parquet")["train"].to_list() == [{"text": "a", "label": 1}]
    assert load(write(tmp_path / "a [1].csv", "text\nx\n"))["train"].to_list() == [{"text": "x"}]


def test_changed_file_is_read_again(load, tmp_path):
    path = write(tmp_path / "a.csv", "text\nold\n")
    assert load(path)["train"]["text"][:] == ["old"]
    write(path, "text\nnew\n")
    assert load(path)["train"]["text"][:] == ["new"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"a\.csv is empty"),
        ("a.csv", " \n", r"a\.csv is empty"),
        ("a.parquet", "", r"a\.parquet is empty"),
        ("a.parquet", "no", r"a\.parquet is not a valid parquet file"),
        ("a.csv", "text,label\n", "has a header but no rows"),
        ("a.json", "[]", "has no rows"),
        ("a.csv", b"text\nfine\nna\xefve\n", r"not UTF-8: byte 0xef at offset 12 \(line 3\)"),
        ("a.csv", b"text\nfine\n" + b"\xe2\x82", r"not UTF-8: byte 0xe2 at offset 10 \(line 3\)"),
        ("a.csv", "text,label\na,b,c\n", "line 2: 3 cells, but the header has 2"),
        ("a.csv", "text,label\na,b\nc\n", "line 3: 1 cells, but the header has 2.*Write an empty cell"),
        ("a.csv", "text,label\n" * 60 + "c\n", "line 61: 1 cells"),
        ("a.csv", b"\xff\xfet\x00", "starts like UTF-16: set --encoding utf-16"),
        ("a.csv", 'text,label\na,b\n"open,c\nd,e\n', "starts at or after line 3 is never closed"),
        ("a.csv", "x,x\n1,2\n", "contains column 'x' more than once"),
        ("a.json", '[{"a": 1},\n{"a" 2}]', "not valid JSON: .* at line 2"),
        ("a.json", "[1, 2]", "element 0 of the list is '1'"),
        ("a.json", '{"a": [1], "b": []}', r"different lengths \(a 1, b 0\)"),
        ("a.jsonl", '{"a": 1}\n\n{"a": \n', "line 3 is not valid JSON"),
        ("a.jsonl", "[1]\n", "line 1: expected an object"),
        ("a.csv.gz", b"no gzip", r"a\.csv\.gz cannot be read"),
        ("a.pdf", "hello", r"unknown file type, expected \.csv"),
        ("a.txt", "hello", r"a\.txt is not a table\. .* --task causal_lm"),
    ],
)
def test_load_source_rejects_invalid_files(load, tmp_path, name, content, message):
    with pytest.raises(HfseqError, match=message):
        load(write(tmp_path / name, content))


def test_missing_path_is_an_error_and_not_searched_on_the_hub(load, tmp_path):
    write(tmp_path / "reviews.csv", "text\nx\n")
    with pytest.raises(HfseqError, match=r"no such file or folder: .*revews\.csv.*'reviews\.csv'"):
        load(tmp_path / "revews.csv")
    with pytest.raises(HfseqError, match=r"'nothing\.csv' \(that is /"):
        load("nothing.csv")
    with pytest.raises(HfseqError, match="does not exist either"):
        load(tmp_path / "no" / "a.csv")


def test_folder_with_one_file_per_split_is_read(load, tmp_path):
    folder = tmp_path / "set"
    write(folder / "en_ewt-ud-train.csv", "text,label\n1,a\n2,b\n")
    write(folder / "en_ewt-ud-dev.csv", "text,label\nx,a\n")
    write(folder / "TEST.csv.gz", gzip.compress(b"label,text\na,007\n"))
    write(folder / "README.txt", "hello")
    write(folder / "vocabulary.json", "[1]")
    splits = load(folder)
    assert {split: dataset.to_list() for split, dataset in splits.items()} == {
        "train": [{"text": "1", "label": "a"}, {"text": "2", "label": "b"}],
        "validation": [{"text": "x", "label": "a"}],
        "test": [{"text": "007", "label": "a"}],
    }
    assert list(splits) == ["train", "validation", "test"]


def test_load_source_rejects_invalid_folders(load, tmp_path):
    folder = tmp_path / "set"
    write(folder / "notes.txt", "x")
    with pytest.raises(HfseqError, match=r"no file that is named after a split.*Data files found: none"):
        load(folder)
    write(folder / "dev.csv", "text,label\nx,a\n")
    write(folder / "train.csv", "text,category\nx,a\n")
    splits = load(folder)
    for split, name in (("validation", "category"), ("train", "label")):
        with pytest.raises(HfseqError, match=f"split '{split}' .* has no column '{name}', but split"):
            check_readable(splits[split], [name])
    write(folder / "valid.tsv", "x\n1\n")
    with pytest.raises(HfseqError, match=r"two files for split 'validation': dev\.csv and valid\.tsv"):
        load(folder)


def test_folder_with_one_file_is_the_training_split(load, tmp_path):
    assert list(load(write(tmp_path / "set" / "reviews.csv", "text\nx\n").parent)) == ["train"]


def test_splits_have_the_types_of_the_training_split(load, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    texts = [f"a {number}" for number in range(30)]
    Dataset.from_dict({"text": texts, "label": [1.5, 2.5] * 15}).to_parquet(str(folder / "train.parquet"))
    write(folder / "test.jsonl", '{"label": 2, "text": "b"}\n')
    splits = load(folder)
    assert splits["test"].features == splits["train"].features
    assert splits["test"][0] == {"text": "b", "label": 2.0}
    # The text "2" is not the number 2, and the column must not be used.
    write(folder / "test.jsonl", '{"label": "2", "text": "b"}\n')
    assert load(folder)["test"][0] == {"text": "b", "label": "2"}
    write(folder / "test.jsonl", '{"label": {"a": 1}, "text": "b"}\n')
    assert load(folder)["test"][0] == {"text": "b", "label": {"a": 1}}
    with pytest.raises(HfseqError, match=r"split 'test' .*(label|\{'a': 1\})"):
        load_labelled(DataArguments(dataset=str(folder), cache_dir=str(tmp_path / "cache")))


def test_folder_of_save_to_disk_is_loaded(load, tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    rows = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    rows.save_to_disk(str(tmp_path / "one"))
    assert list(load(tmp_path / "one")) == ["train"]
    DatasetDict({"train": rows, "dev": rows, "extra": rows}).save_to_disk(str(tmp_path / "several"))
    splits = load(tmp_path / "several")
    assert list(splits) == ["train", "validation"]
    assert splits["train"].features == features


def test_unknown_builtin_is_rejected(load):
    with pytest.raises(HfseqError, match=r"no built-in data set 'docstring': did you mean 'docstrings'\?"):
        load("builtin:docstring")
    with pytest.raises(HfseqError, match="--dataset_revision is for data sets on the Hub"):
        load("builtin:docstrings", revision="main")


def test_hub_error_says_how_to_fix_it(load):
    with pytest.raises(HfseqError, match=r"'someone/imdb', configuration 'plain'.*could not be reached") as caught:
        load("someone/imdb", dataset_config_name="plain")
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert "builtin:docstrings" in str(caught.value) and "HF_ENDPOINT" in str(caught.value)
    assert "second line" not in str(caught.value)


def test_hub_splits_are_renamed(monkeypatch):
    rows = Dataset.from_dict({"text": ["a"]})
    asked = []

    def hub(*names):
        def load_dataset(*args, **kwargs):
            asked.append((args, kwargs))
            return DatasetDict(dict.fromkeys(names, rows))

        monkeypatch.setattr("datasets.load_dataset", load_dataset)
        return load_source("nyu-mll/glue", dataset_config_name="mnli", revision="v1")

    assert list(hub("test_matched", "validation_matched", "train", "unsupervised")) == ["train", "validation", "test"]
    assert list(hub("everything")) == ["train"]
    assert asked[0] == (("nyu-mll/glue", "mnli"), {"revision": "v1", "cache_dir": None})
    with pytest.raises(HfseqError, match="no split for training, validation or test, only a, b"):
        hub("a", "b")


def test_canonical_split_of_names():
    assert [canonical_split(name) for name in ("dev", "x-val", "Test", "latest", "en_ewt-ud-train")] == [
        "validation",
        "validation",
        "test",
        None,
        "train",
    ]


def test_splits_have_the_column_order_of_the_training_split(load, tmp_path):
    """If columns are channels, another order would change the series."""
    Dataset.from_dict({"a": [1.0], "b": [10.0]}).to_parquet(str(tmp_path / "train.parquet"))
    Dataset.from_dict({"b": [10.0], "a": [1.0]}).to_parquet(str(tmp_path / "test.parquet"))
    splits = load(tmp_path)
    assert [split.column_names for split in splits.values()] == [["a", "b"], ["a", "b"]]
    assert splits["test"][0] == {"a": 1.0, "b": 10.0}


def test_other_string_types_become_strings(load, tmp_path):
    features = Features({"text": Value("large_string"), "words": List(Value("large_string"))})
    Dataset.from_dict({"text": ["a"], "words": [["b"]]}, features=features).to_parquet(str(tmp_path / "train.parquet"))
    assert load(tmp_path)["train"].features == Features({"text": Value("string"), "words": List(Value("string"))})
