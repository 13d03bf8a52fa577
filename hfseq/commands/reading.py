"""The flags that say how data is read: the same in `predict` and `evaluate`, called as in `train`."""

import argparse
from typing import Any

# Setting -> its help. Each is one of `DataArguments`, which is not imported for a parser: that would take seconds.
_FLAGS = {
    "text_column": "the column of the text",
    "text_pair_column": "the column of the second text",
    "input_column": "the column of what is read, where that is not a text; of CoNLL columns, its number or name",
    "label_column": "the column of the label",
    "target_column": "the column of what is written: tags, a translation, a transcript",
    "id_column": "the column that tells series apart in a table with one row a step, or sentences with one row a word",
    "time_column": "the column that orders the steps of a series, or several with commas between them",
    "time_format": "how the dates of the time column are written, such as %%d.%%m.%%Y",
    "column_names": "the names of the columns of a csv or tsv file without a header",
    "no_header": "whether a csv or tsv file has no header: true or false",
    "delimiter": "the character between the cells of a csv or tsv file, or its name: comma, semicolon, tab, pipe",
    "decimal": "the decimal sign of a csv or tsv file",
    "missing_values": "cells that mark a missing value in a column of numbers",
    "encoding": "the encoding of csv, tsv, json and jsonl files, such as cp1252",
    "max_cell_mb": "the largest cell of a csv or tsv file, or line of a jsonl file, in megabytes",
    "ignore_columns": "columns of a table that are no part of its series",
    "source_language": "of a folder of parallel texts: the ending of what is read (en)",
    "target_language": "of a folder of parallel texts: the ending of what is written (de)",
    "label_separator": "what separates the labels in a cell of text, such as | in joy|anger",
    "max_media_values": "the most numbers that one recording, picture or video may have",
    "max_music_steps": "the most time steps that one piece of music may have",
}
# Settings that are lists, and settings that are whole numbers.
_LISTS = ("ignore_columns", "column_names", "missing_values")
_NUMBERS = ("max_cell_mb", "max_media_values", "max_music_steps")
_SWITCHES = {"true": True, "false": False}
# What is to be found out need not be there.
ANSWERS = ("label_column", "target_column", "label_separator")


def add_reading_flags(parser: argparse.ArgumentParser, without: tuple[str, ...] = ()) -> None:
    """Adds the flags to a parser.

    Args:
        parser (`argparse.ArgumentParser`): the parser of a command.
        without (`tuple[str, ...]`, *optional*): those that make no sense there.
    """
    for name, purpose in _FLAGS.items():
        if name not in without:
            if name == "no_header":
                parser.add_argument(f"--{name}", nargs="?", const="true", choices=tuple(_SWITCHES), help=purpose)
                continue
            kind = int if name in _NUMBERS else str
            parser.add_argument(f"--{name}", type=kind, nargs="+" if name in _LISTS else None, help=purpose)


def reading_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of the flags that were given, by setting."""
    values = {name: getattr(arguments, name, None) for name in _FLAGS}
    values["no_header"] = _SWITCHES.get(str(values["no_header"]))
    return {name: value for name, value in values.items() if value is not None}
