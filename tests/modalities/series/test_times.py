"""Reads, detects and continues times."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import Dataset

from hfseq.data.sources.cells import CELL
from hfseq.errors import HfseqError
from hfseq.modalities.series.clocks import Clock
from hfseq.modalities.series.step_table import histories_from_steps
from hfseq.modalities.series.table_roles import TableRoles, roles_of
from hfseq.modalities.series.times import read_times


def read(values, time_format=None):
    return read_times(pa.chunked_array([pa.array(values)]), "x.csv: column 'day'", time_format)


def histories(columns, written=False, **settings):
    table = Dataset.from_dict({name: list(values) for name, values in columns.items()})
    if written:
        table = table.cast(table.features.__class__(dict.fromkeys(columns, CELL)))
    return histories_from_steps(table, where="x.csv", **settings)


def following(values, count=2, time_format=None):
    return Clock.from_times(read(values, time_format)).following(count)


# Reading.


@pytest.mark.parametrize(
    "days",
    [
        ["01.01.2022", "15.02.2022", "02.03.2022"],
        ["1/13/2022", "2/1/2022", "3/1/2022"],
        ["2022/01/01", "2022/02/01", "2022/03/01"],
        ["Jan 2022", "Feb 2022", "Mar 2022"],
        ["2022Q1", "2022Q2", "2023Q1"],
        ["01-Jan-22", "01-Feb-22", "01-Mar-22"],
        [20220101, 20220201, 20230101],
        [202211, 202212, 202301],
        ["16/12/2006 17:24:00", "16/12/2006 17:25:00", "16/12/2006 17:26:00"],
    ],
)
def test_read_times_detects_unambiguous_date_formats(days):
    found = read(days)
    assert found.are_dates and (np.diff(found.numbers) > 0).all()
    years = {str(day)[:4] for day in found.numbers.astype("datetime64[us]")}
    assert years <= {"2006", "2022", "2023"}


def test_read_times_rejects_ambiguous_date_formats():
    with pytest.raises(HfseqError, match=r"'1/2/2022', which can be read as %d/%m/%Y or as %m/%d/%Y.*--time_format"):
        read(["1/2/2022", "2/2/2022"])
    american, european = (read(["1/2/2022", "2/2/2022"], form) for form in ("%m/%d/%Y", "%d/%m/%Y"))
    assert [times.written(times.numbers[0]) for times in (american, european)] == ["01/02/2022", "01/02/2022"]
    assert np.diff(american.numbers)[0] == 31 * np.diff(european.numbers)[0]
    with pytest.raises(HfseqError, match=r"row 1: '2022-13-01' is not in the format %Y-%m-%d \(--time_format\)"):
        read(["2022-12-01", "2022-13-01"], "%Y-%m-%d")


# Detection.


def epochs(count=400, jitter=0):
    return [1_600_000_000 + 3600 * step + (jitter if step == 50 else 0) for step in range(count)]


WHOLE = list(range(400))
CASES = {
    "epoch with jitter": {"timestamp": epochs(jitter=600)},
    "epoch with a missing step": {"timestamp": [*epochs(51)[:50], *epochs(451)[51:401]]},
    "epoch in milliseconds": {"open_time": [1000 * second for second in epochs()]},
    "epoch under another name": {"opened": epochs()},
    "dates as numbers": {"day": [int(f"{date:%Y%m%d}") for date in pd.date_range("2019-12-01", periods=400)]},
    "months as numbers": {"period": [int(f"{date:%Y%m}") for date in pd.date_range("1990-01-01", None, 400, "MS")]},
    "year and month": {"year": [1990 + step // 12 for step in WHOLE], "month": [1 + step % 12 for step in WHOLE]},
    "year, month, day and hour": {
        "year": [2020] * 400,
        "month": [1] * 400,
        "day": [1 + step // 24 for step in WHOLE],
        "hour": [step % 24 for step in WHOLE],
    },
    "german dates": {"date": [f"{date:%d.%m.%Y}" for date in pd.date_range("2022-01-01", periods=400)]},
    "american dates": {"date": [f"{date:%m/%d/%Y}" for date in pd.date_range("2022-01-01", periods=400)]},
    "date and time": {
        "Date": [f"{16 + step // 60:02d}/12/2006" for step in WHOLE],
        "Time": [f"17:{step % 60:02d}:00" for step in WHOLE],
    },
    "count with a missing step": {"step": [*range(50), *range(51, 401)]},
    "uneven seconds": {"time": [0.5 * step + (0.1 if step == 50 else 0) for step in WHOLE]},
}


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("order", ["newest first", "shuffled"])
@pytest.mark.parametrize("case", [case for case in CASES if case != "uneven seconds"])
def test_histories_are_sorted_by_the_detected_time_column(case, order, written):
    rows = np.arange(400)[::-1] if order == "newest first" else np.random.default_rng(0).permutation(400)
    columns = {name: np.array(values, dtype=object)[rows] for name, values in CASES[case].items()}
    columns["close"] = np.arange(400.0)[rows]
    if written:
        columns = {name: map(str, values) for name, values in columns.items()}
    found = histories(columns, written=written)
    assert found["channels"][0] == ["close"]
    assert [step[0] for step in found["series"][0]] == WHOLE
    roles = roles_of(found)
    assert roles.time_column == ",".join(CASES[case])
    names = " and ".join(map(repr, CASES[case]))
    assert roles.notes == (
        f"time column: {names}; the rows were not in its order, and were sorted by it (set another with "
        "--time_column)",
    )


def test_fractional_seconds_are_a_time_column():
    """In any order they are measurements, in ascending order they are times."""
    seconds = CASES["uneven seconds"]["time"]
    found = histories({"time": seconds[::-1], "close": WHOLE[::-1]})
    assert found["channels"][0] == ["close"] and [step[0] for step in found["series"][0]] == WHOLE
    rows = np.random.default_rng(0).permutation(400)
    mixed = {"time": np.array(seconds)[rows], "v": np.random.default_rng(0).normal(size=400)}
    assert histories(mixed)["channels"][0] == ["time", "v"]


def test_column_with_a_name_of_times_must_hold_times():
    """It is an error if they do not hold times. A setting makes them channels."""
    columns = {"timestamp": [5.0, 1.0, 5.0], "v": [1, 2, 3]}
    with pytest.raises(
        HfseqError, match=r"'timestamp' has a name of times, but its values are repeated.*--time_column"
    ):
        histories(columns)
    assert histories(columns, channel_columns=["timestamp", "v"])["channels"][0] == ["timestamp", "v"]


def test_time_column_and_time_format_are_used():
    columns = {"m": [1, 12, 2], "y": [2021, 2020, 2021], "v": [2, 1, 3]}
    found = histories(columns, time_column="y,m")
    assert found["series"][0] == [[1], [2], [3]] and roles_of(found).notes == ()
    days = {"when": ["2/1/2022", "1/2/2022"], "v": [1, 2]}
    assert histories(days, True, time_column="when", time_format="%d/%m/%Y")["series"][0] == [[1], [2]][::1]
    assert histories(days, True, time_column="when", time_format="%m/%d/%Y")["series"][0] == [[2], [1]]
    # Roles that were detected in training are used for other tables of any length.
    known = TableRoles(time_column="n")
    again = histories({"n": [7, 3], "v": [2, 1]}, channel_columns=["v"], known=known)
    assert again["series"][0] == [[1], [2]]
    one_step_each = histories({"shop": ["p", "q"], "v": [1, 2]}, channel_columns=["v"], known=TableRoles("shop"))
    assert one_step_each["name"][:] == ["p", "q"]


def test_error_for_repeated_times_names_an_id_column():
    days = [f"2024-01-{day:02d}" for day in range(1, 13)]
    panel = {"day": days * 3, "shop": ["n"] * 12 + ["s"] * 12 + ["w"] * 12, "v": list(range(36))}
    with pytest.raises(HfseqError, match=r"row 12: the time '2024-01-01'.* already.*several series.*--id_column shop"):
        histories(panel)
    numbered = {**panel, "shop": [1] * 12 + [2] * 12 + [3] * 12}
    with pytest.raises(HfseqError, match="--id_column shop"):
        histories(numbered)
    assert len(histories(panel, id_column="shop")) == 3
    twice = {"day": days * 4, "shop": (["n"] * 12 + ["s"] * 12) * 2, "item": ["a"] * 24 + ["b"] * 24, "v": [1.5] * 48}
    with pytest.raises(HfseqError, match="joined into one: shop and item do so together"):
        histories(twice)


# Row numbers.


@pytest.mark.parametrize("order", ["as they stand", "shuffled"])
@pytest.mark.parametrize("name", ["Unnamed: 0", "__index_level_0__", "index", "No", "rank"])
def test_row_numbers_are_left_out(name, order):
    rows = np.arange(60) if order == "as they stand" else np.random.default_rng(1).permutation(60)
    days = pd.date_range("2020-01-01", periods=60).strftime("%Y-%m-%d").to_numpy()
    found = histories({name: rows.tolist(), "ds": days[rows].tolist(), "y": (rows % 7).tolist()})
    assert found["channels"][0] == ["y"] and roles_of(found).left_out == (name,)
    shown = repr(name) if name in ("index", "No", "rank") else "a column without a name"
    assert f"left out: {shown}, since it only numbers the rows" in roles_of(found).notes
    assert [step[0] for step in found["series"][0]] == (np.arange(60) % 7).tolist()


def test_counts_that_are_data_are_kept():
    days = pd.date_range("2020-01-01", periods=60).strftime("%Y-%m-%d").tolist()
    # A count is kept if it is the only column, if it is named, or if there are several.
    rising, noise = list(range(60)), np.random.default_rng(0).integers(0, 90, 60).tolist()
    assert histories({"ds": days, "close": rising})["channels"][0] == ["close"]
    assert histories({"ds": days, "rank": rising, "v": noise}, channel_columns=["rank", "v"])["channels"][0] == [
        "rank",
        "v",
    ]
    assert histories({"ds": days, "close": rising, "v": noise})["channels"][0] == ["close", "v"]
    both = {"ds": days, "first": rising, "second": [step + 1 for step in rising], "v": noise}
    assert histories(both)["channels"][0] == ["first", "second", "v"]
    # They may give the order of the series. A note says so if there is no other time.
    (note,) = roles_of(histories({"Unnamed: 0": rising[::-1], "v": noise})).notes
    assert note.endswith("the rows are not in the order of its numbers: --time_column 'Unnamed: 0' sorts by them")
    # An index of dates is the time column.
    dated = histories({"Unnamed: 0": days[::-1], "v": noise})
    assert dated["channels"][0] == ["v"] and [step[0] for step in dated["series"][0]] == noise[::-1]


# Clocks.


@pytest.mark.parametrize("frequency", ["D", "W", "MS", "ME", "QS", "QE", "YS", "YE", "B", "2D", "h", "15min", "30s"])
def test_clock_continues_calendars(frequency):
    times = pd.date_range("2019-12-30", periods=44, freq=frequency)
    form = "%Y-%m-%d" if frequency[-1].isupper() else "%Y-%m-%d %H:%M:%S"
    written = times.strftime(form).tolist()
    assert following(written[:40], 4) == written[40:]
    # A gap does not change the median step.
    assert following([*written[:10], *written[12:40]], 4) == written[40:]


def test_times_are_written_in_the_format_of_the_table():
    assert following(["01.01.2022", "02.01.2022"]) == ["03.01.2022", "04.01.2022"]
    assert following([20191230, 20191231]) == ["20200101", "20200102"]
    assert following([201911, 201912]) == ["202001", "202002"]
    assert following(["2020Q3", "2020Q4"]) == ["2021Q1", "2021Q2"]
    assert following(["Nov 2021", "Dec 2021"]) == ["Jan 2022", "Feb 2022"]
    assert following(["2024-01-31", "2024-02-29"], 3) == ["2024-03-31", "2024-04-30", "2024-05-31"]
    assert following(["2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z"], 1) == ["2024-01-01T12:00:00Z"]
    assert following([1_600_000_000, 1_600_003_600]) == ["1600007200", "1600010800"]
    assert following([0.0, 0.25]) == ["0.5", "0.75"] and following([7, 8]) == ["9", "10"]
    assert Clock.from_times(read(["2024-01-01"])) is None
    clock = Clock.from_times(read(["2024-01-01", "2024-01-02"]))
    assert Clock.from_text(clock.to_text()) == clock


@pytest.mark.parametrize("part", ["week", "quarter", "day of year"])
def test_year_with_week_or_quarter_is_rejected(part):
    columns = {"Year": [2021] * 4 + [2020] * 4, part: [4, 3, 2, 1] * 2, "y": range(8)}
    with pytest.raises(HfseqError, match=f"'Year' and '{part}' together seem to be the time, .*--ignore_columns"):
        histories(columns)
    found = histories(columns, channel_columns=["Year", part, "y"])
    assert found["channels"][:] == [["Year", part, "y"]]
    assert histories({"y": range(8)})["channels"][:] == [["y"]]
