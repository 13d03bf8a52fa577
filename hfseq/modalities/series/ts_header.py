"""Reads the header of a `.ts` file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hfseq.errors import HfseqError


@dataclass(frozen=True)
class TsHeader:
    """The information in the header of a `.ts` file.

    Args:
        label (`str`, *optional*): kind of the label after the last colon of a line: `class`, `target`, or `None`.
        classes (`tuple[str, ...]`): the names of the classes. Empty if the header has none.
        channels (`int`, *optional*): the number of channels, if the header has it.
        steps (`int`, *optional*): the number of steps, if all series have the same.
    """

    label: str | None
    classes: tuple[str, ...] = ()
    channels: int | None = None
    steps: int | None = None


def read_ts_header(lines: Iterator[tuple[int, str]], path: Path) -> TsHeader:
    """Reads the lines up to `@data`.

    Args:
        lines (`Iterator[tuple[int, str]]`): the numbered lines of the file. Those after `@data` are not read.
        path (`Path`): the file, for error messages.

    Returns:
        `TsHeader`: the header. Other lines, such as `@problemName`, are ignored.

    Raises:
        HfseqError: there is no `@data`, the header does not say whether there are labels, a value is malformed, or the
            steps have time stamps.
    """
    settings: dict[str, tuple[str, list[str]]] = {}
    for number, line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        if not line.startswith("@"):
            raise HfseqError(f"{where}: expected a line such as '@univariate true' or '@data', got {line[:40]!r}.")
        name, *words = line[1:].split() or [""]
        if name.lower() == "data":
            return _interpret(settings, path)
        settings[name.lower()] = (f"{where}: @{name}", words)
    raise HfseqError(f"{path} has no @data line: after the header, expected '@data' and one series per line.")


def _interpret(settings: dict[str, tuple[str, list[str]]], path: Path) -> TsHeader:
    if _flag(settings, "timestamps"):
        setting = settings["timestamps"][0]
        raise HfseqError(f"{setting} is true, but time stamps are not supported: write only values, at even steps.")
    by_class, by_target = _flag(settings, "classlabel"), _flag(settings, "targetlabel")
    if by_class is None and by_target is None:
        raise HfseqError(
            f"{path} does not say whether there are labels: before @data, add '@classLabel true' and the classes, "
            "'@targetLabel true' for numbers, or '@classLabel false'."
        )
    if by_class and by_target:
        raise HfseqError(f"{path}: both @classLabel and @targetLabel are true, but a series has one label.")
    classes = tuple(settings["classlabel"][1][1:]) if by_class else ()
    channels = 1 if _flag(settings, "univariate") else _count(settings, "dimensions") or _count(settings, "dimension")
    steps = _count(settings, "serieslength") if _flag(settings, "equallength") else None
    return TsHeader("class" if by_class else "target" if by_target else None, classes, channels, steps)


def _flag(settings: dict[str, tuple[str, list[str]]], name: str) -> bool | None:
    if name not in settings:
        return None
    setting, words = settings[name]
    word = words[0].lower() if words else ""
    if word not in ("true", "false"):
        raise HfseqError(f"{setting} is {word!r}, expected true or false.")
    return word == "true"


def _count(settings: dict[str, tuple[str, list[str]]], name: str) -> int | None:
    if name not in settings:
        return None
    setting, words = settings[name]
    if len(words) != 1 or not words[0].isdecimal() or int(words[0]) < 1:
        raise HfseqError(f"{setting} is {' '.join(words)!r}, expected a whole number of 1 or more.")
    return int(words[0])
