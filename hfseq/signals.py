"""Signals that ask a process to end: they stop it as Ctrl-C does, so that it can write down how far it came."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

# SIGHUP, which a closed terminal sends, does not exist on Windows.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
# The same interruption may come twice: from the terminal, and from the process that started this one.
_REPEATED = 3.0


class Interruption(KeyboardInterrupt):
    """A signal asked the process to end.

    Attributes:
        signal_number (`int`): which.
    """

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Within it, SIGINT, SIGTERM and SIGHUP raise an [`Interruption`] in the main thread.

    A signal that the process was told to ignore, as `nohup` does, stays ignored. So does a second one within three
    seconds of the first, while the record of the interruption is written.
    """
    owner, last = os.getpid(), [-_REPEATED]
    main = threading.current_thread() is threading.main_thread()  # others cannot have handlers

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked helper process, which ends as it would have without this
            _end(number)
        before, last[0] = last[0], time.monotonic()
        if last[0] - before >= _REPEATED:
            raise Interruption(number)

    previous: dict[int, Any] = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        if main and number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            previous[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def exit_code(interruption: KeyboardInterrupt) -> int:
    """The exit code of an interrupted process: 128 and the number of the signal.

    Args:
        interruption (`KeyboardInterrupt`): what stopped it.
    """
    return 128 + getattr(interruption, "signal_number", signal.SIGINT)


def describe_interruption(interruption: KeyboardInterrupt) -> str:
    """One line about an interruption, with the notes that were added to it.

    Args:
        interruption (`KeyboardInterrupt`): what stopped the process.
    """
    name = signal.Signals(getattr(interruption, "signal_number", signal.SIGINT)).name
    return "; ".join([f"interrupted by {name}", *getattr(interruption, "__notes__", [])])


def _end(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)
