"""Saved baselines. They are loaded only from the folder of the own comparison, because `joblib` uses pickle."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib

from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.tasks.baselines import Baseline
from hfseq.tasks.prediction import Prediction
from hfseq.training.manifest import Manifest

BASELINE_NAME = "baseline.joblib"


class BaselinePredictor:
    """A saved baseline, with the interface of [`Predictor`] that the measurement of the latency needs.

    Args:
        baseline (`Baseline`): a fitted baseline.
    """

    def __init__(self, baseline: Baseline):
        self.baseline = baseline

    def predict_rows(self, rows: Mapping[str, list], columns: Columns, batch_size: int = 64) -> list[Prediction]:
        """Predicts raw examples.

        Args:
            rows (`dict[str, list]`): raw examples, by column.
            columns (`Columns`): the columns that are read.
            batch_size (`int`, *optional*, defaults to 64): number of examples per batch.
        """
        names = [name for name in rows if name in columns.texts]
        size = len(rows[columns.text])
        found: list[Prediction] = []
        for start in range(0, size, batch_size):
            part: dict[str, Any] = {name: rows[name][start : start + batch_size] for name in names}
            found += self.baseline.predict_rows(part, columns)
        return found


def save_baseline(folder: Path, baseline: Baseline) -> None:
    """Saves a fitted baseline."""
    joblib.dump(baseline, folder / BASELINE_NAME, compress=3)


def is_baseline(folder: Path) -> bool:
    """Whether a folder holds the finished run of a baseline."""
    return (folder / BASELINE_NAME).is_file()


def load_baseline(folder: Path) -> BaselinePredictor:
    """Loads the baseline of a run of the own comparison. Never load one from a source that you do not trust.

    Raises:
        HfseqError: there is none, or it is not the file that the run wrote.
    """
    manifest = Manifest.load(folder)
    problem = f"{folder} has no manifest" if manifest is None else manifest.problem(folder)
    if problem is None and manifest is not None and BASELINE_NAME in manifest.files:
        try:
            return BaselinePredictor(joblib.load(folder / BASELINE_NAME))
        except (pickle.UnpicklingError, ImportError, AttributeError, EOFError, ValueError) as error:
            problem = str(error)
    raise HfseqError(f"the baseline in {folder} cannot be loaded: {problem or f'{BASELINE_NAME} is missing'}")
