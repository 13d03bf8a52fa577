"""Evaluates a saved model on a split of a data set."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction
from transformers.trainer_pt_utils import EvalLoopContainer

from hfseq.data.batching.bucketing import SortedByLengthSampler
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.sources.memory import name_memory
from hfseq.data.splits.names import canonical_split
from hfseq.errors import HfseqError, nearest
from hfseq.inference.backend import BackendModel
from hfseq.inference.outputs import check_finite, to_numpy
from hfseq.inference.training_splits import splits_of_training
from hfseq.modalities.rows import read_splits


def evaluate(
    predictor: Any,
    dataset: Any,
    split: str | None,
    *,
    batch_size: int,
    cache_dir: str | None,
    columns: Mapping[str, Any],
) -> dict[str, float]:
    """See [`Predictor.evaluate`]."""
    predictor.task.check_columns(columns)
    dataset = name_memory(dataset)
    if dataset is None and predictor.trained_on is None:
        raise HfseqError("name the data with --dataset: this model does not say what it was trained on")
    splits = splits_of_training(predictor, dataset, cache_dir) or _splits_of(predictor, dataset, cache_dir, columns)
    dataset = str(dataset or predictor.trained_on)
    split = _choose_split(splits, split, dataset)
    arguments = predictor.reader.arguments_for(splits[split].column_names, **columns)
    data = predictor.task.read_split(splits[split], arguments, f"split {split!r} of {dataset!r}")
    with predictor.processing:
        encoded = predictor.task.encode(data, predictor.processor, arguments).splits["test"]
    return _metrics(predictor, encoded, batch_size)


def _splits_of(
    predictor: Any, dataset: str, cache_dir: str | None, columns: Mapping[str, Any]
) -> Mapping[str, Dataset]:
    # Some files are read by their columns.
    named: dict[str, Any] = {role: name for role, name in columns.items() if name}
    arguments = dataclasses.replace(
        predictor.arguments, cache_dir=cache_dir, dataset_config_name=None, dataset_revision=None, **named
    )
    return read_splits(dataset, arguments, predictor.task.modality, *predictor.task.readers)


def _choose_split(splits: Mapping[str, Dataset], split: str | None, dataset: str) -> str:
    if split is None:
        split = "test" if len(splits) > 1 else next(iter(splits))
    if split not in splits:
        split = canonical_split(split) or split  # `dev` for `validation`
    if split not in splits:
        raise HfseqError(f"{dataset!r} has no split {split!r}: {nearest(split, splits)}")
    return split


def _metrics(predictor: Any, encoded: Dataset, batch_size: int) -> dict[str, float]:
    task, model = predictor.task, BackendModel(predictor.backend)
    collate = SequenceCollator(predictor.processor, label_padding=task.label_padding)
    containers = [EvalLoopContainer(do_nested_concat=True, padding_index=-100) for _ in range(3)]
    order = SortedByLengthSampler(encoded[LENGTH_COLUMN]).order
    for start in range(0, len(order), batch_size):
        chosen = [int(row) for row in order[start : start + batch_size]]
        batch = collate([encoded[row] for row in chosen])
        predictions = task.predictions_of(model(**task.model_inputs(model, batch)), batch)
        check_finite(to_numpy(predictions), chosen)
        containers[0].add(predictions)
        containers[1].add(task.labels_of(batch))
        if task.generates_text:
            containers[2].add(task.generate(model, batch))
    predictions, labels, generated = (container.get_arrays() for container in containers)
    metrics = task.compute_metrics(EvalPrediction(predictions, labels))
    if task.generates_text:
        # References are in the order of the data set.
        metrics |= task.compute_generated_metrics(generated[np.argsort(order)], "test")
    return metrics
