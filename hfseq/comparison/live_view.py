"""Shows the progress of all runs of a comparison in the terminal, while other lines scroll above."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.formatting import seconds
from hfseq.training.progress import Progress, read_progress, remove_progress

_REFRESHES_PER_SECOND = 2
# Lines of the terminal that stay free for the lines above.
_FREE_LINES = 3
_HEADINGS = ("state", "epoch", "best", "left")
# The order in which runs are chosen if there are too many, and counted.
_ORDER = ("running", "failed", "waiting", "finished")
_STYLES = {"finished": "green", "failed": "red", "waiting": "dim", "starting": "cyan"}


@dataclass
class _Row:
    """State of a run.

    Attributes:
        name (`str`): name of the model.
        which (`str`): the fold, the seed, ... of the run.
        state (`str`): `"waiting"`, `"running"`, `"finished"` or `"failed"`.
        best (`float`, *optional*): validation metric of a finished run.
    """

    name: str
    which: str
    state: str = "waiting"
    best: float | None = None


class LiveView:
    """A table of runs: state, epochs, best validation figure so far, time left.

    It reads the files that runs write into their folders, so it works wherever the runs are.

    Args:
        runs (`Sequence[PlannedRun]`): the runs.
    """

    def __init__(self, runs: Sequence[PlannedRun]):
        self._rows = {run.folder: _Row(run.name, run.label.removeprefix(run.name)) for run in runs}

    def start(self, run: PlannedRun) -> None:
        """A run was started, or is in the queue of a cluster."""
        remove_progress(run.folder)  # of an attempt that was killed
        self._rows[run.folder].state = "running"

    def end(self, result: RunResult) -> None:
        """A run has ended."""
        row = self._rows[result.folder]
        row.state = "finished" if result.finished else "failed"
        if result.record is not None:
            row.best = result.record.metrics.get("validation", {}).get(result.record.data.get("metric", ""))

    def render(self, width: int, height: int) -> Group:
        """The table, with at most `height` lines. If there are more runs, the finished ones are only counted.

        Args:
            width (`int`): columns of the terminal.
            height (`int`): lines that may be used.
        """
        rows = list(self._rows.items())
        shown = rows if len(rows) + 2 <= height else _most_important(rows, max(height - 2, 1))
        cells = [_cells(row, read_progress(folder) if row.state == "running" else None) for folder, row in shown]
        columns = list(zip(_HEADINGS, *cells, strict=True))
        room = width - sum(max(map(cell_len, column)) + 1 for column in columns)
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        table.add_column("run", no_wrap=True)
        for heading in _HEADINGS:
            table.add_column(heading, no_wrap=True, justify="left" if heading == "state" else "right")
        for (_, row), (state, *figures) in zip(shown, cells, strict=True):
            table.add_row(_shorten(row, room), Text(state, style=_STYLES.get(state, "")), *figures)
        counts = Counter(row.state for _, row in rows)
        summary = ", ".join(f"{count} {state}" for state in _ORDER if (count := counts[state]))
        summary += f" ({len(rows) - len(shown)} not shown)" if len(shown) < len(rows) else ""
        # Ctrl-C shows ^C behind the last line. It must not begin another one, which would not be removed.
        return Group(table, Text(set_cell_size(summary, min(width - 3, cell_len(summary)))))


def _most_important(rows: list[tuple[Path, _Row]], count: int) -> list[tuple[Path, _Row]]:
    unfinished = [item for item in rows if item[1].state != "finished"]
    chosen = sorted(unfinished, key=lambda item: _ORDER.index(item[1].state))[:count]
    return [item for item in rows if item in chosen]


def _shorten(row: _Row, room: int) -> str:
    """The name of a run in so many columns. The fold and the seed, which tell the runs of a model apart, stay."""
    if cell_len(row.name + row.which) <= room:
        return row.name + row.which
    return f"{set_cell_size(row.name, max(room - cell_len(row.which) - 1, 1)).rstrip()}…{row.which}"


def _cells(row: _Row, progress: Progress | None) -> list[str]:
    """State, epochs, best validation figure, and time left."""
    state = row.state if row.state != "running" else progress.state if progress is not None else "starting"
    epoch = left = ""
    best = row.best
    if progress is not None:
        best = progress.best
        if progress.max_steps:
            epoch = f"{progress.epoch:.1f}/{progress.num_epochs:g}"
            if progress.num_epochs > 1000:  # max_steps or max_train_seconds ends the training
                epoch = f"step {progress.step}/{progress.max_steps}"
        left = "" if progress.seconds_left is None else seconds(progress.seconds_left)
    figure = "" if best is None else f"{best:.3g}"
    return [state, epoch, figure, left]


@contextmanager
def show_runs(runs: Sequence[PlannedRun]) -> Iterator[LiveView]:
    """Shows the runs in the terminal while the context lasts. Without a terminal, nothing is shown.

    Args:
        runs (`Sequence[PlannedRun]`): the runs.
    """
    view = LiveView(runs)
    if not sys.stderr.isatty():
        yield view
        return
    console = Console(stderr=True)
    live = Live(
        console=console,
        get_renderable=lambda: view.render(console.width, console.height - _FREE_LINES),
        refresh_per_second=_REFRESHES_PER_SECOND,
        transient=True,
    )
    with live:
        yield view
