"""Launcher that prints one command per run, for schedulers that hfseq does not know."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from hfseq.comparison.execution import run_command
from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings, RunsDeferred
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_process import RunCommand
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError
from hfseq.registry import register_launcher
from hfseq.writing import write_text

SCRIPT_NAME = "commands.sh"
_HEAD = """\
#!/bin/sh
# Written by hfseq compare: one command per run. They may run in any order, at the same time, and on several machines
# that share this folder. A run that has finished is not repeated, and an interrupted one continues.
"""


@register_launcher
class PrintLauncher(Launcher):
    """Writes the command of each run, and executes none."""

    name = "print"
    returns_results = False
    begins = "command written"

    def __init__(self, settings: LaunchSettings):
        super().__init__(settings)
        if settings.jobs is not None:
            raise HfseqError("jobs has no effect with the launcher print, which executes no runs: leave it out")

    def submit(self, run: PlannedRun) -> Handle:
        return Handle(run, run_command(run))

    def wait(self, handles: Sequence[Handle]) -> Iterator[tuple[Handle, RunResult]]:
        self._write([handle.job for handle in handles])
        yield from ()

    def cancel(self, handles: Sequence[Handle], signal_number: int) -> None:
        return None  # nothing runs

    def _write(self, commands: Sequence[RunCommand]) -> NoReturn:
        script = self.settings.folder / SCRIPT_NAME
        lines = [shell_command(command) for command in commands]
        write_text(script, f"{_HEAD}cd {shlex.quote(os.getcwd())}\n" + "".join(f"{line}\n" for line in lines))
        token = " Set HF_TOKEN for them to your hub_token." if any(one.environment for one in commands) else ""
        count = f"{len(lines)} command{'s' if len(lines) > 1 else ''}"
        raise RunsDeferred(
            f"wrote {count} to {script}. Run them in {Path.cwd()}, here or on other machines that share it.{token} "
            "Afterwards, the same command without `--launcher print` collects the results",
            lines,
        )


def shell_command(command: RunCommand) -> str:
    """A run as a command of the shell."""
    if command.words[:3] == ("-P", "-m", "hfseq"):
        return shlex.join(["hfseq", *command.words[3:]])
    return shlex.join([sys.executable, *command.words])
