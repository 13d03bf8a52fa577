"""Trainer as hfseq uses it: batches of similar length, results in the data set's order, one loss for all models."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import BatchEncoding, Trainer
from transformers.trainer_utils import PredictionOutput
from transformers.utils import logging

from hfseq.data.bucketing import LengthBucketSampler, SortedByLengthSampler
from hfseq.data.collation import SequenceCollator
from hfseq.data.encoding import LENGTH_COLUMN
from hfseq.data.token_store import TokenStore
from hfseq.hub.model_card import write_model_card
from hfseq.tasks import SequenceClassification
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.lazy_adamw import DenseGradients, LazyAdamW
from hfseq.training.lazy_choice import why_not_lazy
from hfseq.training.store_cache import StoreCache

logger = logging.get_logger(__name__)


class SequenceTrainer(Trainer):
    """[`~transformers.Trainer`] for ragged sequences.

    Training batches hold sequences of similar length; the order depends on seed and epoch alone, so that an
    interrupted run is taken up exactly and several processes walk the order of one. Evaluation goes from long to
    short, and [`predict`] returns rows in the data set's order.

    Batches are cut from a [`TokenStore`], which is made of each data set when it is first read; where that cannot be,
    or with a collator of the caller's own, they are collated as Trainer does it.

    Input embeddings are updated by [`LazyAdamW`] where that gives the same result.

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
        self._stores = StoreCache()
        self._lazy: LazyAdamW | None = None

    def _batch_source(self, dataset: Any) -> Any:
        """What batches are made from: the data set's token store or, where it has none, the data set itself."""
        if not isinstance(dataset, Dataset):
            return dataset
        # What another collator, or a subclass, would make of the examples, a store does not know.
        if type(self.data_collator) is SequenceCollator:
            store = self._stores.get(dataset, self.data_collator, self._remove_unused_columns)
            if store is not None:
                return store
        return self._remove_unused_columns(dataset)

    def _get_dataloader(self, dataset: Any, *args: Any, **kwargs: Any) -> torch.utils.data.DataLoader:
        return super()._get_dataloader(self._batch_source(dataset), *args, **kwargs)

    def _get_collator_with_removed_columns(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        # Asked for where the data set is not one of `datasets`, as a store is not.
        return partial(_collate_unless_ready, super()._get_collator_with_removed_columns(*args, **kwargs))

    def _get_train_sampler(self, train_dataset: Dataset | TokenStore | None = None) -> torch.utils.data.Sampler:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        total_batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return LengthBucketSampler(lengths_of(dataset), total_batch, seed)

    def _get_eval_sampler(self, eval_dataset: Dataset | TokenStore) -> torch.utils.data.Sampler:
        return SortedByLengthSampler(lengths_of(eval_dataset))

    @staticmethod
    def get_optimizer_cls_and_kwargs(args: Any, model: Any = None) -> tuple[Any, Any]:
        """As Trainer's; with [`LazyAdamW`] in AdamW's place where it serves."""
        optimizer_cls, kwargs = Trainer.get_optimizer_cls_and_kwargs(args, model)
        reason = why_not_lazy(args, model)
        if reason is None:
            return LazyAdamW, {**kwargs, "fused": True, "lazy": [model.get_input_embeddings()]}
        logger.info(f"Each step updates all rows of the input embeddings: {reason}")
        return optimizer_cls, kwargs

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        optimizer = super().create_optimizer(model)
        inner = getattr(optimizer, "optimizer", optimizer)  # of a second training, accelerate has wrapped it
        self._lazy = inner if isinstance(inner, LazyAdamW) else None
        if self._lazy is not None:
            self._lazy.attach()
        return optimizer

    def train(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().train(*args, **kwargs)
        finally:
            if self._lazy is not None:
                self._lazy.detach()

    def flush_embeddings(self) -> None:
        """Brings the input embeddings up to date, for callbacks that read their weight during the training."""
        if self._lazy is not None:
            self._lazy.flush()

    def _clip_grad_norm(self, model: Any) -> Any:
        return super()._clip_grad_norm(model if self._lazy is None else DenseGradients(model))

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        return super()._get_grad_norm(model if self._lazy is None else DenseGradients(model), grad_norm)

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        """As [`~transformers.Trainer.save_model`]."""
        self.flush_embeddings()
        super().save_model(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """As [`~transformers.Trainer.evaluate`]; where the metric that chooses the checkpoint is undefined on this
        data (a correlation with constant predictions), it counts as the worst there is."""
        self.flush_embeddings()
        metrics = super().evaluate(*args, **kwargs)
        name = f"eval_{self.args.metric_for_best_model}"
        if self.args.metric_for_best_model and any(key.startswith("eval_") for key in metrics):
            metrics.setdefault(name, -math.inf if self.args.greater_is_better else math.inf)
        return metrics

    def predict(
        self, test_dataset: Dataset, ignore_keys: list[str] | None = None, metric_key_prefix: str = "test"
    ) -> PredictionOutput:
        """As [`~transformers.Trainer.predict`], with rows in the order of `test_dataset`."""
        self.flush_embeddings()
        output = super().predict(test_dataset, ignore_keys, metric_key_prefix)
        positions = np.argsort(SortedByLengthSampler(lengths_of(self._batch_source(test_dataset))).order)
        return PredictionOutput(
            _reorder(output.predictions, positions), _reorder(output.label_ids, positions), output.metrics
        )

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes hfseq's model card, from the run record; without a record, Trainer's own."""
        if self.record is None:
            super().create_model_card(*args, **kwargs)
        elif self.is_world_process_zero():
            write_model_card(str(self.args.output_dir), self.record, repo_id=self.hub_model_id)


def lengths_of(dataset: Dataset | TokenStore) -> Sequence[int] | np.ndarray:
    """Length of each example: its `length` column, or else that of its `input_ids`."""
    if isinstance(dataset, TokenStore):
        return dataset.lengths
    if LENGTH_COLUMN in dataset.column_names:
        return list(dataset[LENGTH_COLUMN])
    return [len(ids) for ids in dataset["input_ids"]]


def _collate_unless_ready(collate: Callable[[Any], Any], batch: Any) -> Any:
    """A store gives whole batches; examples of any other data set come in a list."""
    return batch if isinstance(batch, BatchEncoding) else collate(batch)


def _reorder(values: Any, positions: np.ndarray) -> Any:
    if isinstance(values, tuple):
        return tuple(_reorder(value, positions) for value in values)
    return None if values is None else values[positions]
