"""Shell completion of commands, flags and their values, with argcomplete."""

import argparse
import importlib
import os
from collections.abc import Iterable
from typing import Any

import argcomplete
from argcomplete.completers import ChoicesCompleter, FilesCompleter

from hfseq.commands import COMMANDS

# Set by the shell function that `register-python-argcomplete hfseq` defines.
VARIABLE = "_ARGCOMPLETE"


class _NamesOrFiles:
    """Completes names, and the files of the current folder.

    Args:
        names (`Iterable[str]`): the names.
    """

    def __init__(self, names: Iterable[str]):
        self._names = list(names)
        self._files = FilesCompleter()

    def __call__(self, prefix: str, **options: Any) -> list[str]:
        return [name for name in self._names if name.startswith(prefix)] + list(self._files(prefix, **options))


def _names(names: Iterable[str]) -> ChoicesCompleter:
    return ChoicesCompleter(dict.fromkeys(names, ""))


def complete() -> None:
    """Prints the completions of the command line in the environment, and exits."""
    parser = argparse.ArgumentParser(prog="hfseq", add_help=False)
    parser.add_argument("--help")
    parser.add_argument("--version")
    commands = parser.add_subparsers()
    words = os.environ.get("COMP_LINE", "").split()
    for name, purpose in COMMANDS.items():
        # Only the parser of the command that is being typed is needed.
        parents = [_parser(name)] if name in words[1:2] else []
        commands.add_parser(name, help=purpose, add_help=False, parents=parents)
    argcomplete.autocomplete(parser, always_complete_options="long")


def _parser(command: str) -> argparse.ArgumentParser:
    module = importlib.import_module(f"hfseq.commands.{command}")
    parser = module.make_parser()
    _leave_out_dashes(parser)
    if command in ("train", "compare"):
        _add_completers(parser)
    return parser


def _leave_out_dashes(parser: argparse.ArgumentParser) -> None:
    """Of flags with two spellings, keeps the one with underscores."""
    for action in parser._actions:
        twice = [flag for flag in action.option_strings if flag.replace("-", "_")[2:] == action.dest]
        if len(twice) > 1:
            action.option_strings = [f"--{action.dest}"]


def _add_completers(parser: argparse.ArgumentParser) -> None:
    from hfseq.commands.settings_help import group_names
    from hfseq.data.builtin import builtin_names
    from hfseq.data.sources.dataset_names import BUILTIN_PREFIX
    from hfseq.registry import preset_names
    from hfseq.training.all_settings import all_settings

    settings = all_settings()
    names = {
        "model": preset_names(),
        "models": preset_names(),
        "dataset": [f"{BUILTIN_PREFIX}{name}" for name in builtin_names()],
    }
    for action in parser._actions:
        item = settings.get(action.dest)
        if action.dest in names:
            action.completer = _NamesOrFiles(names[action.dest])  # type: ignore[attr-defined]
        elif item is not None and item.choices:
            action.completer = _names(item.choices)  # type: ignore[attr-defined]
        elif item is not None and "bool" in item.types:
            action.completer = _names(("true", "false"))  # type: ignore[attr-defined]
    topic = parser.add_argument("--help", nargs="?")
    topic.completer = _names(group_names())  # type: ignore[attr-defined]
    parser.add_argument("--help-all", action="store_true")
