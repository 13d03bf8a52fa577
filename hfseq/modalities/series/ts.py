"""Reads `.ts` files of sktime, aeon and the UCR/UEA archive: a header of `@` lines, then one series per line."""

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datasets import Dataset, Value

from hfseq.data.sources.readers import inspect_file
from hfseq.data.sources.series_rows import open_text, series_dataset
from hfseq.data.sources.visible_files import visible_files
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.series.table_values import LARGEST, check_finite
from hfseq.modalities.series.ts_header import TsHeader, read_ts_header

_SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}
# A line of the header. Long comments may precede it.
_HEADER = re.compile(
    rb"^[ \t]*@(problemname|timestamps|missing|univariate|dimensions?|equallength|serieslength|classlabel|targetlabel"
    rb"|data)\b",
    re.IGNORECASE | re.MULTILINE,
)
_BEGINNING = 1 << 17
_NAME = re.compile(r"(?P<problem>.*)_(?P<split>[a-z]+)\.ts(\.gz)?", re.IGNORECASE)


def read_ts(path: Path) -> Dataset:
    """Reads a `.ts` file: univariate or multivariate, of equal or unequal lengths, with or without missing values.

    Args:
        path (`Path`): the file. It may be compressed with gzip.

    Returns:
        `datasets.Dataset`: `series`, lists of steps, which are lists of one value per channel, with `None` for a
        missing value (`?` or `NaN` in the file); and `label`: the name of a class (`@classLabel true`), or a number
        (`@targetLabel true`). With `false`, there is no `label`.

    Raises:
        HfseqError: the header has no `@data`, or does not say whether there are labels; or a line has no label, an
            invalid value, a series without steps, or another number of channels or steps than the header or the first
            series. The message names the line.
    """
    inspect_file(path)
    series: list[np.ndarray] = []
    labels: list[str | float] = []
    with open_text(path) as stream:
        lines = enumerate(stream, start=1)
        header = read_ts_header(lines, path)
        for where, line in _cases(lines, path):
            parts = line.split(":")
            if header.label is not None:
                labels.append(_label(parts.pop(), header, where))
            series.append(_steps(parts, header, where))
            if series[-1].shape[1] != series[0].shape[1]:
                raise HfseqError(f"{where}: {len(parts)} channels, but the first series has {series[0].shape[1]}.")
    if not series:
        raise HfseqError(f"{path} has no series after @data.")
    if header.label is None:
        return series_dataset(series)
    return series_dataset(
        series, {"label": labels}, {"label": Value("string" if header.label == "class" else "float64")}
    )


def is_ts(path: Path) -> bool:
    """Whether the name of a file says that it is a `.ts` file, with or without gzip."""
    return path.name.lower().endswith((".ts", ".ts.gz")) and not path.name.startswith(".")


def holds_series(path: Path) -> bool:
    """Whether a `.ts` file starts with a header of series. TypeScript and video files have the same extension."""
    if not is_ts(path) or not path.is_file():
        return False
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb") as file:
            beginning = file.read(_BEGINNING)
    except (OSError, EOFError, zlib.error):
        return True  # the reader of the file reports the error
    return not beginning.strip() or _HEADER.search(beginning) is not None


def ts_splits(folder: Path) -> dict[str, Path]:
    """Finds the `.ts` file of each split in a folder, such as NAME_TRAIN.ts and NAME_TEST.ts.

    Args:
        folder (`Path`): the folder of one data set.

    Returns:
        `dict[str, Path]`: the files of the splits that exist. Empty if the folder has no `.ts` file.

    Raises:
        HfseqError: the files belong to several data sets, the name of a file has no split, or a split has two files.
    """
    found: dict[str, list[Path]] = {}
    problems: set[str] = set()
    for path in visible_files(folder):
        if not holds_series(path):
            continue
        match = _NAME.fullmatch(path.name)
        split = _SPLITS.get(match["split"].lower()) if match else None
        if match is None or split is None:
            raise HfseqError(
                f"{path} has no split in its name: expected names such as NAME_TRAIN.ts and NAME_TEST.ts."
            )
        problems.add(match["problem"])
        found.setdefault(split, []).append(path)
    if len(problems) > 1:
        listed = ", ".join(sorted(problems))
        raise HfseqError(f"{folder} holds several data sets ({listed}): put each into its own folder.")
    for split, paths in found.items():
        if len(paths) > 1:
            raise HfseqError(f"{folder} has two files for split {split!r}: {paths[0].name} and {paths[1].name}.")
    return {split: found[split][0] for split in ("train", "validation", "test") if split in found}


def _cases(lines: Iterator[tuple[int, str]], path: Path) -> Iterator[tuple[str, str]]:
    for number, line in lines:
        line = line.strip()
        if line and not line.startswith("#"):
            yield f"{path}, line {number}", line


def _label(cell: str, header: TsHeader, where: str) -> str | float:
    cell = cell.strip()
    if cell in ("", "?"):
        raise HfseqError(f"{where}: the label is missing; it is expected after the last colon.")
    if header.label == "target":
        target = _number(cell)
        if target is None or not math.isfinite(target):
            raise HfseqError(f"{where}: the target, after the last colon, is {cell[:40]!r}, not a finite number.")
        return target
    if not header.classes or cell in header.classes:
        return cell
    # Some files write class 1 as 1.0.
    same = [name for name in header.classes if _number(cell) is not None and _number(name) == _number(cell)]
    if not same:
        raise HfseqError(
            f"{where}: the label is missing or not a class of @classLabel. The text after the last colon is "
            f"{cell[:40]!r}, {nearest(cell, header.classes)}"
        )
    return same[0]


def _steps(parts: list[str], header: TsHeader, where: str) -> np.ndarray:
    """The series of one line, of shape `(steps, channels)`."""
    if not parts:
        raise HfseqError(f"{where}: the label is missing, or the series is: expected values, a colon and the label.")
    if header.channels is not None and len(parts) != header.channels:
        raise HfseqError(f"{where}: {len(parts)} channels, but the header says {header.channels}.")
    channels = [_values(part, f"{where}, channel {i}") for i, part in enumerate(parts, start=1)]
    lengths = [len(channel) for channel in channels]
    if len(set(lengths)) > 1:
        raise HfseqError(f"{where}: the channels differ in length ({', '.join(map(str, lengths))}).")
    if not lengths[0]:
        raise HfseqError(f"{where}: the series has no steps.")
    if header.steps is not None and lengths[0] != header.steps:
        raise HfseqError(f"{where}: {lengths[0]} steps, but the header's @seriesLength is {header.steps}.")
    return np.array(channels, dtype=np.float64).T  # (steps, channels)


def _values(text: str, where: str) -> list[float]:
    if not text.strip():
        return []
    cells = text.split(",")
    try:
        values = list(map(float, cells))
    except ValueError:
        values = [math.nan if cell.strip() == "?" else _checked(cell, i, where) for i, cell in enumerate(cells)]
    if any(abs(value) > LARGEST for value in values):
        check_finite(np.array(values), lambda index: f"{where}, value {index + 1}")
    return values


def _checked(cell: str, index: int, where: str) -> float:
    value = _number(cell)
    if value is None:
        raise HfseqError(
            f"{where}: value {index + 1} is {cell.strip()[:40]!r}, not a number ('?' means a missing value)."
        )
    return value


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
