"""One line of a terminal that shows how far a training is."""

import shutil
from contextlib import suppress
from typing import TextIO

from rich.cells import cell_len, set_cell_size

_CLEAR_LINE = "\r\x1b[K"


class LiveLine:
    """Shows the last line of a growing output in one line of a terminal, cut to its width.

    Nothing is shown where the stream is not a terminal, such as a file or the log of a cluster's job.

    Args:
        stream (`TextIO`): where to write.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._live = stream.isatty()
        self._rest = ""

    def show(self, text: str) -> None:
        """Adds output and shows its last line that is not blank."""
        *ended, self._rest = (self._rest + text).replace("\r", "\n").split("\n")
        latest = next((line.strip() for line in reversed([*ended, self._rest]) if line.strip()), None)
        if latest is not None:
            self._write(_CLEAR_LINE + _cut(latest))

    def warn(self, message: str) -> None:
        """Writes a line that stays, also where the stream is not a terminal."""
        self.clear()
        with suppress(OSError, ValueError):  # the terminal was closed
            self._stream.write(f"warning: {message}\n")

    def clear(self) -> None:
        """Removes the line."""
        self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        if not self._live:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal was closed; the training goes on
            self._live = False


def _cut(line: str) -> str:
    # The last column stays free: some terminals begin a new line as soon as it is written.
    room = shutil.get_terminal_size().columns - 1
    return line if cell_len(line) <= room else set_cell_size(line, room)
