import datetime
import gzip

import numpy as np
import pyarrow as pa
import pytest
from datasets import Array2D, ClassLabel, Dataset, Features, Value

from hfseq.data.sources.series_rows import columns_of
from hfseq.errors import HfseqError
from hfseq.modalities.series.table import TableSettings, series_from_table
from hfseq.modalities.series.table_roles import roles_of
from hfseq.modalities.series.times import read_times

WIDE = {"x1": [1, 5, 7], "y1": [2, 6, None], "x2": [3.5, None, None], "y2": [4, None, 8], "digit": [0, 1, 1]}
LONG = {
    "id": ["b", "a", "b", "a", "a"],
    "day": ["2024-01-02", "2024-01-01", "2024-01-01", "2024-01-03", "2024-01-02"],
    "u": [1, 2, 3, 4, 5],
    "v": [0.1, 0.2, None, 0.4, 0.5],
    "label": [1, 0, 1, 0, 0],
}


def convert(columns, features=None, **settings):
    dataset = Dataset.from_dict(columns, features=features)
    return series_from_table(dataset, TableSettings(**settings), "train of x.csv")


def check(message, columns, **settings):
    with pytest.raises(HfseqError, match="train of x.csv.*" + message):
        convert(columns, **settings)


def test_series_from_table_reads_one_row_per_series():
    features = Features({**dict.fromkeys(("x1", "y1", "x2", "y2"), Value("float32")), "digit": ClassLabel(3)})
    dataset = convert(WIDE, features, label_column="digit", channels=2)
    # Missing steps at the end are dropped. Missing values before are kept.
    assert dataset["series"][:] == [[[1, 2], [3.5, 4]], [[5, 6]], [[7, None], [None, 8]]]
    assert dataset["label"][:] == [0, 1, 1] and dataset.features["label"] == features["digit"]
    plain = convert({"a": [1], "b": [2]})
    assert plain["series"][:] == [[[1.0], [2.0]]] and columns_of(plain) == ["a", "b"]


def test_series_from_table_sorts_known_columns():
    lists = {"x": [[1, 2]], "y": [[5, 6]]}
    steps = {"id": [1, 1], "x": [1, 2], "y": [5, 6]}
    for columns, settings in ((lists, {}), (steps, {"id_column": "id"})):
        found = convert(columns, known_columns=["y", "x"], **settings)
        assert found["series"][:] == [[[5, 1], [6, 2]]] and columns_of(found) == ["y", "x"]
        # A selection of rows keeps them.
        assert columns_of(found.select([0])) == ["y", "x"]
        for known, message in (
            (["x"], r"it knows no column 'y' \(--ignore_columns y\)"),
            (
                ["x", "y", "z", "w"],
                "has other columns than the model was trained on; there is no column 'z' and 1 more",
            ),
        ):
            check(message, columns, known_columns=known, **settings)
    assert columns_of(convert({"s": [[1, 2]]}, known_columns=["y", "x"])) is None


def test_series_from_table_reads_selected_rows():
    selected = Dataset.from_dict(WIDE).select([2, 0])
    dataset = series_from_table(selected, TableSettings(label_column="digit"), "train")
    assert dataset["series"][1] == [[1], [2], [3.5], [4]] and dataset["label"][:] == [1, 0]


def test_series_from_table_rejects_invalid_wide_tables():
    check("4 columns .* do not make steps of 3 channels", WIDE, label_column="digit", channels=3)
    check("there is no column 'digits', did you mean 'digit'", WIDE, label_column="digits")
    check("column 'x' holds string .* such as 'n/a' in row 1", {"x": ["1", "n/a"], "y": [1, 2]})
    # The first cell is a number. The error names the second one.
    check("column 'x' holds string .* such as 'NaN' in row 1", {"x": ["0.013", "NaN", "n/a"], "y": [1, 2, 3]})
    check("row 1: every value is missing", {"x": [1.0, None], "y": [2.0, None]})
    check("column 'x', row 1: the value is infinite", {"x": [1.0, float("inf")]})
    check("column 'x', row 1: the value is infinite", {"x": ["1.0", "-inf", "n/a"]})
    check(r"column 'x', row 1: the value 1e\+200 is too large for a model", {"x": [1.0, 1e200]})
    check("no column is left for the values", {"digit": [1]}, label_column="digit")
    check("has no rows", {"x": []})
    check("channels is 0, expected 1 or more", WIDE, channels=0)
    check("column 'x1' cannot have two roles", WIDE, label_column="x1", ignore_columns=["x1"])
    assert convert({"name": ["a"], "x": [1]}, ignore_columns=["name"])["series"][:] == [[[1]]]


def test_series_from_table_reads_lists():
    steps = [[[1, 2], [3, 4]], [[5, None]]]
    assert convert({"s": steps, "y": ["p", "q"]}, label_column="y")[:] == {"series": steps, "label": ["p", "q"]}
    assert convert({"s": [[1, 2, 3], [4]]})["series"][:] == [[[1], [2], [3]], [[4]]]
    assert convert({"s": [[1, 2, 3, 4]]}, channels=2)["series"][:] == [[[1, 2], [3, 4]]]
    assert convert({"x": [[1, 2], [3]], "y": [[5, 6], [7]]})["series"][:] == [[[1, 5], [2, 6]], [[3, 7]]]
    indexed = {"__index_level_0__": [9, 4], "x": [[1, 2], [3]], "y": [[5, 6], [7]]}
    assert convert(indexed)["series"][:] == [[[1, 5], [2, 6]], [[3, 7]]]
    fixed = Features({"s": Array2D((2, 2), "float32")})
    assert convert({"s": [[[1, 2], [3, 4]]]}, fixed)["series"][:] == [[[1, 2], [3, 4]]]


def test_series_from_table_rejects_invalid_lists():
    check("row 1: the series has no steps", {"s": [[1], []]})
    check("row 1: the series has no steps", {"s": [[1], None]})
    check("row 1: step 1 has 1 channels, but step 0 has 2", {"s": [[[1, 2]], [[1, 2], [3]]]})
    check("row 0: step 1 is missing or empty", {"s": [[[1, 2], None]]})
    check("row 1: 1 channels, but the first row has 2", {"s": [[[1, 2]], [[3]]]})
    check("row 0: 3 numbers do not make steps of 2 channels", {"s": [[1, 2, 3]]}, channels=2)
    check("the series have 2 channels, but 3 were asked for", {"s": [[[1, 2]]]}, channels=3)
    check("column 's' holds list.*string.*expected lists of numbers", {"s": [["a"]]})
    check("column 'age' holds int64, expected lists of numbers", {"s": [[1]], "age": [3]})
    check("columns 's', 't' could all be the series", {"s": [[[1]]], "t": [[[1]]]})
    check(r"columns 's', 't' hold lists of different lengths \(1, 2\)", {"s": [[1]], "t": [[1, 2]]})
    check("row 0, value 0: the value is infinite", {"s": [[float("inf")]]})


def test_series_from_table_groups_and_sorts_steps():
    dataset = convert(LONG, id_column="id", time_column="day", label_column="label")
    assert dataset["series"][:] == [[[3, None], [1, 0.1]], [[2, 0.2], [5, 0.5], [4, 0.4]]]
    assert dataset["label"][:] == [1, 0] and dataset["series_id"][:] == ["b", "a"]
    unsorted = convert({**LONG, "day": [0] * 5}, id_column="id", ignore_columns=["day"], label_column="label")
    assert unsorted["series"][1] == [[2, 0.2], [4, 0.4], [5, 0.5]]


def test_series_from_table_sorts_by_times_of_any_type():
    days = [datetime.datetime(2024, 1, day) for day in (3, 1, 2)]
    for times in (days, [day.isoformat() for day in days], [30, 1, 20], ["2024-03", "2024-01", "2024-02"]):
        assert convert({"t": times, "u": [1, 2, 3]}, time_column="t")["series"][:] == [[[2], [3], [1]]]


@pytest.mark.parametrize(
    "times",
    [
        [datetime.time(3), datetime.time(1), datetime.time(2)],
        [datetime.timedelta(days) for days in (300_000, 1, 2)],
        [datetime.datetime(year, 1, 1) for year in (9999, 1500, 2000)],
        [datetime.date(year, 1, 1) for year in (9999, 1500, 2000)],
        ["9999-01-01", "1500-01-01", "2000-01-01"],
    ],
    ids=["times", "durations", "datetimes", "dates", "texts"],
)
def test_read_times_keeps_the_order_of_distant_times_and_times_of_day(times):
    found = read_times(pa.chunked_array([pa.array(times)]), "w").numbers
    assert found.dtype == np.int64 and np.argsort(found).tolist() == [1, 2, 0]


def test_read_times_truncates_nanoseconds_and_rejects_intervals():
    nanoseconds = pa.array([2_001, 1_999], pa.timestamp("ns", "UTC"))
    assert read_times(nanoseconds, "w").numbers.tolist() == [2, 1]
    with pytest.raises(HfseqError, match="column 'day' holds month_day_nano_interval, which cannot be sorted by: "):
        read_times(pa.array([pa.MonthDayNano([1, 2, 3])]), "column 'day'")


def test_series_from_table_rejects_invalid_steps():
    settings = {"id_column": "id", "time_column": "day", "label_column": "label"}
    check("row 3: the label of 'a' is 1 here, but 0 in row 1", {**LONG, "label": [1, 0, 1, 1, 0]}, **settings)
    again = [*LONG["day"][:4], "2024-01-01"]
    check("row 4: the time '2024-01-01' of 'a' is already in row 1", {**LONG, "day": again}, **settings)
    check("column 'id', row 2: the id is missing", {**LONG, "id": ["b", "a", None, "a", "a"]}, **settings)
    check("column 'day', row 0: the time is missing", {**LONG, "day": [None, *again[1:]]}, **settings)
    check(
        "column 'day', row 0: 'soon' is neither a number nor an ISO", {**LONG, "day": ["soon", *again[1:]]}, **settings
    )
    check("column 'day', row 1: the time is missing", {**LONG, "day": [1.0, float("nan"), 3, 4, 5]}, **settings)
    check("row 1: the label is missing", {**LONG, "label": [0, float("nan"), 0, 0, 0]}, **settings)
    check("column 'u' holds string", {**LONG, "u": list("abcde")}, **settings)
    check("without id_column the whole table is one series", LONG, time_column="day", label_column="label")
    check("the series have 2 channels, but 1 were asked for", LONG, channels=1, **settings)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series/one.csv").write_text("#t, x,y\n2,1,\n1,0.5,4\n")
    (tmp_path / "series/two.csv.gz").write_bytes(gzip.compress(b"#t,y, x\n1,7,8\n"))
    return tmp_path


def test_series_from_table_reads_listed_files(folder):
    table = {"file": ["series/two.csv.gz", "series/one.csv"], "label": ["left", "right"]}
    dataset = convert(table, folder=folder, label_column="label", time_column=None)
    assert columns_of(dataset) == ["#t", "x", "y"]
    assert convert(table, folder=folder, label_column="label", file_column="file")["series_id"][:] == table["file"]
    with pytest.raises(HfseqError, match=r"there is no column 'z'.*it knows no column '#t'"):
        convert(table, folder=folder, label_column="label", known_columns=["x", "y", "z"])
    assert dataset["series"][:] == [[[1, 8, 7]], [[2, 1, None], [1, 0.5, 4]]]  # t, x, y
    assert dataset["label"][:] == ["left", "right"]
    where = {"note": ["a", "b"], "record": table["file"]}
    with pytest.raises(HfseqError, match=r"which column holds the paths.*Columns of texts: 'note', 'record'"):
        convert(where, folder=folder)
    assert convert(where, folder=folder, file_column="record", channels=3)["series"][:] == dataset["series"][:]
    (folder / "series/three.csv").write_text("t,x\n10,1\n9,2\n")
    found = convert({"file": ["series/three.csv"]}, folder=folder)
    assert found["series"][:] == [[[2], [1]]] and columns_of(found) == ["x"]
    assert roles_of(found).time_column == "t" and "sorted by it" in roles_of(found).notes[0]
    # Columns keep the roles that they had in training.
    channels = convert({"file": ["series/three.csv"]}, folder=folder, known_columns=["t", "x"])
    assert channels["series"][:] == [[[10, 1], [9, 2]]]
    (folder / "series/four.csv").write_text(",day,x\n0,2.1.2024,1\n1,1.1.2024,2\n")
    dated = convert({"file": ["series/four.csv"]}, folder=folder)
    assert dated["series"][:] == [[[2], [1]]] and roles_of(dated).left_out == ("Unnamed: 0",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "row 1: there is no file 'b.csv' in"),
        ("", "row 1: .*b.csv is empty"),
        ("x,y\n", "row 1: .*b.csv has a header but no rows"),
        ("x,y\n1,two\n", "row 1: .*b.csv, line 2, column 'y': 'two' is not a number"),
        ("x,y\n1,inf\n", "row 1: .*b.csv, line 2, column 'y': the value is infinite"),
        ("x,z\n1,2\n", "row 1: .*b.csv has the columns 'x', 'z', but the first file 'x', 'y'"),
        ("1,2\n3,4\n", "row 1: .*b.csv seems to have no header: its first row contains values"),
        ("x,y\n1,2,3\n", "row 1: .*b.csv, line 2: 3 cells, but the header has 2"),
    ],
)
def test_series_from_table_rejects_damaged_files(tmp_path, content, message):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    if content is not None:
        (tmp_path / "b.csv").write_text(content)
    check(message, {"file": ["a.csv", "b.csv"]}, folder=tmp_path)


def test_series_from_table_rejects_files_in_another_format(tmp_path):
    (tmp_path / "a.txt").write_text("x,y\n1,2\n")
    check("row 0: column 'file' names no file", {"file": ["", "a.txt"]}, folder=tmp_path)
    check("row 0: .*a.txt is not a .csv or .tsv file", {"file": ["a.txt"]}, folder=tmp_path)
    check("set folder or id_column, but not both", {"file": ["a"], "id": [1]}, folder=tmp_path, id_column="id")
