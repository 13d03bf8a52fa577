"""Trainer as hfseq uses it: batches of similar length, results in the data set's order, one loss for all models."""

import math
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import Trainer
from transformers.trainer_utils import PredictionOutput

from hfseq.data.bucketing import LengthBucketSampler, SortedByLengthSampler
from hfseq.data.collation import SequenceCollator
from hfseq.data.encoding import LENGTH_COLUMN
from hfseq.hub.model_card import write_model_card
from hfseq.tasks import SequenceClassification
from hfseq.training.arguments import SequenceTrainingArguments


class SequenceTrainer(Trainer):
    """[`~transformers.Trainer`] for ragged sequences.

    Training batches hold sequences of similar length; the order depends on seed and epoch alone, so that an
    interrupted run is taken up exactly and several processes walk the order of one. Evaluation goes from long to
    short, and [`predict`] returns rows in the data set's order.

    Args:
        model (`PreTrainedModel`): what is trained.
        args (`SequenceTrainingArguments`): how.
        task (`SequenceClassification`): gives the loss and the metrics.
        processing_class (`PreTrainedTokenizerBase`): pads, and is saved beside the model.
        kwargs: passed on to Trainer.
    """

    args: SequenceTrainingArguments

    def __init__(self, model: Any, args: SequenceTrainingArguments, task: SequenceClassification, **kwargs: Any):
        kwargs.setdefault("data_collator", SequenceCollator(kwargs["processing_class"]))
        super().__init__(
            model, args, compute_loss_func=task.loss_function(), compute_metrics=task.compute_metrics, **kwargs
        )
        self.task = task
        # What the model card tells; the run fills it in.
        self.record: dict[str, Any] | None = None

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> torch.utils.data.Sampler:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        total_batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return LengthBucketSampler(lengths_of(dataset), total_batch, seed)

    def _get_eval_sampler(self, eval_dataset: Dataset) -> torch.utils.data.Sampler:
        return SortedByLengthSampler(lengths_of(eval_dataset))

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """As [`~transformers.Trainer.evaluate`]; where the metric that chooses the checkpoint is undefined on this
        data (a correlation with constant predictions), it counts as the worst there is."""
        metrics = super().evaluate(*args, **kwargs)
        name = f"eval_{self.args.metric_for_best_model}"
        if self.args.metric_for_best_model and any(key.startswith("eval_") for key in metrics):
            metrics.setdefault(name, -math.inf if self.args.greater_is_better else math.inf)
        return metrics

    def predict(
        self, test_dataset: Dataset, ignore_keys: list[str] | None = None, metric_key_prefix: str = "test"
    ) -> PredictionOutput:
        """As [`~transformers.Trainer.predict`], with rows in the order of `test_dataset`."""
        output = super().predict(test_dataset, ignore_keys, metric_key_prefix)
        positions = np.argsort(SortedByLengthSampler(lengths_of(test_dataset)).order)
        return PredictionOutput(
            _reorder(output.predictions, positions), _reorder(output.label_ids, positions), output.metrics
        )

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes hfseq's model card, from the run record; without a record, Trainer's own."""
        if self.record is None:
            super().create_model_card(*args, **kwargs)
        elif self.is_world_process_zero():
            write_model_card(str(self.args.output_dir), self.record, repo_id=self.hub_model_id)


def lengths_of(dataset: Dataset) -> list[int]:
    """Length of each example: its `length` column, or else that of its `input_ids`."""
    if LENGTH_COLUMN in dataset.column_names:
        return list(dataset[LENGTH_COLUMN])
    return [len(ids) for ids in dataset["input_ids"]]


def _reorder(values: Any, positions: np.ndarray) -> Any:
    if isinstance(values, tuple):
        return tuple(_reorder(value, positions) for value in values)
    return None if values is None else values[positions]
