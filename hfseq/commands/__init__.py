"""The command line: `hfseq COMMAND ...`. One thin file a command, imported when it is asked for."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from hfseq import __version__
from hfseq.errors import HfseqError
from hfseq.signals import describe_interruption, exit_code, stop_on_signals

# Command -> what it does. Each is a module of this package with `run(argv)`, which returns the exit code.
COMMANDS = {
    "compare": "train several models on the same data, and say which to choose and why",
    "train": "train one model",
    "evaluate": "compute the metrics of a saved model on a data set",
    "predict": "label texts with a saved model",
    "generate": "let a saved language model write on: text, or music",
    "env": "show versions, device and optional parts, for a bug report",
}
BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv (`Sequence[str]`, *optional*, defaults to `sys.argv[1:]`): the words after `hfseq`.

    Returns:
        `int`: the exit code: 0, 2 for bad input; 130, 143 or 129 where SIGINT, SIGTERM or SIGHUP stopped it.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="hfseq",
        description="Do I need a pretrained encoder, or will a 2 MB LSTM do, and what does it cost me?",
        epilog="`hfseq COMMAND --help` tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=f"hfseq {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    name = parser.parse_args(argv[:1]).command  # prints the help, or what is wrong, and leaves
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


class CommandParser(argparse.ArgumentParser):
    """The parser of one command: what is wrong with the words given is an error like any other."""

    def __init__(self, name: str):
        super().__init__(prog=f"hfseq {name}", description=COMMANDS[name].capitalize() + ".", allow_abbrev=False)

    def error(self, message: str):
        raise HfseqError(message)
