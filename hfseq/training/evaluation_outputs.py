"""What a run, or a baseline, leaves of the evaluation of a split: see [`hfseq.training.saved_predictions`]."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from hfseq.metrics import metric_direction
from hfseq.metrics.example_sums import total_and_count
from hfseq.metrics.sums import has_formula, metric_from_sums
from hfseq.tasks import Task
from hfseq.tasks.task_data import TaskData
from hfseq.training.saved_predictions import SavedPredictions, save_examples, save_predictions

# Previews are made of at most these numbers of test examples, of files because they have to be read again.
_MOST_EXAMPLES, _MOST_FILES = 1000, 300
# Largest relative difference between a metric and that of the sums, which may be added in another order.
_TOLERANCE = 1e-4


def save_split(
    folder: Path,
    split: str,
    task: Task,
    metrics: Mapping[str, float],
    predictions: Any,
    labels: Any,
    *,
    generated: np.ndarray | None = None,
    encoded: Dataset,
    processor: Any,
    data: TaskData,
) -> None:
    """Saves the predictions of a split and, for the test split, previews of its examples.

    Args:
        folder (`Path`): folder of the run.
        split (`str`): `"validation"` or `"test"`.
        task (`Task`): the task.
        metrics (`Mapping[str, float]`): the metrics that the run reports for this split.
        predictions, labels (`np.ndarray` or `tuple`): as for [`Task.compute_metrics`].
        generated (`np.ndarray` of shape `(examples, length)`, *optional*): generated tokens, padded with -100.
        encoded (`datasets.Dataset`): the encoded examples.
        processor: the processor that encoded them.
        data (`TaskData`): the raw data.
    """
    saved = _collect(split, task, metrics, predictions, labels, generated, encoded, processor)
    save_predictions(folder, split, saved)
    if split == "test":
        most = _MOST_FILES if data.modality.files_in_tables else _MOST_EXAMPLES
        order = _worst_first(task.ranking_metric, saved, len(encoded))[:most]
        previews = task.previews(data, split, encoded, processor, order)
        save_examples(folder, dict(zip(order, previews, strict=True)))


def _collect(
    split: str,
    task: Task,
    metrics: Mapping[str, float],
    predictions: Any,
    labels: Any,
    generated: np.ndarray | None,
    encoded: Dataset,
    processor: Any,
) -> SavedPredictions:
    sums = dict(task.metric_sums(predictions, labels))
    if generated is None:
        scores = task.example_scores(predictions, labels)
        texts = references = None
    else:
        scores = task.generated_scores(generated, split)
        sums |= task.generated_sums(generated, split)
        texts, references = task.generated_texts(generated, split)
    metric, size = task.ranking_metric, len(encoded)
    if metric not in sums and scores is not None and len(scores) == size:
        sums[metric] = total_and_count(scores)
    return SavedPredictions(
        predictions if isinstance(predictions, tuple) else (predictions,),
        labels if isinstance(labels, tuple) else (labels,),
        {name: rows for name, rows in sums.items() if _gives(name, rows, metrics, size)},
        scores,
        task.input_lengths(encoded),
        _numbered(task.groups(encoded, processor)),
        texts,
        references,
    )


def _gives(name: str, rows: np.ndarray, metrics: Mapping[str, float], size: int) -> bool:
    """Whether sums give the reported metric. A subclass of a task may define a metric of this name in another way."""
    if name not in metrics or len(rows) != size or not has_formula(name, rows.shape[1]):
        return False
    value = float(metric_from_sums(name, rows.sum(0, dtype=np.float64)))
    return bool(np.isclose(value, metrics[name], rtol=_TOLERANCE, atol=1e-9))


def _numbered(groups: np.ndarray | None) -> np.ndarray | None:
    """Groups by consecutive numbers; `None` if each example is a group of its own."""
    if groups is None:
        return None
    names, numbers = np.unique(groups, return_inverse=True)
    return None if len(names) == len(groups) else numbers.astype(np.int32)


def _worst_first(metric: str, saved: SavedPredictions, size: int) -> list[int]:
    """The numbers of the examples, those with the worst scores first."""
    scores = saved.scores
    if scores is None or len(scores) != size:
        if metric not in saved.sums:
            return list(range(size))
        scores = metric_from_sums(metric, saved.sums[metric])
    sign = 1 if metric_direction(metric) == "max" else -1
    return np.argsort(np.nan_to_num(sign * scores, nan=np.inf), kind="stable").tolist()
