"""Detects the format of dates. It is an error if several formats fit."""

import re
from typing import Any

import numpy as np
import pandas as pd

from hfseq.errors import HfseqError

# Directive for the number of a quarter, which `strptime` lacks.
QUARTER = "%q"
_DATES = (
    "%d.%m.%Y", "%d.%m.%y", "%Y.%m.%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y",
    "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%d. %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y-%b-%d",
)  # fmt: skip
_MONTHS = (
    "%b %Y", "%B %Y", "%b-%Y", "%b-%y", "%Y-%b", "%Y-%B", "%m/%Y", "%m-%Y", "%Y/%m", "%YM%m", f"%YQ{QUARTER}",
    f"%Y-Q{QUARTER}", f"%Y Q{QUARTER}",
)  # fmt: skip
_HOURS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", "T%H:%M:%S")
# ISO 8601 formats, the shortest first.
_ISO = (
    "%Y", "%Y-%m", "%Y%m%d", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S+00:00",
)  # fmt: skip
# A time zone after a time of day.
_OFFSET = re.compile(r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_SAMPLE = 100
DAY = 24 * 60 * 60 * 1_000_000  # in microseconds


def parse_dates(texts: list[str], format: str) -> pd.Series:
    """Parses dates of one format, in UTC. A text in another format becomes `NaT`.

    Raises:
        ValueError: the format is invalid.
    """
    if QUARTER in format:
        pattern = re.escape(format).replace("%Y", r"(?P<year>\d{4})").replace(re.escape(QUARTER), "(?P<quarter>[1-4])")
        parts = pd.Series(texts, dtype="object").str.extract(f"^{pattern}$", flags=re.IGNORECASE)
        months = 3 * pd.to_numeric(parts["quarter"]) - 2
        texts = [f"{year}-{month:.0f}" for year, month in zip(parts["year"], months, strict=True)]
        format = "%Y-%m"
    stripped = [text.strip() for text in texts]
    return pd.to_datetime(pd.Series(stripped, dtype="object"), format=format, utc=True, errors="coerce")


def to_microseconds(dates: pd.Series) -> np.ndarray:
    """Dates as microseconds since 1970, in 64-bit integers."""
    return dates.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def calendar_format(numbers: np.ndarray) -> str | None:
    """The format of whole numbers that are dates, such as `20191201` or `201912`. `None` for other numbers."""
    if len(numbers) < 2 or numbers.dtype.kind not in "iuf" or (numbers % 1 != 0).any():
        return None
    for format, low, high in (("%Y%m%d", 1800_01_01, 2200_12_31), ("%Y%m", 1800_01, 2200_12)):
        if numbers.min() >= low and numbers.max() <= high:
            days = numbers % 100 if format == "%Y%m%d" else np.ones(len(numbers))
            months = numbers // 100 % 100 if format == "%Y%m%d" else numbers % 100
            if months.min() < 1 or months.max() > 12 or days.min() < 1 or days.max() > 31:
                return None
            return None if parse_dates([str(int(number)) for number in numbers], format).isna().any() else format
    return None


def date_format(texts: list[str], numbers: np.ndarray | None, where: str = "") -> str | None:
    """Detects the common format of dates.

    Args:
        texts (`list[str]`): the dates.
        numbers (`np.ndarray`, *optional*): the dates in microseconds, if the texts are ISO 8601.
        where (`str`): the column, for the error message.

    Returns:
        `str` or `None`: the format for `strftime`. For ISO 8601 texts in several formats, one that can express all of
        them. `None` if no format fits.

    Raises:
        HfseqError: several formats fit, and give different days.
    """
    if numbers is not None:
        fitting = (format for format in _ISO if _is_written_so(texts, format, numbers))
        return next(fitting, None) or iso_format(numbers, "UTC" if _OFFSET.search(texts[0].strip()) else None)
    sample = list(dict.fromkeys(texts[:: max(len(texts) // _SAMPLE, 1)]))
    forms = [day + hour for day in _DATES for hour in _HOURS] + list(_MONTHS)
    found: dict[bytes, str] = {}
    for form in forms:
        if parse_dates(sample[:3], form).isna().any() or parse_dates(sample, form).isna().any():
            continue
        dates = parse_dates(texts, form)
        if not dates.isna().any():
            found.setdefault(to_microseconds(dates).tobytes(), form)
    if len(found) > 1:
        one, other, *_ = found.values()
        raise HfseqError(
            f"{where} holds dates such as {texts[0][:40]!r}, which can be read as {one} or as {other}. Set the "
            f"format, such as --time_format {one}"
        )
    return next(iter(found.values()), None)


def iso_format(numbers: np.ndarray, zone: Any) -> str:
    """The shortest ISO 8601 format that can express these dates, given in microseconds."""
    end = "" if zone is None else "+00:00"
    if not (numbers % DAY).any() and zone is None:
        return "%Y-%m-%d"
    return f"%Y-%m-%d %H:%M:%S{'.%f' if (numbers % 1_000_000).any() else ''}{end}"


def _is_written_so(texts: list[str], format: str, numbers: np.ndarray) -> bool:
    dates = parse_dates(texts[:_SAMPLE], format)
    if dates.isna().any() or (to_microseconds(dates) != numbers[:_SAMPLE]).any():
        return False
    # `%d` also reads `1`, but writes `01`.
    return bool((dates.dt.strftime(format).to_numpy() == [text.strip() for text in texts[:_SAMPLE]]).all())
