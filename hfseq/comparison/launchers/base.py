"""Interface of launchers, which start the runs of a comparison: on this machine, or on others."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError, nearest


@dataclass(frozen=True)
class LaunchSettings:
    """Settings of a launcher.

    Attributes:
        folder (`Path`): folder of the comparison.
        jobs (`int`, *optional*): number of runs at the same time; `None` leaves it to the launcher.
        options (`Mapping[str, Any]`): `launcher_options`, which each launcher defines for itself.
    """

    folder: Path
    jobs: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Handle:
    """A run that was started.

    Attributes:
        run (`PlannedRun`): the run.
        job (`Any`): what the launcher needs to find it again.
    """

    run: PlannedRun
    job: Any


class RunsDeferred(Exception):
    """The runs will be executed later, and not by this process: there are no results yet.

    Args:
        message (`str`): what to do now.
        commands (`Sequence[str]`, *optional*): commands of the shell that execute the runs.
    """

    def __init__(self, message: str, commands: Sequence[str] = ()):
        super().__init__(message)
        self.commands = tuple(commands)


class Launcher(ABC):
    """Starts runs, and waits for them. Register a subclass with [`register_launcher`].

    It is a context manager: resources, such as a connection to a cluster, are only held inside.

    Class attributes:
        name (`str`): value of `launcher`.
        option_names (`tuple[str, ...]`): the valid keys of `launcher_options`.
        returns_results (`bool`): whether it executes the runs, and does not only prepare them.
        begins (`str`): says in a line of progress what happens to a run that is submitted.

    Args:
        settings (`LaunchSettings`): number of jobs, options, and folder of the comparison.

    Raises:
        HfseqError: the settings are not valid, or a package is missing. No run has been started then.
    """

    name: ClassVar[str]
    option_names: ClassVar[tuple[str, ...]] = ()
    returns_results: ClassVar[bool] = True
    begins: ClassVar[str] = "training"

    def __init__(self, settings: LaunchSettings):
        self.settings = settings
        for option in settings.options:
            if not self.option_names:
                raise HfseqError(f"the launcher {self.name} has no launcher_options, but got {option}")
            if option not in self.option_names:
                valid = nearest(option, self.option_names)
                raise HfseqError(f"the launcher {self.name} has no option {option!r}: {valid}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    @property
    def limit(self) -> int | None:
        """Number of runs that are submitted at the same time; `None` submits all."""
        return self.settings.jobs

    @abstractmethod
    def submit(self, run: PlannedRun) -> Handle:
        """Starts a run, or places it in the queue of a cluster. Returns immediately."""

    @abstractmethod
    def wait(self, handles: Sequence[Handle]) -> Iterator[tuple[Handle, RunResult]]:
        """Waits for runs, and gives the result of each as soon as it has ended, in any order.

        A run that fails has a result with an error. The caller may stop the iteration after any result.

        Raises:
            RunsDeferred: this launcher only prepares the runs.
        """

    @abstractmethod
    def cancel(self, handles: Sequence[Handle], signal_number: int) -> None:
        """Stops runs, and waits until they have written their records.

        Args:
            handles (`Sequence[Handle]`): the runs.
            signal_number (`int`): the signal that interrupted the comparison.
        """
