"""`builtin:dates`: convert dates in various written styles to ISO 8601. Synthetic.

The task is useful to inspect attention: each part of the output is copied or translated from one part of the input,
and the position of that part depends on the style. No date is ambiguous.
"""

import datetime
import random
from collections.abc import Callable

from datasets import Dataset, DatasetDict, Features, Value

SIZES = {"train": 8000, "validation": 500, "test": 500}

_FIRST, _LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
_SEED = 8601
# Not taken from the calendar module, because its names depend on the locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_ONES = (
    "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}  # fmt: skip


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the dates. They are the same each time.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `source`, for example "the 3rd of March
        1997", and `target`, for example "1997-03-03". Each day occurs only once.
    """
    rng = random.Random(_SEED)
    days = rng.sample(range(_FIRST.toordinal(), _LAST.toordinal() + 1), sum(SIZES.values()))
    features = Features({"source": Value("string"), "target": Value("string")})
    splits = {}
    for split, size in SIZES.items():
        dates = [datetime.date.fromordinal(days.pop()) for _ in range(size)]
        columns = {"source": [write_date(date, rng) for date in dates], "target": [date.isoformat() for date in dates]}
        splits[split] = Dataset.from_dict(columns, features=features)
    return DatasetDict(splits)


def describe() -> str:
    """Describes the data set."""
    return f"builtin:dates, synthetic dates from {_FIRST.year} to {_LAST.year} in {len(STYLES)} styles"


def write_date(date: datetime.date, rng: random.Random) -> str:
    """Writes a date in a random style, sometimes in lower case or upper case.

    Args:
        date (`datetime.date`): the date.
        rng (`random.Random`): random number generator.
    """
    text = rng.choice(STYLES)(date)
    return rng.choice((str, str, str, str.lower, str.upper))(text)


def _month(date: datetime.date) -> str:
    return _MONTHS[date.month - 1]


def _short(date: datetime.date) -> str:
    return _month(date)[:3]


def _weekday(date: datetime.date) -> str:
    return _WEEKDAYS[date.weekday()]


def _nth(date: datetime.date) -> str:
    teens = date.day in (11, 12, 13)
    return f"{date.day}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(date.day % 10, 'th')}"


def _number_in_words(number: int) -> str:
    """Writes a number below 100 in words."""
    if number < len(_ONES):
        return _ONES[number]
    return "-".join(filter(None, (_TENS[number // 10], _ONES[number % 10])))


def _nth_in_words(date: datetime.date) -> str:
    tens, _, last = _number_in_words(date.day).rpartition("-")
    return "-".join(filter(None, (tens, _ORDINALS.get(last, f"{last}th"))))


def _year_in_words(date: datetime.date) -> str:
    century, rest = divmod(date.year, 100)
    if rest >= 10:
        return f"{_number_in_words(century)} {_number_in_words(rest)}"
    if century == 20:
        return f"two thousand and {_ONES[rest]}" if rest else "two thousand"
    return f"{_number_in_words(century)} oh {_ONES[rest]}" if rest else f"{_number_in_words(century)} hundred"


def _slashed(date: datetime.date, day_first: bool) -> str:
    """Writes a date with slashes. If the day could be a month, the year comes first to avoid ambiguity."""
    if date.day <= 12:
        return f"{date.year}/{date.month}/{date.day}"
    return f"{date.day}/{date.month}/{date.year}" if day_first else f"{date.month}/{date.day}/{date.year}"


STYLES: tuple[Callable[[datetime.date], str], ...] = (
    lambda date: f"{date.day} {_month(date)} {date.year}",
    lambda date: f"{_month(date)} {date.day}, {date.year}",
    lambda date: f"the {_nth(date)} of {_month(date)} {date.year}",
    lambda date: f"{_month(date)} the {_nth(date)}, {date.year}",
    lambda date: f"{_nth(date)} {_short(date)} {date.year}",
    lambda date: f"{_short(date)}. {_nth(date)}, {date.year}",
    lambda date: f"{date.day:02}-{_short(date)}-{date.year}",
    lambda date: f"{date.day:02}{_short(date)}{date.year}",
    lambda date: f"{date.year}, {_month(date)} {date.day}",
    lambda date: f"{date.year} {_short(date)} {date.day:02}",
    lambda date: f"{_weekday(date)}, {date.day} {_month(date)} {date.year}",
    lambda date: f"{_weekday(date)[:3]} {_short(date)} {date.day} {date.year}",
    lambda date: f"{_weekday(date)}, {_month(date)} {_nth(date)}, {date.year}",
    lambda date: f"{date.day}. {_ROMAN[date.month - 1]}. {date.year}",
    lambda date: f"{date.year}{date.month:02}{date.day:02}",
    lambda date: f"{date.year}.{date.month}.{date.day}",
    lambda date: _slashed(date, day_first=True),
    lambda date: _slashed(date, day_first=False),
    lambda date: f"the {_nth_in_words(date)} of {_month(date)} {date.year}",
    lambda date: f"the {_nth_in_words(date)} of {_month(date)}, {_year_in_words(date)}",
    lambda date: f"{_month(date)} {_nth_in_words(date)}, {_year_in_words(date)}",
)
