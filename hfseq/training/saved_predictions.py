"""Saved test predictions of a run, for paired comparisons."""

import logging
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

# Files whose name starts with an underscore are not pushed to the Hub.
PREDICTIONS_NAME = "_test_predictions.npz"
_MOST_BYTES = 2**28


def save_predictions(folder: Path, predictions: Any, labels: Any, scores: np.ndarray | None) -> None:
    """Saves predictions and labels, in the order of the test split; if they are very large, such as forecasts
    of hundreds of channels, only the scores.

    Args:
        folder (`Path`): folder of the run.
        predictions (`np.ndarray` or `tuple`): predictions that the task keeps.
        labels (`np.ndarray` or `tuple`): the labels.
        scores (`np.ndarray` of shape `(examples,)`, *optional*): score of each example.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}
    for name, value in (("predictions", predictions), ("labels", labels)):
        parts = value if isinstance(value, tuple) else (value,)
        arrays |= {f"{name}_{part}" if part else name: _narrowed(array) for part, array in enumerate(parts)}
    named = {} if scores is None else {"scores": scores}
    if sum(array.nbytes for array in arrays.values()) <= _MOST_BYTES:
        named |= arrays
    np.savez(folder / PREDICTIONS_NAME, **named)  # type: ignore[arg-type]


def load_scores(folder: Path) -> np.ndarray | None:
    """Score of each test example, or `None` if the run saved none or the file is damaged."""
    path = folder / PREDICTIONS_NAME
    if not path.is_file():
        return None
    try:
        with np.load(path) as stored:
            return stored.get("scores")
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
        logger.warning("%s is damaged, and no statistics are made of it: %s", path, error)
        return None


def _narrowed(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array
