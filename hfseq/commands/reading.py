"""Flags of `hfseq predict` and `hfseq evaluate` that say how data is read, named as in `hfseq train`."""

import argparse
from typing import Any

from hfseq.data.arguments import data_settings
from hfseq.data.setting_values import is_switch, read_value
from hfseq.plugins import load_plugins

# Flags that are not needed where there are no labels.
LABEL_FLAGS = ("label_column", "target_column", "label_separator")


def add_reading_flags(parser: argparse.ArgumentParser, without: tuple[str, ...] = ()) -> None:
    """Adds the flags to a parser.

    Args:
        parser (`argparse.ArgumentParser`): the parser of a command.
        without (`tuple[str, ...]`, *optional*): the names of flags to leave out.
    """
    group = parser.add_argument_group("how the data is read (by default as in the training)")
    for name, item in data_settings().items():
        if not item.for_new_data or name in without:
            continue
        options: dict[str, Any] = {}
        if is_switch(item):
            options = {"nargs": "?", "const": "true", "choices": ("true", "false")}
        elif "list" in item.types:
            options = {"nargs": "+"}
        metavar = None if is_switch(item) else "N" if "int" in item.types else "VALUE"
        group.add_argument(f"--{name}", metavar=metavar, help=item.help.replace("%", "%%"), **options)


def reading_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The values of the flags that were given, by setting.

    Raises:
        HfseqError: a value is not valid.
    """
    names = getattr(arguments, "plugins", None)
    if names:
        load_plugins(names)
    words = {name: getattr(arguments, name, None) for name, item in data_settings().items() if item.for_new_data}
    return {
        name: read_value(data_settings()[name], word, f"--{name}") for name, word in words.items() if word is not None
    }
