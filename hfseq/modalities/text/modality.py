"""Texts, and pairs of texts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import TEXT_NAMES, Columns, resolve_columns
from hfseq.modalities.previews import shortened
from hfseq.modalities.text.class_folders import class_folder_notes, read_class_folders
from hfseq.modalities.text.settings import TextSettings
from hfseq.modalities.text.text_columns import with_texts
from hfseq.modalities.token_encoding import check_max_length
from hfseq.modalities.tokens import Tokens
from hfseq.registry import labels_sequences, register_modality


@register_modality
class Text(Tokens):
    """Texts, and pairs of texts, read by a tokenizer."""

    name = "text"
    settings_class = TextSettings
    guess_order = 10
    content = "text"
    has_words = True
    is_source = True
    language_model: ClassVar[str | None] = "running_text"
    in_pipelines = True
    column_names: ClassVar[tuple[str, ...]] = TEXT_NAMES
    trains_tokenizer = True

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads texts to classify in one folder per class: see [`read_class_folders`]."""
        return read_class_folders(path) if labels_sequences(arguments.task) else None

    def reading_notes(self, path: Path, arguments: DataArguments) -> list[str]:
        """See [`class_folder_notes`]."""
        return class_folder_notes(path) if labels_sequences(arguments.task) else []

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """Finds the columns of texts and labels."""
        return resolve_columns(
            column_names,
            text_column=arguments.text_column or arguments.input_column,
            text_pair_column=arguments.text_pair_column,
            label_column=arguments.label_column,
            require_label=require_label,
        )

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """See [`with_texts`]."""
        return with_texts(split, columns, where)

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Any:
        """Not used: the tokenizer depends on the model, see `hfseq.training.checkpoints.build_tokenizer`."""
        raise TypeError("the tokenizer of texts depends on the model")

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """Any model of tokens."""
        return all(getattr(config, name, None) is None for name in ("input_features", "num_channels"))

    def encode(self, splits: DatasetDict, columns: Columns, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """See [`Modality.encode`]. Afterwards, the tokenizer truncates in the same way by itself."""
        check_max_length(arguments.token_limit, processor, pairs=columns.text_pair is not None)
        encoded = super().encode(splits, columns, processor, arguments)
        # Saved with the tokenizer, so that `truncation=True` truncates as in training.
        processor.model_max_length = arguments.token_limit
        processor.truncation_side = "left" if arguments.group(TextSettings).truncation == "tail" else "right"
        return encoded

    def texts_of(
        self, batch: Mapping[str, list], columns: Columns, arguments: DataArguments
    ) -> tuple[list[str], list[str] | None]:
        """The values of the columns of texts."""
        return list(batch[columns.text]), list(batch[columns.text_pair]) if columns.text_pair else None

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """The beginnings of the texts."""
        named = {"text": columns.text, **({"text_pair": columns.text_pair} if columns.text_pair else {})}
        values = [list(map(shortened, rows[column])) for column in named.values()]
        return [dict(zip(named, texts, strict=True)) for texts in zip(*values, strict=True)]

    def tokenizer_texts(self, train: Dataset, columns: Columns) -> Iterable[str]:
        """The texts of the training split."""
        return (text for column in columns.texts for text in train[column])
