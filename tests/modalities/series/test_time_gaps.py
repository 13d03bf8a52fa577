import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hfseq.modalities.series.time_gaps import find_gaps
from hfseq.modalities.series.times import read_times


def gaps(times, codes=None):
    found = read_times(pa.chunked_array([pa.array(times)]), "column 'day'")
    return find_gaps(found, np.zeros(len(times), dtype=int) if codes is None else np.array(codes))


def dates(frequency, periods=60):
    return [str(day.date()) for day in pd.date_range("2020-01-01", periods=periods, freq=frequency)]


@pytest.mark.parametrize("frequency", ["D", "W", "W-MON", "MS", "ME", "BME", "QS", "QE", "YE", "B", "2D", "SMS"])
def test_find_gaps_ignores_the_calendar(frequency):
    assert gaps(dates(frequency)) == [None]


@pytest.mark.parametrize("frequency", ["D", "W", "MS", "ME", "BME", "QE", "YE", "B"])
def test_find_gaps_finds_missing_days(frequency):
    days = dates(frequency)
    (found,) = gaps([*days[:20], *days[22:]])
    assert found.startswith(f"from {days[19]} directly to {days[22]}, although its steps are usually ")


def test_find_gaps_describes_gaps():
    days = dates("D")
    cut = [*days[:10], *days[25:30], *days[40:]]
    wanted = "from 2020-01-10 directly to 2020-01-26, the first of 2 gaps, although its steps are usually 1 day apart"
    # The order of the rows and of the series does not matter.
    assert gaps(cut[::-1]) == [wanted]
    assert gaps(cut + days, [1] * len(cut) + [0] * len(days)) == [None, wanted]
    hours = [datetime.datetime(2024, 1, 1, hour) for hour in (0, 1, 2, 5, 6)]
    assert gaps(hours) == [
        "from 2024-01-01 02:00:00 directly to 2024-01-01 05:00:00, although its steps are usually 1:00:00 apart"
    ]
    assert gaps([10, 20, 30, 60, 70]) == ["from 30 directly to 60, although its steps are usually 10 apart"]
    assert gaps([1, 5]) == gaps(["2024-01-01"]) == [None]
