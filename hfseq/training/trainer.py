"""[`SequenceTrainer`]: Trainer for sequences of different lengths. All overridden methods are in this one class."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import BatchEncoding, Trainer, TrainingArguments
from transformers.trainer_pt_utils import nested_detach
from transformers.trainer_utils import EvalLoopOutput, PredictionOutput
from transformers.utils import logging

from hfseq.data.batching.bucketing import SortedByLengthSampler
from hfseq.data.batching.collation import SequenceCollator
from hfseq.errors import HfseqError
from hfseq.hub.model_card import write_model_card
from hfseq.tasks import Task
from hfseq.training.generated_output import GeneratedOutput, generate_outputs
from hfseq.training.lazy_adamw import DenseGradients, LazyAdamW
from hfseq.training.lazy_choice import why_not_lazy
from hfseq.training.mean_loss import MeanLoss, own_loss
from hfseq.training.run_checkpoints import CheckpointKeeper, kept_by, sealed_checkpoint
from hfseq.training.sampling import example_lengths, length_bucket_sampler, main_input_name, reorder
from hfseq.training.saving import (
    has_renamed_weights,
    load_renamed_weights,
    public_arguments,
    push_checkpoint_in_background,
    push_output_dir,
)
from hfseq.training.store_cache import StoreCache
from hfseq.training.task_by_name import task_by_name

logger = logging.get_logger(__name__)


class SequenceTrainer(Trainer):
    """[`~transformers.Trainer`] for sequences of different lengths, with the loss and the metrics of a task.

    It differs from Trainer as follows:

    - Training batches hold sequences of similar length, which saves padding. Their order depends only on the seed and
      the epoch: an interrupted training continues exactly, and several processes see the batches of one.
    - Batches are cut from a [`SequenceStore`], which is faster than a collator. With a collator of your own, or for
      data that a store cannot hold, examples are collated as usual.
    - The loss is the loss of the task, not that of the model. It is the same with gradient accumulation and on several
      processes. The loss of an evaluation is the mean over all items (examples or tokens), not over batches.
    - [`predict`] returns rows in the order of the data set.
    - With [`SequenceTrainingArguments`], input embeddings are updated by [`LazyAdamW`] where the result is the same.
    - Uploads to the Hub contain the files of the model only.

    Args:
        model (`PreTrainedModel`, *optional*): the model, with a head for the task.
        args (`TrainingArguments`, *optional*): the settings; [`SequenceTrainingArguments`] or those of transformers.
        data_collator (`Callable`, *optional*): by default a [`SequenceCollator`], which pads each batch to its longest
            sequence.
        train_dataset (`datasets.Dataset`, *optional*): encoded examples: the columns that the model reads, `labels`,
            and optionally `length`.
        eval_dataset (`datasets.Dataset` or `dict[str, datasets.Dataset]`, *optional*): encoded examples.
        processing_class (*optional*): the processor of the model. It pads the batches and is saved with the model.
        task (`str` or `Task`): the name of a task, such as `"sequence_classification"`, or a task that was made for
            some data. With a name, the labels are those of `model.config`.
        compute_metrics (`Callable[[EvalPrediction], dict]`, *optional*): by default the metrics of the task.
        kwargs: the other arguments of Trainer.

    Attributes:
        keeper (`CheckpointKeeper`, *optional*): deletes old checkpoints; by default Trainer does.
        record (`dict`, *optional*): the record of the run, from which the model card is written.

    Raises:
        HfseqError: there is no task of this name, or neither `processing_class` nor `data_collator` is given.

    Example:

    ```py
    >>> from datasets import Dataset
    >>> from transformers import TrainingArguments

    >>> from hfseq import RecurrentConfig, RecurrentForSequenceClassification, SequenceTrainer
    >>> from hfseq.modalities.text.tokenizers import train_tokenizer

    >>> texts = ["a lovely film", "dull", "what a great and sunny day", "poor"] * 8
    >>> tokenizer = train_tokenizer("word", texts, vocab_size=100)
    >>> dataset = Dataset.from_dict({"text": texts, "labels": [1, 0, 1, 0] * 8})
    >>> dataset = dataset.map(lambda batch: tokenizer(batch["text"]), batched=True)
    >>> config = RecurrentConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, num_labels=2)

    >>> trainer = SequenceTrainer(
    ...     model=RecurrentForSequenceClassification(config),
    ...     args=TrainingArguments("film-lstm", max_steps=20, learning_rate=0.02, report_to="none"),
    ...     train_dataset=dataset,
    ...     eval_dataset=dataset,
    ...     processing_class=tokenizer,
    ...     task="sequence_classification",
    ... )
    >>> trainer.train()
    >>> trainer.evaluate()["eval_accuracy"]
    1.0

    ```
    """

    def __init__(
        self,
        model: Any = None,
        args: TrainingArguments | None = None,
        data_collator: Any = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        *,
        task: str | Task,
        compute_metrics: Callable[[Any], dict[str, float]] | None = None,
        **kwargs: Any,
    ):
        if isinstance(task, str):
            if model is None:
                raise HfseqError("a task by name needs a model: its configuration has the labels")
            task = task_by_name(task, model, processing_class, args.label_smoothing_factor if args else 0.0)
        if data_collator is None:
            if processing_class is None:
                raise HfseqError("SequenceTrainer needs processing_class to pad batches, or a data_collator")
            data_collator = SequenceCollator(processing_class, label_padding=task.label_padding)
        self.task = task
        self.keeper: CheckpointKeeper | None = None
        self.record: dict[str, Any] | None = None
        self.is_generating = False
        self._stores = StoreCache()
        self._lazy_optimizer: LazyAdamW | None = None
        self._mean_loss = MeanLoss()
        self._has_renamed_weights = False
        super().__init__(
            model,
            args,
            data_collator,
            train_dataset,
            eval_dataset,
            processing_class,
            compute_metrics=compute_metrics or task.compute_metrics,
            **kwargs,
        )
        # The loss of the task is divided by the items of all batches of a step.
        self.loss_is_scaled_for_ga = True

    # Data and sampling.

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: Any = self._signature_columns
        self._signature_columns = columns + [name for name in self.task.batch_columns if name not in columns]

    def _remove_unused_columns(self, dataset: Dataset, description: str | None = None) -> Dataset:
        # The transform of a data set makes the columns that the model reads from others.
        return dataset if dataset.format["type"] == "custom" else super()._remove_unused_columns(dataset, description)

    def _get_dataloader(
        self, dataset: Any, *args: Any, is_training: bool = False, **kwargs: Any
    ) -> torch.utils.data.DataLoader:
        drop_last, kwargs["is_training"] = self.args.dataloader_drop_last, is_training
        # An evaluation covers all examples.
        self.args.dataloader_drop_last = drop_last and is_training
        try:
            return super()._get_dataloader(self._batch_source(dataset), *args, **kwargs)
        finally:
            self.args.dataloader_drop_last = drop_last

    def _batch_source(self, dataset: Any) -> Any:
        """The sequence store of a data set, or the data set itself where it has no store."""
        if not isinstance(dataset, Dataset):
            return dataset
        # A store makes the batches of this collator, not those of others, or of its subclasses.
        if type(self.data_collator) is SequenceCollator:
            store = self._stores.get(dataset, self.data_collator, self._remove_unused_columns)
            if store is not None:
                return store
        return self._remove_unused_columns(dataset)

    def _get_collator_with_removed_columns(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        # Trainer asks for this collator where the data set is not a datasets.Dataset, and so for a sequence store.
        return partial(_collate_unless_batched, super()._get_collator_with_removed_columns(*args, **kwargs))

    def _lengths(self, dataset: Any) -> Any:
        return example_lengths(dataset, main_input_name(self.processing_class))

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler | None:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        lengths = self._lengths(dataset)
        return super()._get_train_sampler(dataset) if lengths is None else length_bucket_sampler(lengths, self.args)

    def _get_eval_sampler(self, eval_dataset: Any) -> torch.utils.data.Sampler | None:
        lengths = self._lengths(eval_dataset)
        return super()._get_eval_sampler(eval_dataset) if lengths is None else SortedByLengthSampler(lengths)

    # Loss and optimizer.

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of the task for a batch, and the outputs of the model if `return_outputs` is true."""
        outputs = model(**self.task.model_inputs(self.accelerator.unwrap_model(model), inputs))
        loss = self.task.loss(outputs, inputs, num_items_in_batch)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # Each process divides by the items of all processes, and then their gradients are averaged.
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> Any:
        if not batch_samples:
            return None
        items = torch.stack([self.task.count_items(batch) for batch in batch_samples]).sum()
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            items = self.accelerator.gather(items.to(device)).sum()
        return items.to(device)

    @staticmethod
    def get_optimizer_cls_and_kwargs(args: TrainingArguments, model: Any = None) -> tuple[Any, Any]:
        """The optimizer that the arguments choose; [`LazyAdamW`] instead of AdamW where the result is the same."""
        optimizer_cls, kwargs = Trainer.get_optimizer_cls_and_kwargs(args, model)
        reason = why_not_lazy(args, model)
        if reason is None:
            return LazyAdamW, {**kwargs, "fused": True, "lazy": [model.get_input_embeddings()]}
        logger.info(f"Each step updates all rows of the input embeddings: {reason}")
        return optimizer_cls, kwargs

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The optimizer. In a second training, lazy embeddings are made lazy again."""
        optimizer = super().create_optimizer(model)
        inner = getattr(optimizer, "optimizer", optimizer)  # accelerate has wrapped the optimizer of a first training
        self._lazy_optimizer = inner if isinstance(inner, LazyAdamW) else None
        if self._lazy_optimizer is not None:
            self._lazy_optimizer.attach()
        return optimizer

    def flush_embeddings(self) -> None:
        """Brings the input embeddings up to date, for callbacks that read their weight during a training."""
        if self._lazy_optimizer is not None:
            self._lazy_optimizer.flush()

    def _clip_grad_norm(self, model: Any) -> Any:
        return super()._clip_grad_norm(model if self._lazy_optimizer is None else DenseGradients(model))

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        return super()._get_grad_norm(model if self._lazy_optimizer is None else DenseGradients(model), grad_norm)

    # Evaluation and prediction.

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Metrics of one or several data sets: see [`~transformers.Trainer.evaluate`].

        A metric of the task that chooses the best checkpoint may be undefined, such as a correlation with constant
        predictions. It then has the worst possible value.
        """
        self.flush_embeddings()
        metrics = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        metric = (self.args.metric_for_best_model or "").removeprefix("eval_")
        # Each of several data sets has a prefix of its own; the metric may be that of one of them.
        if metric in ("loss", *self.task.metric_names) and metric_key_prefix == "eval":
            metrics.setdefault(f"eval_{metric}", -math.inf if self.args.greater_is_better else math.inf)
        return metrics

    def evaluation_loop(
        self,
        dataloader: torch.utils.data.DataLoader,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """See [`~transformers.Trainer.evaluation_loop`]. The loss is the mean over all items, so it does not depend on
        the batch size and the number of processes."""
        self._mean_loss = MeanLoss(skip_infinite=self.args.logging_nan_inf_filter)
        output = super().evaluation_loop(
            dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix=metric_key_prefix
        )
        mean = self._mean_loss.gathered()
        if mean is not None and output.metrics is not None:
            output.metrics[f"{metric_key_prefix}_loss"] = mean
        return output

    def prediction_step(
        self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: list[str] | None = None
    ) -> tuple[Any, Any, Any]:
        """The loss of a batch, the outputs that the metrics of the task read, and the labels."""
        inputs = self._prepare_inputs(inputs)
        labels = self.task.labels_of(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            if self.is_generating:
                return None, self.task.generate(self.accelerator.unwrap_model(model), inputs), labels
            loss, outputs = self.compute_loss(model, inputs, return_outputs=True)
        loss = loss.detach().mean()
        self._mean_loss.add(*own_loss(self, inputs, loss))
        if prediction_loss_only:
            return loss, None, None
        return loss, nested_detach(self.task.predictions_of(outputs, inputs)), labels

    def predict(
        self, test_dataset: Any, ignore_keys: list[str] | None = None, metric_key_prefix: str = "test"
    ) -> PredictionOutput:
        """Predictions, labels and metrics of a data set, with rows in its order: see
        [`~transformers.Trainer.predict`]."""
        self.flush_embeddings()
        output = super().predict(test_dataset, ignore_keys, metric_key_prefix)
        lengths = self._lengths(self._batch_source(test_dataset))
        if lengths is None:
            return output
        positions = np.argsort(SortedByLengthSampler(lengths).order)
        return PredictionOutput(
            reorder(output.predictions, positions), reorder(output.label_ids, positions), output.metrics
        )

    def predict_with_generate(self, dataset: Any, metric_key_prefix: str = "test") -> GeneratedOutput:
        """Generates an output for each example, such as a translation, and compares it with the references.

        Args:
            dataset (`datasets.Dataset`): encoded examples.
            metric_key_prefix (`str`, *optional*, defaults to `"test"`): name of the split. It begins the names of the
                metrics, and the task finds its reference texts by it. By default, the labels are the references.

        Raises:
            HfseqError: the task generates nothing.
        """
        return generate_outputs(self, dataset, metric_key_prefix)

    # Training, checkpoints and the Hub.

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Trains the model: see [`~transformers.Trainer.train`]."""
        try:
            with kept_by(self.keeper, self):
                return super().train(*args, **kwargs)
        finally:
            if self._lazy_optimizer is not None:
                self._lazy_optimizer.detach()

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with sealed_checkpoint(self.keeper, self):
            super()._save_checkpoint(model, trial)

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        """Saves the model with its processor: see [`~transformers.Trainer.save_model`]."""
        self.flush_embeddings()
        super().save_model(*args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = output_dir or self.args.output_dir
        with public_arguments(self.args):
            super()._save(folder, state_dict)

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        self._has_renamed_weights = has_renamed_weights(load_result, self.accelerator.unwrap_model(self.model))
        if not self._has_renamed_weights:
            super()._issue_warnings_after_load(load_result)

    def _load_best_model(self) -> None:
        super()._load_best_model()
        self._load_if_renamed(str(self.state.best_model_checkpoint))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self._load_if_renamed(resume_from_checkpoint)

    def _load_if_renamed(self, folder: str) -> None:
        if self._has_renamed_weights:
            load_renamed_weights(self.accelerator.unwrap_model(self.model), folder)
            self._has_renamed_weights = False

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        # Trainer would push the whole output folder.
        push_checkpoint_in_background(self, checkpoint_folder)

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Saves the model and uploads its files. Trainer would upload the whole output folder.

        Args:
            commit_message (`str`, *optional*, defaults to `"End of training"`): message of the commit.
            blocking (`bool`, *optional*, defaults to `True`): has no effect: the method waits for the upload.
            token (`str`, *optional*): by default `hub_token`.
            revision (`str`, *optional*): by default `hub_revision`.
            private (`bool`, *optional*): by default `hub_private_repo`.
            kwargs: arguments of Trainer's model card, which have no effect on that of hfseq.

        Returns:
            `str` or `None`: the id of the repository, in the main process.
        """
        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self._finish_current_push()
        return push_output_dir(self, commit_message, token, revision, private)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes the model card of hfseq from the record of the run; without a record, that of Trainer."""
        if self.record is None:
            super().create_model_card(*args, **kwargs)
        elif self.is_world_process_zero():
            write_model_card(str(self.args.output_dir), self.record, repo_id=self.hub_model_id)


def _collate_unless_batched(collate: Callable[[Any], Any], batch: Any) -> Any:
    """A sequence store gives finished batches; other data sets give lists of examples."""
    return batch if isinstance(batch, BatchEncoding) else collate(batch)
