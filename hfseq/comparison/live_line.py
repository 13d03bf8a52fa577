"""One line of the terminal that shows the progress of a training."""

import shutil
from contextlib import suppress
from typing import TextIO

from rich.cells import cell_len, set_cell_size

_CLEAR_LINE = "\r\x1b[K"


class LiveLine:
    """Shows the last line of a growing output in one line of the terminal, truncated to its width.

    If the stream is not a terminal (a file, the log of a cluster job), nothing is shown.

    Args:
        stream (`TextIO`): stream to write to.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._unfinished = ""

    def show(self, text: str) -> None:
        """Appends output, and shows its last line that is not blank."""
        *finished, self._unfinished = (self._unfinished + text).replace("\r", "\n").split("\n")
        latest = next((line.strip() for line in reversed([*finished, self._unfinished]) if line.strip()), None)
        if latest is not None:
            self._write(_CLEAR_LINE + _truncate(latest))

    def warn(self, message: str) -> None:
        """Writes a permanent line, even if the stream is not a terminal."""
        self.clear()
        with suppress(OSError, ValueError):  # the terminal was closed
            self._stream.write(f"warning: {message}\n")

    def clear(self) -> None:
        """Removes the line."""
        self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        if not self._is_terminal:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal was closed; the training continues
            self._is_terminal = False


def _truncate(line: str) -> str:
    # The last column stays empty: some terminals start a new line as soon as it is written.
    width = shutil.get_terminal_size().columns - 1
    return line if cell_len(line) <= width else set_cell_size(line, width)
