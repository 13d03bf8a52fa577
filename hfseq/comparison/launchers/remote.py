"""The part of a launcher that runs on another machine. It imports neither torch nor transformers."""

import io
import os
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hfseq.comparison.run_process import Ending, RunCommand, RunProcess
from hfseq.data.yaml_files import dump_yaml, load_yaml
from hfseq.training.launched import launch_variables, thread_variables

_MARK_NAME = "_hfseq.shared"


@dataclass(frozen=True)
class Mark:
    """A file of the comparison's folder by which another machine sees whether it shares this folder.

    Attributes:
        path (`str`): the file.
        content (`str`): its content, which no other comparison has.
    """

    path: str
    content: str

    def is_visible(self) -> bool:
        """Whether this machine sees the folder of the comparison."""
        try:
            return Path(self.path).read_text(encoding="utf-8") == self.content
        except OSError:
            return False


@contextmanager
def marked(folder: Path) -> Iterator[Mark]:
    """Context in which the folder of a comparison has a mark."""
    mark = Mark(str(folder / _MARK_NAME), uuid.uuid4().hex)
    folder.mkdir(parents=True, exist_ok=True)
    Path(mark.path).write_text(mark.content, encoding="utf-8")
    try:
        yield mark
    finally:
        Path(mark.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class RemoteRun:
    """A run that can be sent to another machine, and called there.

    Attributes:
        command (`RunCommand`): the command.
        settings (`str`): content of the file with the settings of the run.
        mark (`Mark`): mark of the comparison's folder.
        launcher (`str`): name of the launcher.
        cores (`int`): number of cores that the run may use.
        concurrent_runs (`int`, *optional*): number of runs on one machine at the same time, if known.
    """

    command: RunCommand
    settings: str
    mark: Mark
    launcher: str
    cores: int
    concurrent_runs: int | None = None

    def __call__(self) -> tuple[Ending, bytes | None]:
        """Executes the run on this machine.

        Returns:
            `tuple[Ending, bytes | None]`: how it ended, and an archive of its folder if this machine does not share
            the folder of the comparison.
        """
        variables = launch_variables(self.launcher, self.concurrent_runs)
        variables |= thread_variables(self.cores, os.environ)
        if self.mark.is_visible():
            return RunProcess(self.command, variables).wait(), None
        with tempfile.TemporaryDirectory(prefix="hfseq-") as folder:
            command = move_command(self.command, self.settings, folder)
            ending = RunProcess(command, variables).wait()
            return ending, pack(Path(folder), Path(command.settings_file).name)


class RequeuedRun:
    """A run that submitit queues again if its job is preempted or reaches its time limit. The run then continues.

    Args:
        run (`RemoteRun`): the run.
    """

    def __init__(self, run: RemoteRun):
        self.run = run

    def __call__(self) -> Any:
        return self.run()

    def checkpoint(self) -> Any:
        """Called by submitit before the job ends. The run writes its own checkpoints."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def call(run: RemoteRun) -> Any:
    """Executes a run. A function, because Ray does not execute other objects."""
    return run()


def move_command(command: RunCommand, settings: str, folder: str) -> RunCommand:
    """The command of a run with another folder. Writes the settings of the run into that folder.

    Args:
        command (`RunCommand`): the command.
        settings (`str`): content of the file with the settings.
        folder (`str`): the other folder. It also replaces the working directory if this machine does not have it.
    """
    path = str(Path(folder, Path(command.settings_file).name))
    values = {**load_yaml(settings, command.settings_file), "output_dir": folder}
    Path(path).write_text(dump_yaml(values), encoding="utf-8")
    here = command.working_directory
    return replace(
        command,
        words=tuple(path if word == command.settings_file else word for word in command.words),
        folder=folder,
        settings_file=path,
        working_directory=here if Path(here).is_dir() else folder,
    )


def pack(folder: Path, leave_out: str) -> bytes:
    """An archive of the files of a run, without its checkpoints, which only serve to continue it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.is_file() and not name.parts[0].startswith("checkpoint-") and str(name) != leave_out:
                file.write(path, name.as_posix())
    return archive.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Writes the files of an archive into a folder."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        file.extractall(folder)
