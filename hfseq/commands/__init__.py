"""The command line: `hfseq COMMAND ...`. One module per command, imported when the command is run.

PYTHON_ARGCOMPLETE_OK (the shell may ask this module for completions)
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from hfseq import __version__
from hfseq.errors import HfseqError, nearest
from hfseq.signals import describe_interruption, exit_code, stop_on_signals

# Command -> description. Each is a module of this package with `run(argv)`, which returns the exit code.
COMMANDS = {
    "compare": "train several models on the same data, and recommend one",
    "report": "make the report of a comparison again, or export it",
    "train": "train one model",
    "evaluate": "compute the metrics of a saved model on a data set",
    "predict": "predict with a saved model: labels, tags, translations, transcripts, forecasts, ...",
    "generate": "generate text or music with a saved language model",
    "env": "show versions, device and optional packages, for a bug report",
}
BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv (`Sequence[str]`, *optional*, defaults to `sys.argv[1:]`): the arguments after `hfseq`.

    Returns:
        `int`: the exit code: 0; 2 for bad input; 130, 143 or 129 after SIGINT, SIGTERM or SIGHUP.
    """
    if "_ARGCOMPLETE" in os.environ:
        importlib.import_module("hfseq.commands.completion").complete()
    argv = list(sys.argv[1:] if argv is None else argv)
    name = argv[0] if argv and argv[0] in COMMANDS else _no_command(argv)
    module = importlib.import_module(f"hfseq.commands.{name}")
    try:
        with stop_on_signals():
            return module.run(argv[1:])
    except HfseqError as error:
        sys.stderr.write(f"hfseq: error: {error}\n")
        return BAD_INPUT
    except KeyboardInterrupt as interruption:
        sys.stderr.write(f"\nhfseq: {describe_interruption(interruption)}\n")
        return exit_code(interruption)
    except BrokenPipeError:
        # Whoever read our output has closed it, as `head` does; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _no_command(argv: Sequence[str]) -> NoReturn:
    """Prints the help or the version, or reports that there is no such command, and exits."""
    if argv and not argv[0].startswith("-"):
        sys.stderr.write(f"hfseq: error: unknown command {argv[0]!r}: {nearest(argv[0], COMMANDS)}\n")
        sys.exit(BAD_INPUT)
    parser = argparse.ArgumentParser(
        prog="hfseq",
        description="Do I need a pretrained encoder, or will a 2 MB LSTM do, and what does it cost me?",
        epilog="`hfseq COMMAND --help` describes a command.",
    )
    parser.add_argument("--version", action="version", version=f"hfseq {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    parser.parse_args(argv[:1])
    raise AssertionError("argparse exits, since there is no command")


class CommandParser(argparse.ArgumentParser):
    """The parser of one command. It raises [`HfseqError`] where argparse would print its usage and exit."""

    def __init__(self, name: str, add_help: bool = True):
        description = f"{COMMANDS[name].capitalize()}."
        super().__init__(prog=f"hfseq {name}", description=description, allow_abbrev=False, add_help=add_help)

    def error(self, message: str):
        raise HfseqError(message)
