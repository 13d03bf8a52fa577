"""Text, and pairs of texts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN, EncodedSplits
from hfseq.data.labels.columns import TEXT_NAMES, Columns, resolve_columns
from hfseq.modalities.base import Modality
from hfseq.modalities.text.class_folders import class_folder_notes, read_class_folders
from hfseq.modalities.text.encoding import check_max_length, encode_texts, with_texts
from hfseq.modalities.text.tokenizers import load_tokenizer
from hfseq.registry import labels_sequences, register_modality

# Names of a configuration's special tokens, beside the padding.
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")


@register_modality
class Text(Modality):
    """Text, read by a tokenizer."""

    name = "text"
    guess_order = 10
    content = "text"
    has_words = True
    is_source = True
    language_model: ClassVar[str | None] = "running_text"
    in_pipelines = True
    column_names: ClassVar[tuple[str, ...]] = TEXT_NAMES
    is_tokens = True
    trains_tokenizer = True

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Texts to classify, in one folder per class: see [`read_class_folders`]."""
        return read_class_folders(path) if labels_sequences(arguments.task) else None

    def notes_on(self, path: Path, arguments: DataArguments) -> list[str]:
        """See [`class_folder_notes`]."""
        return class_folder_notes(path) if labels_sequences(arguments.task) else []

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """Which columns are read."""
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
        """A tokenizer comes from the settings of the model: see `hfseq.training.checkpoints.build_tokenizer`."""
        raise TypeError("the tokenizer of a text belongs to its model")

    def load_processor(self, source: str, **options: Any) -> Any:
        """The tokenizer."""
        return load_tokenizer(source, **options)

    def encode(self, splits: DatasetDict, columns: Columns, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """See [`Modality.encode`]; what the tokenizer cuts by itself is then what was cut here."""
        check_max_length(arguments.token_limit, processor, pairs=columns.text_pair is not None)
        encoded = super().encode(splits, columns, processor, arguments)
        # Kept with the tokenizer, so that whoever asks it to truncate cuts where training did.
        processor.model_max_length = arguments.token_limit
        processor.truncation_side = "left" if arguments.truncation == "tail" else "right"
        return encoded

    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """Token ids: see [`encode_texts`]."""
        pairs = list(batch[columns.text_pair]) if columns.text_pair else None
        encoded, cut = encode_texts(
            list(batch[columns.text]), pairs, processor, arguments.token_limit, arguments.truncation
        )
        lengths = [len(ids) for ids in encoded["input_ids"]]
        return {**encoded, LENGTH_COLUMN: lengths, TRUNCATED_COLUMN: cut}

    def config_values(self, processor: Any) -> dict[str, Any]:
        """Size of the vocabulary, and the special tokens."""
        special = {name: getattr(processor, name) for name in SPECIAL_IDS}
        return {"vocab_size": len(processor), "pad_token_id": processor.pad_token_id, **special}

    def tokenizer_texts(self, train: Dataset, columns: Columns) -> Iterable[str]:
        """The texts of the training split, and nothing else."""
        return (text for column in columns.texts for text in train[column])
