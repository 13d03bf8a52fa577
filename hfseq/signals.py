"""Termination signals. They interrupt a process like Ctrl-C, so that it can save its progress."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

# A closed terminal sends SIGHUP, which does not exist on Windows.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
# A second signal within this many seconds is ignored. It may come from the parent process, which received it too.
_REPEAT_SECONDS = 3.0


class Interruption(KeyboardInterrupt):
    """Raised when the process receives a termination signal.

    Attributes:
        signal_number (`int`): number of the signal.
    """

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Context in which SIGINT, SIGTERM and SIGHUP raise an [`Interruption`] in the main thread.

    Signals that the process already ignores (for example because of `nohup`) stay ignored. A second signal within
    three seconds is ignored too, because the process is writing its record then.
    """
    owner, last, received = os.getpid(), [-_REPEAT_SECONDS], list[int]()
    main = threading.current_thread() is threading.main_thread()  # only the main thread can set handlers

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked child process: use the default action of the signal
            _terminate(number)
        before, last[0] = last[0], time.monotonic()
        if last[0] - before >= _REPEAT_SECONDS:
            received.append(number)
            raise Interruption(number)

    previous: dict[int, Any] = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if main and number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            previous[number] = signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt as error:
        if isinstance(error, Interruption) or not received:
            raise
        # A library, such as Ray, has replaced the exception by a new one.
        raise Interruption(received[-1]) from error
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def exit_code(interruption: KeyboardInterrupt) -> int:
    """Exit code of an interrupted process: 128 + the number of the signal.

    Args:
        interruption (`KeyboardInterrupt`): the exception that stopped the process.
    """
    return 128 + getattr(interruption, "signal_number", signal.SIGINT)


def describe_interruption(interruption: KeyboardInterrupt) -> str:
    """Describes an interruption in one line, including the notes that were added to the exception.

    Args:
        interruption (`KeyboardInterrupt`): the exception that stopped the process.
    """
    name = signal.Signals(getattr(interruption, "signal_number", signal.SIGINT)).name
    return "; ".join([f"interrupted by {name}", *getattr(interruption, "__notes__", [])])


def _terminate(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)
