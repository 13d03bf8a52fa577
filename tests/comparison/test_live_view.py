import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from hfseq.comparison import live_view
from hfseq.comparison.live_view import LiveView, show_runs
from hfseq.comparison.plan import PlannedRun
from hfseq.training.progress import Progress, read_progress, write_progress
from hfseq.training.record import RunRecord


def planned(folder, count, name="small-lstm"):
    runs = [PlannedRun(name, seed, folder / name / f"seed-{seed}", SimpleNamespace()) for seed in range(count)]
    for run in runs:
        run.folder.mkdir(parents=True, exist_ok=True)
    return runs


def lines_of(view, height, width=80):
    console = Console(width=width, height=height, file=io.StringIO())
    with console.capture() as capture:
        console.print(view.render(width, height))
    return [line.rstrip() for line in capture.get().splitlines()]


def finished(run, accuracy):
    record = RunRecord(
        run.name, "sequence_classification", run.seed, {}, "0", status="finished",
        data={"metric": "accuracy"}, metrics={"validation": {"accuracy": accuracy}},
    )  # fmt: skip
    return run.result(record, None)


def test_table_shows_state_epochs_best_figure_and_time_left(tmp_path):
    runs = planned(tmp_path, 5)
    view = LiveView(runs)
    for run in runs[:4]:
        view.start(run)
    view.end(finished(runs[0], 0.91234))
    view.end(runs[1].result(None, "broken"))
    write_progress(runs[2].folder, Progress("training", 120, 500, 2.4, 10.0, "accuracy", 0.8, 75.0))
    assert [line.split() for line in lines_of(view, 20)] == [
        ["run", "state", "epoch", "best", "left"],
        ["small-lstm,", "seed", "0", "finished", "0.912"],
        ["small-lstm,", "seed", "1", "failed"],
        ["small-lstm,", "seed", "2", "training", "2.4/10", "0.8", "75", "s"],
        ["small-lstm,", "seed", "3", "starting"],
        ["small-lstm,", "seed", "4", "waiting"],
        ["2", "running,", "1", "failed,", "1", "waiting,", "1", "finished"],
    ]


def test_runs_that_do_not_fit_are_summed_up(tmp_path):
    runs = planned(tmp_path, 40)
    view = LiveView(runs)
    for run in runs[:30]:
        view.start(run)
    for run in runs[:25]:
        view.end(finished(run, 0.5))
    shown = lines_of(view, 21)
    assert [line.split()[2] for line in shown[1:-1]] == [str(seed) for seed in range(25, 40)]
    assert shown[-1] == "5 running, 10 waiting, 25 finished (25 not shown)"
    # On a smaller terminal, those that run come first.
    shown = lines_of(view, 9)
    assert len(shown) == 9
    assert [line.split()[3] for line in shown[1:-1]] == ["starting"] * 5 + ["waiting"] * 2
    assert shown[-1].endswith("(33 not shown)")


@pytest.mark.parametrize("width", [30, 60, 80])
def test_narrow_terminals_cut_the_name_of_the_run(tmp_path, width):
    runs = planned(tmp_path, 2, name="a-model-with-a-long-name-that-does-not-fit-into-a-narrow-terminal")
    view = LiveView(runs)
    view.start(runs[0])
    write_progress(runs[0].folder, Progress("training", 120, 500, 2.4, 10.0, "accuracy", 0.8, 7500.0))
    shown = lines_of(view, 10, width)
    assert len(shown) == 4 and all(len(line) <= width for line in shown)
    if width >= 60:
        assert shown[1].split()[-9:] == ["seed", "0", "training", "2.4/10", "0.8", "2", "h", "05", "min"]
        assert shown[1].startswith("a-model-with-a-") and "…, seed 0 " in shown[1]


def test_progress_of_a_killed_attempt_is_not_shown(tmp_path):
    (run,) = planned(tmp_path, 1)
    write_progress(run.folder, Progress("training", 1, 2))
    LiveView([run]).start(run)
    assert read_progress(run.folder) is None


def test_nothing_is_shown_without_a_terminal(tmp_path, capsys):
    runs = planned(tmp_path, 1)
    with show_runs(runs) as view:
        view.start(runs[0])
    assert capsys.readouterr() == ("", "")


def test_terminal_is_restored_after_an_interruption(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(live_view.sys, "stderr", terminal)
    with pytest.raises(KeyboardInterrupt), show_runs(planned(tmp_path, 1)):
        raise KeyboardInterrupt
    shown = terminal.getvalue()
    assert "small-lstm, seed 0" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is hidden, and shown again
    assert live_view.sys.stderr is terminal
