"""Confusion matrix and scores per class, from saved predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.model_runs import ModelRuns
from hfseq.training.saved_predictions import SavedPredictions

# With more classes, the most confused pairs are listed in place of the matrix.
_MOST_IN_MATRIX, _MOST_PAIRS = 20, 20
IGNORED = -100


@dataclass(frozen=True)
class Decisions:
    """Predicted and true classes of the items of a split: examples, or words with tags.

    Attributes:
        true, predicted (`np.ndarray` of shape `(items,)`): numbers of classes; a word that was cut off has -100 as its
            prediction.
    """

    true: np.ndarray
    predicted: np.ndarray


def decisions(saved: SavedPredictions, num_classes: int) -> Decisions | None:
    """The decisions of a run; `None` if it did not save predictions of one class per item."""
    if len(saved.predictions) != 1 or len(saved.labels) != 1:
        return None
    predictions, labels = saved.predictions[0], saved.labels[0]
    if not np.issubdtype(labels.dtype, np.integer):
        return None
    if predictions.ndim == labels.ndim == 2 and np.issubdtype(predictions.dtype, np.integer):
        words = labels != IGNORED
        return Decisions(labels[words], predictions[words])
    if labels.ndim == 1 and predictions.shape == (len(labels), num_classes):
        return Decisions(labels, predictions.argmax(1))
    return None


def matrices(models: Sequence[ModelRuns], num_classes: int) -> dict[str, list[np.ndarray]]:
    """The confusion matrix of each run of each model: rows are true classes, columns are predicted ones.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        num_classes (`int`): number of classes.

    Returns:
        `dict[str, list[np.ndarray]]`: by model, matrices of shape `(classes, classes)`.
    """
    found = {}
    for model in models:
        made = [decisions(saved, num_classes) for saved in model.saved("test")]
        if made and None not in made:
            found[model.name] = [_matrix(one, num_classes) for one in made if one is not None]
    return found


def _matrix(made: Decisions, num_classes: int) -> np.ndarray:
    known = made.predicted != IGNORED
    cells = made.true[known].astype(np.int64) * num_classes + made.predicted[known]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusion(counts: dict[str, list[np.ndarray]], labels: Sequence[str]) -> dict[str, Any] | None:
    """The confusion matrix of each model, summed over its runs: the key `confusion` of `report_data`."""
    if not counts:
        return None
    models = []
    for name, runs in counts.items():
        total = np.sum(runs, axis=0)
        if len(labels) <= _MOST_IN_MATRIX:
            models.append({"model": name, "matrix": total.tolist()})
        else:
            models.append({"model": name, "pairs": _pairs(total, labels)})
    return {"labels": list(labels), "split": "test", "models": models}


def _pairs(total: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    wrong = total * (1 - np.eye(len(total), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [
        {
            "true": labels[row],
            "predicted": labels[column],
            "count": int(wrong[row, column]),
            "of": int(total[row].sum()),
        }
        for row, column in zip(rows, columns, strict=True)
        if wrong[row, column]
    ]


def class_scores(counts: dict[str, list[np.ndarray]], labels: Sequence[str]) -> dict[str, Any] | None:
    """Precision, recall and F1 of each class, as means over the runs: the key `class_scores` of `report_data`."""
    if not counts:
        return None
    models = []
    for name, runs in counts.items():
        scores = np.mean([_scores(matrix) for matrix in runs], axis=0)  # (3, classes)
        models.append({"model": name, **dict(zip(("precision", "recall", "f1"), scores.tolist(), strict=True))})
    support = np.max([matrix.sum(1) for runs in counts.values() for matrix in runs], axis=0)
    return {"labels": list(labels), "support": support.tolist(), "models": models}


def _scores(matrix: np.ndarray) -> np.ndarray:
    correct, predicted, true = np.diag(matrix), matrix.sum(0), matrix.sum(1)
    return np.stack(
        [
            correct / np.maximum(predicted, 1),
            correct / np.maximum(true, 1),
            2 * correct / np.maximum(predicted + true, 1),
        ]
    )
