from small import TINY
from transformers import TrainerCallback

from hfseq.training.progress import Progress, read_progress
from hfseq.training.run import run_training

EVERY_STEP = {"eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 1, "save_steps": 1}


class Watcher(TrainerCallback):
    """Reads the progress file during a training."""

    def __init__(self, folder):
        self.folder, self.seen = folder, []

    def _read(self, *args, **kwargs):
        self.seen.append(read_progress(self.folder))

    on_step_begin = on_evaluate = on_prediction_step = _read


def test_progress_file_exists_only_during_a_run(reviews, tmp_path, monkeypatch):
    monkeypatch.setattr("hfseq.training.progress._SECONDS_BETWEEN_WRITES", 0.0)
    watcher = Watcher(tmp_path)
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path), "max_steps": 3}
    record = run_training({**settings, **EVERY_STEP}, callbacks=[watcher])
    states = [progress.state for progress in watcher.seen]
    assert sorted(set(states), key=states.index) == ["training", "evaluating"]
    last = [progress for progress in watcher.seen if progress.state == "training"][-1]
    assert (last.step, last.max_steps) in ((2, 3), (3, 3)) and last.seconds_left is not None
    metric = record.data["metric"]
    best = max(entry[f"eval_{metric}"] for entry in record.history if f"eval_{metric}" in entry)
    assert (watcher.seen[-1].metric, watcher.seen[-1].best) == (metric, best)
    assert not (tmp_path / "_progress.json").exists()


def test_unreadable_progress_is_unknown(tmp_path):
    assert read_progress(tmp_path) is None
    (tmp_path / "_progress.json").write_text('{"state": "training", "unknown": 1}')
    assert read_progress(tmp_path) is None
    (tmp_path / "_progress.json").write_text("{")
    assert read_progress(tmp_path) is None
    (tmp_path / "_progress.json").write_text('{"state": "training"}')
    assert read_progress(tmp_path) == Progress("training")
