"""Everything that a run needs before its first step: data, tokenizer, task, model."""

import math
from dataclasses import dataclass
from typing import Any

from accelerate import PartialState
from datasets import Dataset, DatasetDict
from transformers import PreTrainedTokenizerBase

from hfseq.data.encoding import encode_splits
from hfseq.data.labelled import LabelledData, load_labelled
from hfseq.errors import HfseqError
from hfseq.tasks import TASKS, SequenceClassification, balanced_class_weights
from hfseq.training.arguments import DataArguments, RunArguments
from hfseq.training.checkpoints import BuiltModel, build_model, build_tokenizer


@dataclass
class PreparedRun:
    """What [`prepare`] made.

    Attributes:
        data (`LabelledData`): the raw data.
        splits (`datasets.DatasetDict`): tokenised, with `labels`.
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer.
        task (`SequenceClassification`): loss and metrics.
        built (`BuiltModel`): the model.
        truncated_share (`dict[str, float]`): by split, the share of examples that were cut.
    """

    data: LabelledData
    splits: DatasetDict
    tokenizer: PreTrainedTokenizerBase
    task: SequenceClassification
    built: BuiltModel
    truncated_share: dict[str, float]


def load_data(arguments: DataArguments) -> LabelledData:
    """Loads and checks the data set that the arguments name."""
    return load_labelled(
        arguments.dataset,
        dataset_config_name=arguments.dataset_config_name,
        revision=arguments.dataset_revision,
        text_column=arguments.text_column,
        text_pair_column=arguments.text_pair_column,
        label_column=arguments.label_column,
        problem_type=arguments.problem_type,
        validation_fraction=arguments.validation_fraction,
        test_fraction=arguments.test_fraction,
        split_seed=arguments.split_seed,
        max_samples={
            "train": arguments.max_train_samples,
            "validation": arguments.max_eval_samples,
            "test": arguments.max_predict_samples,
        },
        cache_dir=arguments.cache_dir,
    )


def prepare(arguments: RunArguments, data: LabelledData) -> PreparedRun:
    """Builds tokenizer, task and model, and tokenises the data.

    Args:
        arguments (`RunArguments`): the settings.
        data (`LabelledData`): from [`load_data`].

    Raises:
        HfseqError: where something in the settings cannot be had or does not fit the data.
    """
    # The first process of several fills the caches, the others read them.
    with PartialState().main_process_first():
        texts = (text for column in data.columns.texts for text in data.splits["train"][column])
        tokenizer = build_tokenizer(arguments.model, arguments.data, texts)
        encoded = encode_splits(
            data.splits,
            data.columns,
            tokenizer,
            max_length=arguments.data.max_length,
            truncation=arguments.data.truncation,
            num_proc=arguments.data.preprocessing_num_workers,
        )
    # Kept with the tokenizer, so that whoever asks it to truncate cuts where training did.
    tokenizer.model_max_length = arguments.data.max_length
    tokenizer.truncation_side = "left" if arguments.data.truncation == "tail" else "right"
    splits = {name: _with_labels(split, data.encoded_labels[name]) for name, split in encoded.splits.items()}
    task = make_task(arguments, data)
    built = build_model(arguments.model, arguments.data, task, tokenizer)
    return PreparedRun(data, DatasetDict(splits), tokenizer, task, built, encoded.truncated_share)


def _with_labels(split: Dataset, labels: list[Any]) -> Dataset:
    return split.add_column("labels", labels)


def make_task(arguments: RunArguments, data: LabelledData) -> SequenceClassification:
    """The task, with the loss that the arguments ask for."""
    return TASKS[arguments.data.task](
        data.labels,
        class_weights=_class_weights(arguments.model.class_weights, data),
        label_smoothing=arguments.training.label_smoothing_factor,
    )


def _class_weights(text: str | None, data: LabelledData) -> tuple[float, ...] | None:
    if text is None:
        return None
    if text == "balanced":
        return balanced_class_weights(data.encoded_labels["train"], data.labels)
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if not weights or not all(0 < weight < math.inf for weight in weights):
        raise HfseqError(f"class_weights must be `balanced` or numbers above 0 such as `1.0,2.5`, not {text!r}")
    return weights
