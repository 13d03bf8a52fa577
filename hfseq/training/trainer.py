"""Trainer as hfseq uses it: batches of similar length, results in the data set's order, one loss for all models."""

import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate.utils import find_batch_size, slice_tensors
from datasets import Dataset
from transformers import BatchEncoding, Trainer
from transformers.trainer_pt_utils import nested_detach
from transformers.trainer_utils import EvalLoopOutput, HubStrategy, PredictionOutput
from transformers.utils import logging
from transformers.utils.hub import PushInProgress

from hfseq.data.batching.bucketing import LengthBucketSampler, SortedByLengthSampler
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.sequence_store import SequenceStore
from hfseq.hub.model_card import write_model_card
from hfseq.hub.public_record import relative_name
from hfseq.hub.push import push_checkpoint, push_folder
from hfseq.tasks import Task
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.lazy_adamw import DenseGradients, LazyAdamW
from hfseq.training.lazy_choice import why_not_lazy
from hfseq.training.mean_loss import MeanLoss
from hfseq.training.run_checkpoints import CheckpointingTrainer
from hfseq.training.store_cache import StoreCache

logger = logging.get_logger(__name__)


class SequenceTrainer(CheckpointingTrainer):
    """[`~transformers.Trainer`] for ragged sequences.

    Training batches hold sequences of similar length; the order depends on seed and epoch alone, so that an
    interrupted run is taken up exactly and several processes walk the order of one. Evaluation goes from long to
    short, and [`predict`] returns rows in the data set's order.

    Batches are cut from a [`SequenceStore`], which is made of each data set when it is first read; where that cannot
    be, or with a collator of the caller's own, they are collated as Trainer does it.

    Input embeddings are updated by [`LazyAdamW`] where that gives the same result.

    Args:
        model (`PreTrainedModel`): what is trained.
        args (`SequenceTrainingArguments`): how.
        task (`Task`): gives the loss and the metrics.
        processing_class: the processor: tells how to pad, and is saved beside the model.
        kwargs: passed on to Trainer.
    """

    args: SequenceTrainingArguments

    def __init__(self, model: Any, args: SequenceTrainingArguments, task: Task, **kwargs: Any):
        collator = SequenceCollator(kwargs["processing_class"], label_padding=task.label_padding)
        kwargs.setdefault("data_collator", collator)
        super().__init__(model, args, compute_metrics=task.compute_metrics, **kwargs)
        self.task = task
        # The task divides by the items of all batches of a step.
        self.loss_is_scaled_for_ga = True
        # Whether an evaluation lets the model write, in place of scoring its guesses at each next token.
        self.writing = False
        # What the model card tells; the run fills it in.
        self.record: dict[str, Any] | None = None
        self._stores = StoreCache()
        self._lazy: LazyAdamW | None = None
        # Whether the checkpoint just read names its weights otherwise than the model does.
        self._renamed = False
        self._mean_loss = MeanLoss()

    def _batch_source(self, dataset: Any) -> Any:
        """What batches are made from: the data set's sequence store or, where it has none, the data set itself."""
        if not isinstance(dataset, Dataset):
            return dataset
        # What another collator, or a subclass, would make of the examples, a store does not know.
        if type(self.data_collator) is SequenceCollator:
            store = self._stores.get(dataset, self.data_collator, self._remove_unused_columns)
            if store is not None:
                return store
        return self._remove_unused_columns(dataset)

    def _get_dataloader(
        self, dataset: Any, *args: Any, is_training: bool = False, **kwargs: Any
    ) -> torch.utils.data.DataLoader:
        drop_last, kwargs["is_training"] = self.args.dataloader_drop_last, is_training
        # Only training may leave out the last examples: an evaluation answers for all of them.
        self.args.dataloader_drop_last = drop_last and is_training
        try:
            return super()._get_dataloader(self._batch_source(dataset), *args, **kwargs)
        finally:
            self.args.dataloader_drop_last = drop_last

    def _get_collator_with_removed_columns(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        # Asked for where the data set is not one of `datasets`, as a store is not.
        return partial(_collate_unless_ready, super()._get_collator_with_removed_columns(*args, **kwargs))

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The task's loss of a batch, and the model's outputs where they are wanted."""
        outputs = model(**self.task.model_inputs(self.accelerator.unwrap_model(model), inputs))
        loss = self.task.loss(outputs, inputs, num_items_in_batch)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # The gradients of the processes are averaged, but each has divided by the items of all of them.
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> Any:
        if not batch_samples:
            return None
        items = torch.stack([self.task.count_items(batch) for batch in batch_samples]).sum()
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            items = self.accelerator.gather(items.to(device)).sum()
        return items.to(device)

    def prediction_step(
        self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Any, Any, Any]:
        """The loss of a batch, what the task keeps of the outputs, and the labels."""
        inputs = self._prepare_inputs(inputs)
        labels = self.task.labels_of(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            if self.writing:
                return None, self.task.generate(self.accelerator.unwrap_model(model), inputs), labels
            loss, outputs = self.compute_loss(model, inputs, return_outputs=True)
        loss = loss.detach().mean()
        self._add_loss(model, inputs, loss)
        if prediction_loss_only:
            return loss, None, None
        return loss, nested_detach(self.task.predictions_of(outputs, inputs)), labels

    def _add_loss(self, model: Any, inputs: Any, loss: torch.Tensor) -> None:
        """Counts each example of a batch once, also where another process has it too."""
        rows = find_batch_size(inputs) or 0
        new = self._new_rows(rows)
        if 0 < new < rows:
            inputs = slice_tensors(inputs, slice(0, new))
            with torch.no_grad(), self.compute_loss_context_manager():
                # Not the wrapped model, whose processes would wait for each other.
                loss = self.compute_loss(self.accelerator.unwrap_model(model), inputs).detach().mean()
        if new:
            self._mean_loss.add(loss, self.task.count_items(inputs))

    def _new_rows(self, rows: int) -> int:
        """How many rows of a batch are not repeated: accelerate fills the last batches of several processes with the
        first examples, so that all of them are full. `gather_for_metrics` leaves out the same rows."""
        state = self.accelerator.gradient_state
        if self.accelerator.num_processes == 1 or not state.end_of_dataloader or state.remainder <= 0:
            return rows
        return min(max(state.remainder - self.accelerator.process_index * rows, 0), rows)

    def evaluation_loop(
        self,
        dataloader: torch.utils.data.DataLoader,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """As [`~transformers.Trainer.evaluation_loop`]; the loss is the mean over all items, whatever the batch size
        and the number of processes."""
        self._mean_loss = MeanLoss(skip_infinite=self.args.logging_nan_inf_filter)
        output = super().evaluation_loop(
            dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix=metric_key_prefix
        )
        mean = self._mean_loss.gathered()
        if mean is not None and output.metrics is not None:
            output.metrics[f"{metric_key_prefix}_loss"] = mean
        return output

    def _get_train_sampler(self, train_dataset: Dataset | SequenceStore | None = None) -> torch.utils.data.Sampler:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        total_batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return LengthBucketSampler(lengths_of(dataset), total_batch, seed)

    def _get_eval_sampler(self, eval_dataset: Dataset | SequenceStore) -> torch.utils.data.Sampler:
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

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        # A weight that is tied to another is saved once, and so is not missing.
        tied = getattr(self.accelerator.unwrap_model(self.model), "all_tied_weights_keys", None) or {}
        load_result.missing_keys[:] = [name for name in load_result.missing_keys if name not in tied]
        self._renamed = bool(load_result.missing_keys and load_result.unexpected_keys)
        if not self._renamed:
            super()._issue_warnings_after_load(load_result)

    def _load_best_model(self) -> None:
        super()._load_best_model()
        self._load_renamed(str(self.state.best_model_checkpoint))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self._load_renamed(resume_from_checkpoint)

    def _load_renamed(self, folder: str) -> None:
        """Loads a checkpoint whose weights have other names than in memory: transformers saves some architectures
        under the names of an earlier version, and Trainer, unlike `from_pretrained`, does not know them."""
        if self._renamed:
            model = self.accelerator.unwrap_model(self.model)
            saved = type(model).from_pretrained(folder, config=model.config, dtype=model.dtype)
            model.load_state_dict(saved.state_dict())
            self._renamed = False

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        """As [`~transformers.Trainer.save_model`]."""
        self.flush_embeddings()
        super().save_model(*args, **kwargs)

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """As [`~transformers.Trainer.evaluate`]; where the metric that chooses the checkpoint is undefined on this
        data (a correlation with constant predictions), it counts as the worst there is."""
        self.flush_embeddings()
        metrics = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        # Of several data sets, each is evaluated under a prefix of its own, and all of them are known at the end.
        if self.args.metric_for_best_model and metric_key_prefix == "eval":
            name = f"eval_{self.args.metric_for_best_model.removeprefix('eval_')}"
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

    def write(self, dataset: Dataset, metric_key_prefix: str = "test") -> "Written":
        """Lets the model write an answer to each example, and compares them with what is right.

        Args:
            dataset (`datasets.Dataset`): encoded examples.
            metric_key_prefix (`str`, *optional*, defaults to `"test"`): the split; the metrics' names begin with it.

        Returns:
            `Written`: the tokens, their metrics, and the seconds that the writing took.
        """
        self.writing, compute_metrics, self.compute_metrics = True, self.compute_metrics, None
        try:
            output = self.predict(dataset, metric_key_prefix=metric_key_prefix)
        finally:
            self.writing, self.compute_metrics = False, compute_metrics
        metrics = self.task.compute_generated_metrics(np.asarray(output.predictions), metric_key_prefix)
        seconds = (output.metrics or {}).get(f"{metric_key_prefix}_runtime", 0.0)
        named = {f"{metric_key_prefix}_{name}": value for name, value in metrics.items()}
        return Written(np.asarray(output.predictions), named, seconds)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        # Beside the weights Trainer writes all its arguments: secrets and places of the machine do not belong there.
        folder, given = output_dir or self.args.output_dir, dict(vars(self.args))
        vars(self.args).update({name: None for name in given if name.endswith("_token")})
        vars(self.args).update(
            {
                name: relative_name(value)
                for name, value in given.items()
                if isinstance(value, str) and _is_place(value)
            }
        )
        try:
            super()._save(folder, state_dict)
        finally:
            vars(self.args).update(given)

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        # Trainer's own pushes the whole output folder, whatever else lies in it.
        if not self.is_world_process_zero() or self.args.hub_strategy == HubStrategy.END:
            return
        if not self.args.hub_always_push and self.push_in_progress is not None and not self.push_in_progress.is_done():
            return
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        job = push_checkpoint(
            Path(checkpoint_folder),
            str(self.hub_model_id),
            strategy=self.args.hub_strategy,
            token=self.args.hub_token,
            revision=self.args.hub_revision,
        )
        pending: Any = self.push_in_progress
        if pending is None or pending.is_done():
            pending = PushInProgress()
            self.push_in_progress = pending
        pending.jobs.append(job)

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Saves the model and uploads it: only the files that belong to it, where Trainer takes the whole folder.

        Args:
            commit_message (`str`, *optional*, defaults to `"End of training"`): of the commit.
            blocking (`bool`, *optional*, defaults to `True`): the upload is always waited for.
            token (`str`, *optional*): by default `hub_token`.
            revision (`str`, *optional*): by default `hub_revision`.
            private (`bool`, *optional*): by default `hub_private_repo`.
            kwargs: of Trainer's model card; hfseq's is written from the record of the run.

        Returns:
            `str` or `None`: the id of the repository, in the main process.
        """
        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self._finish_current_push()
        folder = Path(str(self.args.output_dir))
        return push_folder(
            folder,
            self.hub_model_id or self.args.hub_model_id or folder.name,
            self.record or {},
            token=token or self.args.hub_token,
            private=self.args.hub_private_repo if private is None else private,
            revision=revision or self.args.hub_revision,
            commit_message=commit_message,
        )

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes hfseq's model card, from the run record; without a record, Trainer's own."""
        if self.record is None:
            super().create_model_card(*args, **kwargs)
        elif self.is_world_process_zero():
            write_model_card(str(self.args.output_dir), self.record, repo_id=self.hub_model_id)


class Written(NamedTuple):
    """What a model wrote.

    Attributes:
        tokens (`np.ndarray` of shape `(examples, length)`): padded with -100.
        metrics (`dict[str, float]`): by name, the split's before it: `"test_chrf"`.
        seconds (`float`): how long the writing took.
    """

    tokens: np.ndarray
    metrics: dict[str, float]
    seconds: float


def _is_place(value: str) -> bool:
    return os.path.isabs(os.path.expanduser(value))


def lengths_of(dataset: Dataset | SequenceStore) -> Sequence[int] | np.ndarray:
    """Length of each example: its `length` column, or else that of its `input_ids`."""
    if isinstance(dataset, SequenceStore):
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
