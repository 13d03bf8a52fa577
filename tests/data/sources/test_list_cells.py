"""Lists in cells, as written by pandas, NumPy and JSON, and texts that are similar to lists."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from hfseq.data.sources.list_cells import parse_lists
from hfseq.errors import HfseqError

SENTENCES = [["the", "cat's", 'a "b"', "tab\there", "naïve", "["], ["to", "Paris"], ["O"], []]


def through_csv(cells, tmp_path):
    pd.DataFrame({"words": cells}).to_csv(tmp_path / "rows.csv", index=False)
    return pd.read_csv(tmp_path / "rows.csv", keep_default_na=False)["words"].tolist()


@pytest.mark.parametrize(
    "written",
    [
        str,
        json.dumps,
        lambda words: json.dumps(words, ensure_ascii=False),
        lambda words: np.array(words, dtype=object),
        lambda words: list(np.array(words, dtype=str)),
    ],
    ids=["python", "json", "json-utf8", "numpy", "numpy-scalars"],
)
def test_lists_are_parsed_in_each_notation(written, tmp_path):
    assert parse_lists(through_csv([written(words) for words in SENTENCES], tmp_path), "here") == SENTENCES


def test_lists_of_numbers_with_line_breaks_and_blanks_are_parsed():
    long = [f"word{number}" for number in range(40)]
    cells = [str(np.array(long)), "[0, 3]", "[ 0 10]", "", None, ["a"], '["a", null]']
    assert "\n" in cells[0]
    expected = [long, ["0", "3"], ["0", "10"], [], None, ["a"], ["a", None]]
    assert parse_lists(cells, "here") == expected


def test_sentences_with_brackets_are_not_lists():
    for cells in (
        ["[ editor 's note ]", "a b"],
        ["[ 3 ]", "a", "b c"],
        ["[sic]"],
        ["[ 'a' b ]"],
        [None],
        ["", "a"],
        [],
    ):
        assert parse_lists(cells, "here") is cells


@pytest.mark.parametrize(
    "odd",
    ["['a' 'b' ... 'c']", "['a', 'b'", "a b", "['a', nan]", "['a''b']", "[['a'], ['b']]", "[1.5]", r"['\x']"],
)
def test_parse_lists_rejects_other_texts_among_lists(odd):
    message = f"table.csv, column 'words', row 2: {odd!r} cannot be read as a list, but most of the column can"
    with pytest.raises(HfseqError, match=re.escape(message)):
        parse_lists(["['a']", "['b', 'c']", odd], "table.csv, column 'words'")
