import gzip
import math

import pytest

from hfseq.errors import HfseqError
from hfseq.modalities.series.ts import read_ts, ts_splits

HEADER = "# A problem.\n\n@problemName Tiny\n@timeStamps false\n@univariate {}\n@classLabel true low high\n@data\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="Tiny_TRAIN.ts"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["Tiny_TRAIN.ts", "Tiny_TRAIN.ts.gz"])
def test_read_ts_reads_univariate_series_with_missing_values(write, name):
    dataset = read_ts(write(HEADER.format("true") + "1,2.5,-3E-1:low\n\n?,NaN,4,5 : high\n", name))
    assert dataset["series"][:] == [[[1.0], [2.5], [-0.3]], [[None], [None], [4.0], [5.0]]]
    assert dataset["label"][:] == ["low", "high"]


def test_read_ts_reads_multivariate_series(write):
    dataset = read_ts(write(HEADER.format("false") + "1,2:3,4:5,6:low\n7:8:9:high\n"))
    assert dataset["series"][:] == [[[1, 3, 5], [2, 4, 6]], [[7, 8, 9]]]


def test_read_ts_reads_classes_targets_and_no_labels(write):
    plain = "@univariate true\n@{}\n@data\n1,2{}\n"
    assert read_ts(write(plain.format("classLabel false", ""))).column_names == ["series"]
    assert read_ts(write(plain.format("TARGETLABEL true", ":0.25")))["label"][:] == [0.25]
    assert read_ts(write(plain.format("classLabel true", ":whatever")))["label"][:] == ["whatever"]
    # Labels get the class name in the header, even if a line writes the number differently.
    assert read_ts(write(plain.format("classLabel true 1 2", ":2.0")))["label"][:] == ["2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@univariate true\n@classLabel false\n", "Tiny_TRAIN.ts has no @data line"),
        (
            "@univariate true\n@data\n1,2:a\n",
            "does not say whether there are labels: before @data, add '@classLabel true'",
        ),
        ("univariate true\n", "line 1: expected a line such as '@univariate true' or '@data', got 'univariate true'"),
        ("@classLabel perhaps\n@data\n", "line 1: @classLabel is 'perhaps', expected true or false"),
        ("@classLabel true a\n@targetLabel true\n@data\n", "both @classLabel and @targetLabel are true"),
        ("@classLabel false\n@dimensions two\n@data\n", "line 2: @dimensions is 'two', expected a whole number"),
        (
            "@timeStamps true\n@classLabel false\n@data\n",
            "line 1: @timeStamps is true, but time stamps are not supported",
        ),
        (HEADER.format("true"), "has no series after @data"),
        (HEADER.format("true") + "1,2:low\n:high\n", "line 9: the series has no steps"),
        (HEADER.format("true") + "1,2:low\n1,2\n", "line 9: the label is missing or not a class of @classLabel"),
        (HEADER.format("true") + "1,2:hihg\n", "is 'hihg', did you mean 'high'"),
        (HEADER.format("true") + "1,2:?\n", "line 8: the label is missing; it is expected after the last colon"),
        (HEADER.format("true") + "low\n", "line 8: the label is missing, or the series is"),
        (HEADER.format("true") + "1:2:low\n", "line 8: 2 channels, but the header says 1"),
        (HEADER.format("false") + "1:2:low\n1:2:3:high\n", "line 9: 3 channels, but the first series has 2"),
        (HEADER.format("false") + "1,2:2:low\n", r"line 8: the channels differ in length \(2, 1\)"),
        (HEADER.format("false") + "1:2,x3:low\n", "line 8, channel 2: value 2 is 'x3', not a number"),
        (HEADER.format("true") + "1,,3:low\n", "line 8, channel 1: value 2 is '', not a number"),
        (HEADER.format("true") + "1,-inf:low\n", "line 8, channel 1, value 2: the value is infinite"),
        (
            HEADER.format("true") + "1,2:low\n1,-1e200:low\n",
            r"line 9, channel 1, value 2: the value -1e\+200 is too large",
        ),
        (
            "@equalLength true\n@seriesLength 3\n@classLabel false\n@data\n1,2\n",
            "2 steps, but the header's @seriesLength",
        ),
        (
            "@univariate true\n@targetLabel true\n@data\n1,2:nan\n",
            "line 4: the target, after the last colon, is 'nan'",
        ),
        ("  \n", "is empty"),
    ],
)
def test_read_ts_errors_name_the_line(write, text, message):
    with pytest.raises(HfseqError, match=message):
        read_ts(write(text))


def test_read_ts_keeps_the_precision_of_values(write):
    values = [math.pi, -1e-300, 12345678.9]
    dataset = read_ts(write(HEADER.format("true") + ",".join(map(repr, values)) + ":low\n"))
    assert [step[0] for step in dataset["series"][0]] == values


def test_ts_splits_finds_the_file_of_each_split(write, tmp_path):
    assert ts_splits(tmp_path) == {}
    test, train = write("", "My_Tiny_TEST.ts.gz"), write("", "My_Tiny_TRAIN.ts")
    write("", "My_Tiny_TRAIN.txt")
    assert ts_splits(tmp_path) == {"train": train, "test": test} and list(ts_splits(tmp_path)) == ["train", "test"]
    again = write("", "My_Tiny_TRAIN.ts.gz")
    with pytest.raises(HfseqError, match=r"two files for split 'train': My_Tiny_TRAIN.ts and My_Tiny_TRAIN.ts.gz"):
        ts_splits(tmp_path)
    again.unlink()
    write("", "Other_TEST.ts")
    with pytest.raises(HfseqError, match=r"holds several data sets \(My_Tiny, Other\)"):
        ts_splits(tmp_path)
    write("", "tiny.ts")
    with pytest.raises(HfseqError, match=r"tiny.ts has no split in its name: expected names such as NAME_TRAIN.ts"):
        ts_splits(tmp_path)
