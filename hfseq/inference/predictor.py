"""A saved model at work: examples in, answers or metrics out."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import EvalPrediction, PreTrainedModel
from transformers.trainer_pt_utils import EvalLoopContainer

from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.batching.bucketing import SortedByLengthSampler
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.padding import PaddingRules
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.labels.columns import Columns
from hfseq.data.splits.names import canonical_split
from hfseq.errors import HfseqError, first_line, nearest
from hfseq.hub import RECORD_NAME
from hfseq.hub.public_record import relative_name
from hfseq.inference.saved_reading import guess_modality, saved_record, training_data, warn_of_changes
from hfseq.modalities import Modality
from hfseq.modalities.rows import apply_limits, read_splits
from hfseq.registry import get_modality, get_task, tasks
from hfseq.tasks import Prediction, SequenceClassification, Task
from hfseq.training.checkpoints import resolve_checkpoint, unreachable
from hfseq.training.engine import check_recurrence_engine
from hfseq.training.loading import check_trained, check_vocabulary, load_config, load_model
from hfseq.training.preparation import load_data
from hfseq.training.reading import parse_mapping
from hfseq.training.record import RunRecord

# A tokenizer without a limit of its own says it reads this much.
_NO_LIMIT = int(1e9)


class Predictor:
    """A saved model with its processor, reading examples as they were read in training.

    Args:
        model (`PreTrainedModel`): the model.
        processor: its processor.
        task (`Task`): what it does.
        arguments (`DataArguments`): how examples are read.
        record (`RunRecord`, *optional*): of the run that made the model.
        trained_on (`str`, *optional*): the data of that run, as `dataset` in its settings.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        processor: Any,
        task: Task,
        arguments: DataArguments,
        record: RunRecord | None = None,
        trained_on: str | None = None,
    ):
        self.model = model.eval()
        self.processor = processor
        self.task = task
        self.arguments = arguments
        self.record = record
        self.trained_on = trained_on
        apply_limits(arguments)

    @classmethod
    def load(
        cls, model: str, *, trust_remote_code: bool = False, revision: str | None = None, device: str | None = None
    ) -> "Predictor":
        """Loads a folder or a Hub id.

        Args:
            model (`str`): folder or id.
            trust_remote_code (`bool`, *optional*, defaults to `False`): whether code that comes with it may run.
            revision (`str`, *optional*): of the Hub id.
            device (`str`, *optional*): by default the GPU where there is one.

        Raises:
            HfseqError: where it cannot be loaded, weights are missing or damaged, or the record of its run is.
        """
        check_recurrence_engine()
        source = resolve_checkpoint(model)
        warn_of_changes(source, model)
        options: dict[str, Any] = {"trust_remote_code": trust_remote_code, "revision": revision or "main"}
        config = load_config(source, model, **options)
        record = saved_record(source, options["revision"])
        task_class = _task_class(config, record)
        try:
            modality = _modality_of(config, record, source, options["revision"])
            processor = task_class.load_processor(modality, source, **options)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _no_processor(model, error) from error
        loaded = load_model(task_class, source, model, **options)
        check_trained(loaded, model, task_class)
        if modality.is_tokens:
            check_vocabulary(inputs_of(processor), loaded.model, model)
        arguments = _arguments_of(record, loaded.model, inputs_of(processor))
        task = task_class.from_saved(loaded.model, processor, arguments, modality.for_processor(inputs_of(processor)))
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        trained_on = training_data(source, record) if record else None
        return cls(loaded.model.to(device), processor, task, arguments, record, trained_on)

    @torch.inference_mode()
    def outputs(self, rows: Mapping[str, list], columns: Columns, batch_size: int = 64) -> list[Any]:
        """What the task keeps of the model's outputs for each raw example, in their order.

        Args:
            rows (`dict[str, list]`): the examples, by column.
            columns (`Columns`): which column is read.
            batch_size (`int`, *optional*, defaults to 64): examples at a time, those of similar length together.
        """
        if not rows[columns.text]:
            return []
        encoded = self.task.encode_rows(rows, columns, self.processor, self.arguments)
        collate = SequenceCollator(self.processor, label_padding=self.task.label_padding)
        main = PaddingRules.from_processor(self.processor).main_input
        order = SortedByLengthSampler([len(row) for row in encoded.get(main) or next(iter(encoded.values()))]).order
        found: list[Any] = [None] * len(order)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            batch = collate([{name: values[row] for name, values in encoded.items()} for row in chosen])
            parts = self._run(batch.to(self.model.device))
            _check_numbers(parts, chosen)
            for position, row in enumerate(chosen):
                found[row] = tuple(part[position] for part in parts) if isinstance(parts, tuple) else parts[position]
        return found

    def _run(self, batch: Any) -> Any:
        if self.task.generates_text:
            return _to_numpy(self.task.generate(self.model, batch))
        return _to_numpy(self.task.predictions_of(self.model(**self.task.model_inputs(self.model, batch)), batch))

    def logits(
        self, texts: Sequence[Any], text_pairs: Sequence[str] | None = None, batch_size: int = 64
    ) -> np.ndarray:
        """The outputs of a classifier, `(len(texts), num_labels)`, in the order of the texts.

        Args:
            texts (`Sequence`): the texts, or whatever else the model reads.
            text_pairs (`Sequence[str]`, *optional*): the second texts.
            batch_size (`int`, *optional*, defaults to 64): texts at a time, those of similar length together.
        """
        if not texts:
            return np.zeros((0, self.model.config.num_labels), dtype=np.float32)
        return np.stack(self.outputs(*_as_rows(texts, text_pairs), batch_size))

    def predict(
        self, texts: Sequence[Any], text_pairs: Sequence[str] | None = None, batch_size: int = 64
    ) -> list[Prediction]:
        """What the model says of each example, in their order. Arguments as in [`logits`]."""
        return self.predict_rows(*_as_rows(texts, text_pairs), batch_size)

    def predict_rows(self, rows: Mapping[str, list], columns: Columns, batch_size: int = 64) -> list[Prediction]:
        """What the model says of each raw example. Arguments as in [`outputs`]."""
        if not rows[columns.text]:
            return []
        return self.task.predictions(self.outputs(rows, columns, batch_size), rows, columns)

    def arguments_for(self, column_names: list[str], **given: Any) -> DataArguments:
        """The settings for a data set: columns as given, else those of the training, else by the usual names."""
        if self.record is not None:
            texts, label = self.record.data.get("text_columns", []), self.record.data.get("label_column")
            is_text = self.task.modality.trains_tokenizer
            known = {
                "text_column" if is_text else "input_column": texts[:1],
                "text_pair_column": texts[1:2],
                "label_column": [label] if label else [],
                "target_column": [target] if (target := self.record.data.get("target_column")) else [],
            }
            for role, names in known.items():
                if not given.get(role) and names and names[0] in column_names:
                    given[role] = names[0]
        named: dict[str, Any] = {role: name for role, name in given.items() if name}
        return dataclasses.replace(self.arguments, **named)

    def columns_of(self, column_names: list[str], require_label: bool = True, **given: str | None) -> Columns:
        """The columns to read of a data set."""
        arguments = self.arguments_for(column_names, **given)
        if not require_label and arguments.label_column not in column_names:
            arguments = dataclasses.replace(arguments, label_column=None)
        return self.task.resolve(column_names, arguments, require_label)

    def read_rows(self, source: str, **columns: str | None) -> tuple[Dataset, Columns]:
        """Examples to predict from, read as those of the training were, and where their inputs stand.

        Args:
            source (`str`): a table, or a file or folder of the task's or the modality's own kind.
            columns: `text_column`, `text_pair_column`, `input_column`.

        Raises:
            HfseqError: where it cannot be had, has several splits, lacks a column, or a row is damaged.
        """
        self.task.check_columns(columns)
        # As it stands in the table: the setting may differ from that in its case.
        label = (self.record.data.get("label_column") if self.record else None) or self.arguments.label_column
        ignored = [*(self.arguments.get("ignore_columns") or []), *([label] if label else [])]
        changes: dict[str, Any] = {
            "dataset": source,
            "dataset_config_name": None,
            "dataset_revision": None,
            # Data to predict from needs no labels.
            "label_column": None,
            "target_column": None,
            # In a table with one row per step, a column of labels is not a channel.
            "ignore_columns": list(dict.fromkeys(ignored)),
        }
        arguments = dataclasses.replace(self.arguments, **changes)
        splits = read_splits(source, arguments, self.task.modality, *self.task.readers, labelled=False)
        if len(splits) > 1:
            raise HfseqError(f"{source} has the splits {', '.join(splits)}; name the file of one of them")
        rows = self.task.prepared_rows(next(iter(splits.values())), arguments, source)
        found = self.columns_of(rows.column_names, require_label=False, **columns)
        return self.task.check_rows(rows, found, source), found

    def evaluate(
        self,
        dataset: str | None = None,
        split: str | None = None,
        *,
        batch_size: int = 64,
        cache_dir: str | None = None,
        **columns: Any,
    ) -> dict[str, float]:
        """Metrics on one split of a data set.

        Args:
            dataset (`str`, *optional*): see [`load_source`]. By default the data that the model was trained with, cut
                into the same splits as then.
            split (`str`, *optional*): which split; by default `test`, or the only one there is.
            batch_size (`int`, *optional*, defaults to 64): texts at a time.
            cache_dir (`str`, *optional*): datasets' cache.
            columns: `text_column`, `text_pair_column`, `label_column`, `input_column`, `target_column`; of other data
                than that of the training also `id_column`, `time_column`, `time_format`, `ignore_columns`,
                `source_language` and `target_language`.

        Raises:
            HfseqError: where the data cannot be had, or the split, a column or a label is unknown.
        """
        self.task.check_columns(columns)
        if dataset is None and self.trained_on is None:
            raise HfseqError("name the data with --dataset: this model does not say what it was trained on")
        known = self._splits_of_the_training(dataset, cache_dir)
        if known is not None:
            splits: Mapping[str, Dataset] = known
            dataset = str(dataset or self.trained_on)
        else:
            # Some files are read by their columns.
            named: dict[str, Any] = {role: name for role, name in columns.items() if name}
            given = dataclasses.replace(
                self.arguments, cache_dir=cache_dir, dataset_config_name=None, dataset_revision=None, **named
            )
            splits = read_splits(str(dataset), given, self.task.modality, *self.task.readers)
        if split is None:
            split = "test" if len(splits) > 1 else next(iter(splits))
        if split not in splits:
            split = canonical_split(split) or split  # `dev` for `validation`
        if split not in splits:
            raise HfseqError(f"{dataset!r} has no split {split!r}: {nearest(split, splits)}")
        where = f"split {split!r} of {dataset!r}"
        arguments = self.arguments_for(splits[split].column_names, **columns)
        data = self.task.read_split(splits[split], arguments, where)
        encoded = self.task.encode(data, self.processor, arguments).splits["test"]
        return self._metrics(encoded, batch_size)

    @torch.inference_mode()
    def _metrics(self, encoded: Dataset, batch_size: int) -> dict[str, float]:
        collate = SequenceCollator(self.processor, label_padding=self.task.label_padding)
        kept = [EvalLoopContainer(do_nested_concat=True, padding_index=-100) for _ in range(3)]
        order = SortedByLengthSampler(encoded[LENGTH_COLUMN]).order
        for start in range(0, len(order), batch_size):
            batch = collate([encoded[int(row)] for row in order[start : start + batch_size]]).to(self.model.device)
            outputs = self.model(**self.task.model_inputs(self.model, batch))
            predictions = self.task.predictions_of(outputs, batch)
            _check_numbers(_to_numpy(predictions), order[start : start + batch_size])
            kept[0].add(predictions)
            kept[1].add(self.task.labels_of(batch))
            if self.task.generates_text:
                kept[2].add(self.task.generate(self.model, batch))
        predictions, labels, written = (container.get_arrays() for container in kept)
        metrics = self.task.compute_metrics(EvalPrediction(predictions, labels))
        if self.task.generates_text:
            # What it is compared with stands in the order of the data set.
            metrics |= self.task.compute_generated_metrics(written[np.argsort(order)], "test")
        return metrics

    def _splits_of_the_training(self, dataset: str | None, cache_dir: str | None) -> Mapping[str, Dataset] | None:
        """The splits that the model was trained, validated and tested on, those that were cut then among them.

        Args:
            dataset (`str`, *optional*): what to evaluate on; by default the data of the training.
            cache_dir (`str`, *optional*): datasets' cache.

        Returns:
            `dict` or `None`: `None` where the data is not that of the training.

        Raises:
            HfseqError: the data of the training has changed, or is not where it was.
        """
        if self.record is None or self.trained_on is None:
            return None
        place = self.trained_on if dataset is None else dataset
        same = dataset is None or _is_same(dataset, self.trained_on)
        # The same file may lie elsewhere now; what is in it tells.
        if not same and relative_name(os.path.abspath(place)) != relative_name(os.path.abspath(self.trained_on)):
            return None
        if dataset is None and self.trained_on.startswith("./") and not Path(self.trained_on).exists():
            raise HfseqError(
                f"the data that this model was trained on, {self.trained_on[2:]!r}, is not in this folder: name it "
                "with --dataset"
            )
        try:
            data = load_data(dataclasses.replace(self.arguments, dataset=place, cache_dir=cache_dir))
        except HfseqError:
            if same:
                raise
            return None  # a data set of the same name, for which the message comes when it is read
        if data.fingerprint == self.record.data.get("fingerprint"):
            return data.splits
        if not same:
            return None
        raise HfseqError(
            f"{place!r} has changed since the model was trained on it, so its splits cannot be told any more; give "
            "the file to evaluate on with --dataset, under another name"
        )


def _is_same(dataset: str, trained_on: str) -> bool:
    """Whether two names are of one data set: paths may be written in several ways."""
    if dataset == trained_on:
        return True
    given, known = Path(dataset).expanduser(), Path(trained_on).expanduser()
    return given.exists() and known.exists() and given.resolve() == known.resolve()


def _task_class(config: Any, record: RunRecord | None) -> type[Task]:
    if record is not None:
        return get_task(record.task)
    return next((task for task in tasks().values() if task.matches(config)), SequenceClassification)


def _modality_of(config: Any, record: RunRecord | None, source: str, revision: str) -> Modality:
    if record is None:
        return get_modality(guess_modality(config, source, revision))
    name = record.data.get("modality", "text")
    return get_modality(name)


def _no_processor(name: str, error: Exception) -> HfseqError:
    if isinstance(error, HfseqError) or not Path(name).expanduser().is_dir():
        return unreachable("model", name, error)
    return HfseqError(
        f"the folder {name} has no usable processor ({first_line(error)}). Copy the files of the processor that the "
        "model was trained with into it, such as tokenizer.json or preprocessor_config.json"
    )


def _arguments_of(record: RunRecord | None, model: PreTrainedModel, processor: Any) -> DataArguments:
    """How examples were read in training, as far as the record or the processor tells."""
    names = data_settings()
    given = {key: value for key, value in record.config.items() if key in names} if record else {}
    known = parse_mapping(given, where=f"the settings in {RECORD_NAME}")
    if hasattr(processor, "model_max_length"):
        positions = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
        trained = (record.data.get("max_length") if record else None) or _NO_LIMIT
        known["max_length"] = min(processor.model_max_length, positions, trained, _NO_LIMIT)
        side = "tail" if processor.truncation_side == "left" else "head"
        known["truncation"] = (record.data.get("truncation") if record else None) or side
    return DataArguments(**known)


def _as_rows(texts: Sequence[Any], text_pairs: Sequence[str] | None) -> tuple[dict[str, list], Columns]:
    rows = {"text": list(texts)}
    if text_pairs is None:
        return rows, Columns("text")
    return {**rows, "text_pair": list(text_pairs)}, Columns("text", "text_pair")


def _check_numbers(values: Any, rows: Sequence[int] | np.ndarray) -> None:
    """
    Raises:
        HfseqError: where the outputs for an example are not numbers, which would become a label like any other.
    """
    for part in values if isinstance(values, tuple) else (values,):
        if np.issubdtype(part.dtype, np.floating):
            wrong = ~np.isfinite(part).reshape(len(part), -1).all(axis=1)
            if wrong.any():
                raise HfseqError(
                    f"the model gives NaN or infinity for example {rows[int(wrong.argmax())] + 1}: its weights are "
                    "damaged, or the numbers of that example are too large for it"
                )


def _to_numpy(values: Any) -> Any:
    if isinstance(values, tuple):
        return tuple(_to_numpy(value) for value in values)
    return (values.float() if values.dtype == torch.bfloat16 else values).cpu().numpy()
