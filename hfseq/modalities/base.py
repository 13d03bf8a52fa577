"""Interface of a modality: how raw examples are read, checked, and turned into the inputs of a model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, DatasetDict, Features

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import TRUNCATED_COLUMN, EncodedSplits
from hfseq.data.labels.columns import Columns, resolve_inputs
from hfseq.data.settings import Settings
from hfseq.errors import HfseqError
from hfseq.modalities.previews import shortened

# Part of the cache key of `datasets`. Raise it whenever the encoding of examples changes.
ENCODING_LAYOUT = 1

# For the check of a configuration before its tokenizer exists. transformers warns of ids outside the vocabulary.
_PLACEHOLDER_TOKENS = {
    "vocab_size": 100,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 3,
    "sep_token_id": 4,
}


class ExampleError(HfseqError):
    """One example of a batch cannot be read.

    Args:
        message (`str`): the reason.
        position (`int`): index of the example in the batch.
    """

    def __init__(self, message: str, position: int):
        super().__init__(message, position)
        self.position = position

    def __str__(self) -> str:
        return str(self.args[0])


class Modality(ABC):
    """One kind of sequence: text, DNA, series, ...

    Attributes:
        name (`str`): the value of `--modality`.
        column_names (`tuple[str, ...]`): usual names of the column that holds the examples.
        is_tokens (`bool`): whether the model reads `input_ids`. Otherwise it reads numbers.
        trains_tokenizer (`bool`): whether its processor is a tokenizer that is trained or comes with a checkpoint.
        batch_size (`int`): number of examples that are encoded at once.
        files_in_tables (`bool`): whether a table may name files of this modality, one per row.
        settings_class (`type`, *optional*): dataclass of the settings of this modality.
        array_dimensions (`tuple[int, ...]`): numbers of dimensions that an example has as a NumPy array.
        guess_order (`int`): modalities with a lower number are tried first when hfseq guesses a modality from files.
        presets_like (`str`, *optional*): name of the modality, or the kind of modality, whose presets are used where
            this one has none of its own. `"numeric"` is the kind of those with `input_features`.
        content (`str`): word for the content of an example in messages: "text" or "content".
        has_words (`bool`): whether an example is a text that can be split into words.
        is_sequence (`bool`): whether an example has an axis of time or position; an image has none.
        is_visual (`bool`): whether captioning describes examples of this modality.
        is_source (`bool`): whether sequence-to-sequence models read this modality.
        language_model (`str`, *optional*): how a language model reads it: `"running_text"` joins the examples to one
            stream, `"pieces"` keeps them separate. By default, there are no language models of this modality.
        encoder_model_type (`str`): default architecture of the encoder in an encoder-decoder from scratch.
        pipeline_tags (`dict[str, str]`): tags of the Hub that replace the tag of a task for this modality.
        in_pipelines (`bool`): whether pipelines of transformers read this modality.
    """

    name: ClassVar[str]
    column_names: ClassVar[tuple[str, ...]]
    is_tokens: ClassVar[bool] = False
    trains_tokenizer: ClassVar[bool] = False
    batch_size: ClassVar[int] = 1000
    files_in_tables: ClassVar[bool] = False
    settings_class: ClassVar[type[Settings] | None] = None
    array_dimensions: ClassVar[tuple[int, ...]] = ()
    guess_order: ClassVar[int] = 100
    presets_like: ClassVar[str | None] = None
    content: ClassVar[str] = "content"
    has_words: ClassVar[bool] = False
    is_sequence: ClassVar[bool] = True
    is_visual: ClassVar[bool] = False
    is_source: ClassVar[bool] = False
    language_model: ClassVar[str | None] = None
    encoder_model_type: ClassVar[str] = "hfseq_recurrent"
    pipeline_tags: ClassVar[Mapping[str, str]] = {}
    in_pipelines: ClassVar[bool] = False

    def is_part(self, path: Path) -> bool:
        """Whether the name of a file says that it is an example of this modality, or a part of one such as a frame."""
        return False

    def is_example(self, path: Path) -> bool:
        """Whether a path in a table is an existing example of this modality."""
        return self.is_part(path) and path.is_file()

    def recognizes(self, path: Path) -> bool:
        """Whether a file or folder can only belong to this modality, by its name or its content."""
        return False

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads the splits of a file or folder in a format of this modality. Returns `None` for tables and others."""
        return None

    def reading_notes(self, path: Path, arguments: DataArguments) -> list[str]:
        """Sentences about what [`read_path`] leaves out of an existing file or folder."""
        return []

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Turns the rows of a table into examples of this modality.

        Args:
            split (`datasets.Dataset`): the table.
            path (`Path`, *optional*): the file or folder of the table. Paths in the table are relative to it.
            arguments (`DataArguments`): the settings.
            where (`str`): name of the table in error messages.
            labelled (`bool`, *optional*, defaults to `True`): whether a column may be the label because of its name.
        """
        return split

    def recognizes_column(self, name: str, feature: Any) -> bool:
        """Whether a column of a table in memory can only hold examples of this modality.

        Args:
            name (`str`): the name of the column.
            feature: its feature, as `datasets` describes it.
        """
        return False

    def is_value(self, example: Mapping[str, Any]) -> bool:
        """Whether a mapping is itself a raw example, as `datasets` decodes it, and not a row of a table."""
        return False

    def examples_of_array(self, array: np.ndarray, processor: Any) -> list[Any]:
        """The raw examples in a NumPy array, for a saved model.

        Args:
            array (`np.ndarray`): one example, or several along the first axis.
            processor: the processor of the model.

        Raises:
            HfseqError: the array does not have the shape of an example.
        """
        if array.ndim in self.array_dimensions:
            return [array]
        if array.ndim - 1 in self.array_dimensions:
            return list(array)
        expected = " or ".join(map(str, self.array_dimensions))
        known = f"has {expected} dimensions" if expected else "is not a NumPy array"
        raise HfseqError(f"an example of {self.name} {known}, but this array has the shape {array.shape}")

    def with_roles_of(self, split: Dataset) -> "Modality":
        """This modality with the roles that [`from_table`] found for the columns of a split, for the other splits."""
        return self

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """Finds the columns of inputs and labels."""
        return resolve_inputs(
            column_names,
            self.column_names,
            input_column=arguments.input_column,
            label_column=arguments.label_column,
            require_label=require_label,
        )

    @abstractmethod
    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks the examples of a split, and returns it with input columns of the expected types.

        Raises:
            HfseqError: an example is damaged. The message names the row.
        """

    def augment(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Dataset:
        """The training split, with the additional examples that the settings ask for."""
        return train

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """Short forms of examples for a report.

        Args:
            rows (`datasets.Dataset`): raw examples.
            columns (`Columns`): their input columns.

        Returns:
            `list[dict]`: for each example, `text` (and `text_pair`), `series` of shape `(channels, steps)`, `image` (a
            thumbnail as data URI), or `description`. By default its beginning as text.
        """
        return [{"description": shortened(str(value))} for value in rows[columns.text]]

    @abstractmethod
    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Any:
        """Makes the processor. It is fitted on the training split only."""

    def make_tokenizer(self, arguments: DataArguments, add_cls: bool) -> Any:
        """Makes the tokenizer of a model from scratch, if it needs no training. By default `None`.

        Args:
            arguments (`DataArguments`): the settings.
            add_cls (`bool`): whether the model reads the first token for the whole example, as BERT does.
        """
        return None

    @abstractmethod
    def load_processor(self, source: str, **options: Any) -> Any:
        """Loads the processor that was saved with a model.

        Args:
            source (`str`): folder or Hub id.
            options: `trust_remote_code` and `revision`.
        """

    def for_processor(self, processor: Any) -> "Modality":
        """This modality for the examples of a saved model. The processor may know the columns of the training."""
        return self

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """Whether a saved model reads this modality, if there is no record of its run.

        If several modalities match, the one with the highest `guess_order` is used.

        Args:
            config (`PreTrainedConfig`): the configuration of the model, or of its encoder.
            processor (`Mapping[str, Any]`): the saved settings of its feature extractor, or those of its tokenizer
                with its vocabulary as `vocab`.
        """
        return False

    @abstractmethod
    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """Turns raw examples into the inputs of a model, their `length`, and `was_truncated`.

        Raises:
            ExampleError: an example cannot be read.
        """

    def encoded_features(self, split: Dataset, columns: Columns, processor: Any) -> Features | None:
        """The feature types of the result of [`encode_batch`], if they do not follow from the values."""
        return None

    def encode(self, splits: DatasetDict, columns: Columns, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """Turns splits into the inputs of a model and `length`. Labels and other columns are dropped."""
        features = self.encoded_features(next(iter(splits.values())), columns, processor)
        encoded, shares = {}, {}
        for name, split in splits.items():
            result = split.map(
                self._encode_named,
                batched=True,
                batch_size=self.batch_size,
                with_indices=True,
                fn_kwargs={
                    "name": name,
                    "columns": columns,
                    "processor": processor,
                    "arguments": arguments,
                    "layout": ENCODING_LAYOUT,
                },
                remove_columns=split.column_names,
                features=features,
                num_proc=arguments.preprocessing_num_workers,
                desc=f"Reading {name}",
            )
            shares[name] = sum(result[TRUNCATED_COLUMN]) / max(len(result), 1)
            encoded[name] = result.remove_columns(TRUNCATED_COLUMN)
        return EncodedSplits(DatasetDict(encoded), shares)

    def _encode_named(
        self,
        batch: Mapping[str, list],
        rows: list[int],
        name: str,
        columns: Columns,
        processor: Any,
        arguments: DataArguments,
        layout: int,
    ) -> dict[str, list]:
        try:
            return self.encode_batch(batch, columns, processor, arguments)
        except ExampleError as error:
            raise HfseqError(f"split {name!r}, row {rows[error.position]}: {error}") from error

    def batch_augmentation(self, arguments: DataArguments) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """A function that changes each training batch at random, if the settings ask for one."""
        return None

    @abstractmethod
    def config_values(self, processor: Any) -> dict[str, Any]:
        """Values for the configuration of a model that depend on its inputs."""

    def placeholder_values(self) -> dict[str, Any]:
        """Placeholders of [`config_values`], to check a configuration before there is a processor."""
        return dict(_PLACEHOLDER_TOKENS) if self.is_tokens else {"input_features": 1}

    def tokenizer_texts(self, train: Dataset, columns: Columns) -> Iterable[str]:
        """The texts that a tokenizer is trained on."""
        raise TypeError(f"the processor of {self.name} is not trained on texts")
