"""The times of the steps after the end of a series."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from hfseq.modalities.series.date_formats import DAY
from hfseq.modalities.series.times import Times, write_time

_MONTH = 26 * DAY  # minimum length of a step of months


@dataclass(frozen=True)
class Clock:
    """Computes the times of the steps after a series from its last time and its median step.

    Attributes:
        last (`float`): the last time: microseconds since 1970 for a date, otherwise a plain number.
        step (`float`): length of a step, in `unit`.
        unit (`str`): `number` (microseconds for dates), `month`, `month_end` or `business_day`.
        format (`str`, *optional*): format of dates. `None` for plain numbers.
    """

    last: float
    step: float
    unit: str = "number"
    format: str | None = None

    @classmethod
    def from_times(cls, times: Times) -> "Clock | None":
        """The clock of a series with sorted times. `None` for a single step, and for times of day."""
        numbers = times.numbers
        if len(numbers) < 2 or not times.can_be_written:
            return None
        usual = np.median(np.diff(numbers)).item()
        if times.are_dates and not (numbers % DAY).any():
            days = numbers.astype(np.int64) // DAY
            if usual >= _MONTH:
                return cls._from_months(days.astype("datetime64[D]"), times)
            if usual == DAY and len(days) > 5 and np.is_busday(days.astype("datetime64[D]")).all():
                return cls(numbers[-1].item(), 1, "business_day", times.format)
        return cls(numbers[-1].item(), usual, "number", times.format)

    @classmethod
    def _from_months(cls, days: np.ndarray, times: Times) -> "Clock":
        months = days.astype("datetime64[M]").astype(np.int64)
        step = max(round(np.median(np.diff(months)).item()), 1)
        at_end = ((days + 1).astype("datetime64[M]") != days.astype("datetime64[M]")).all()
        return cls(times.numbers[-1].item(), step, "month_end" if at_end else "month", times.format)

    def following(self, count: int) -> list[str]:
        """The times of the next steps, in the format of the table."""
        return [write_time(self._moved(number), self.format) for number in range(1, count + 1)]

    def _moved(self, steps: int) -> float:
        if self.unit == "number":
            return self.last + steps * self.step
        day = np.datetime64(int(self.last) // DAY, "D")
        if self.unit == "business_day":
            moved = np.busday_offset(day, steps)
        else:
            first = day.astype("datetime64[M]") + steps * int(self.step)
            last = (first + 1).astype("datetime64[D]") - 1
            in_month = last if self.unit == "month_end" else first.astype("datetime64[D]") + (day - _month_start(day))
            moved = min(in_month, last)
        return float(moved.astype(np.int64) * DAY)

    def to_text(self) -> str:
        """The clock as JSON, for a column of a data set."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Clock":
        """Reads the result of [`to_text`]."""
        return cls(**json.loads(text))


def _month_start(day: np.datetime64) -> np.datetime64:
    return day.astype("datetime64[M]").astype("datetime64[D]")
