"""The test predictions that a run leaves, for comparisons example by example."""

from pathlib import Path

import numpy as np

# The underscore keeps it out of what is pushed to the Hub.
PREDICTIONS_NAME = "_test_predictions.npz"


def save_predictions(folder: Path, logits: np.ndarray, labels: np.ndarray) -> None:
    """Saves logits `(examples, num_labels)` and labels, in the order of the test split."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / PREDICTIONS_NAME, logits=np.asarray(logits, dtype=np.float32), labels=labels)


def load_predictions(folder: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Logits and labels of the test split, or `None` where the run left none."""
    path = folder / PREDICTIONS_NAME
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["logits"], stored["labels"]
