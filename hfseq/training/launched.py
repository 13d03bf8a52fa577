"""What a launcher tells a run of a comparison, by environment variables.

A run that was not started by a launcher finds none of them, and works the same way without them.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

# Process that started the run. The run ends when that process has ended.
PARENT = "HFSEQ_PARENT"
# Name of the launcher, and the number of runs that it starts on one machine at the same time.
LAUNCHER = "HFSEQ_LAUNCHER"
CONCURRENT_RUNS = "HFSEQ_CONCURRENT_RUNS"
# Seconds to wait until another process releases the folder of the run.
LOCK_PATIENCE = "HFSEQ_LOCK_PATIENCE"

# Long enough for a process of a machine that no longer answers: a file server takes about 90 s to release its locks.
_PATIENCE_OF_LAUNCHED_RUNS = 120.0
# Iterations that an idle thread of libgomp waits actively. By default, many: it slows down the other processes.
_SPIN_COUNT = "20000"
_POLL_SECONDS = 0.25
# Seconds that a run may take to write its record after its parent has ended.
_SHUTDOWN_SECONDS = 30.0


def launch_variables(launcher: str, concurrent_runs: int | None) -> dict[str, str]:
    """Environment variables for a run that this process starts.

    Args:
        launcher (`str`): name of the launcher.
        concurrent_runs (`int`, *optional*): number of runs that the launcher starts on one machine at the same time;
            `None` if it is not known.
    """
    known = {} if concurrent_runs is None else {CONCURRENT_RUNS: str(concurrent_runs)}
    return {PARENT: str(os.getpid()), LAUNCHER: launcher, LOCK_PATIENCE: str(_PATIENCE_OF_LAUNCHED_RUNS), **known}


def share_of_cores(jobs: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that give each of several processes an equal share of the cores.

    Args:
        jobs (`int`): number of processes at the same time. A single one gets no variables, and uses all cores.
        environment (`Mapping[str, str]`): the environment. A smaller `OMP_NUM_THREADS` in it is kept.
    """
    return {} if jobs == 1 else thread_variables(max(1, available_cores() // jobs), environment)


def thread_variables(cores: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that limit a process to a number of cores while others run beside it.

    Args:
        cores (`int`): number of cores.
        environment (`Mapping[str, str]`): the environment. A smaller `OMP_NUM_THREADS` in it is kept.
    """
    given = environment.get("OMP_NUM_THREADS", "")
    threads = min(cores, int(given)) if given.isdecimal() and int(given) > 0 else cores
    return {"OMP_NUM_THREADS": str(threads), **spin_variables(environment)}


def spin_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variable that keeps the idle threads of a process from slowing down the others.

    Args:
        environment (`Mapping[str, str]`): the environment. A value that is set is kept.
    """
    return {"GOMP_SPINCOUNT": environment.get("GOMP_SPINCOUNT", _SPIN_COUNT)}


def available_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def launch_environment() -> dict[str, Any]:
    """The part of a record's environment that describes how the run was started.

    Returns:
        `dict`: `launcher` (`str`) and `concurrent_runs` (`int`), without those that are not known. The costs of a run
        are higher if others ran beside it. A run that was started by itself has `concurrent_runs` 1 and no launcher.
    """
    name = os.environ.get(LAUNCHER)
    if name is None:
        return {"concurrent_runs": 1}
    count = os.environ.get(CONCURRENT_RUNS)
    return {"launcher": name, **({} if count is None else {"concurrent_runs": int(count)})}


def lock_patience(default: float) -> float:
    """Seconds to wait for the lock of the run's folder.

    Args:
        default (`float`): seconds for a run that no launcher started.
    """
    return float(os.environ.get(LOCK_PATIENCE, default))


def adopt() -> None:
    """Tells a copy of the process that started it, which a fork has made, that this one is its parent."""
    if PARENT in os.environ:
        os.environ[PARENT] = str(os.getppid())


def follow_parent() -> None:
    """Interrupts this process when the process that started it has ended, even if that one was killed.

    Otherwise the run would continue unnoticed, and hold the lock of its folder.
    """
    parent = os.environ.pop(PARENT, None)  # not for the processes that this one starts
    if parent is not None:
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SHUTDOWN_SECONDS)
    os._exit(128 + signal.SIGTERM)
