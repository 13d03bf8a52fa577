"""Texts for a language model: documents are joined to one stream, which is split into blocks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import TEXT_NAMES, Columns, find_column
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.modalities import Modality
from hfseq.modalities.rows import load_rows
from hfseq.modalities.text.files import read_text_files
from hfseq.modalities.token_encoding import check_max_length
from hfseq.tasks.causal_lm.content import LanguageContent
from hfseq.tasks.causal_lm.ordered_splits import is_single_document, limit_running_text, split_in_order
from hfseq.tasks.causal_lm.rows import (
    UNITS_COLUMN,
    join_documents,
    split_into_blocks,
    split_long_texts,
    tokenize_documents,
)
from hfseq.tasks.causal_lm.settings import CausalLMSettings
from hfseq.tasks.causal_lm.text_beginnings import tokenize_beginnings
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source

# Number and length of test excerpts that check whether the tokenizer preserves texts, and tolerated share of changes.
# Texts of fewer documents are cut into this number of parts, which are nearly independent.
_FEWEST_DOCUMENTS, _PARTS = 30, 50
_EXCERPTS, _EXCERPT_LENGTH, _TOLERATED = 200, 200, 0.05


def read_text_path(path: Any, arguments: DataArguments) -> DatasetDict | None:
    """See [`read_text_files`]."""
    return read_text_files(path)


class RunningText(LanguageContent):
    """Documents in the order of the data, separated by the end-of-text token.

    The stream is split into blocks that overlap by one token: the first token of a block is the last token of the
    previous block. Every token but the first of the stream is predicted exactly once. Blocks are independent: a model
    does not see the text before a block.
    """

    metric = "bits_per_character"
    default_new_tokens = 200

    def load(self, arguments: DataArguments, modality: Modality) -> TaskData:
        """Loads documents. Missing splits are taken from the end of a single document, otherwise from the documents.

        Raises:
            HfseqError: if the data cannot be loaded, or is too small.
        """
        dataset = arguments.dataset
        splits = load_rows(arguments, modality, read_text_path)
        columns = self.resolve(splits["train"].column_names, arguments, modality)
        for name, split in splits.items():
            checked = modality.check(split, columns, f"split {name!r} of {dataset!r}")
            splits[name] = checked.select_columns(columns.texts)
        notes: list[str] = []
        if is_single_document(splits):
            _check_single_document(arguments)
            splits, notes = split_in_order(splits, columns.text, arguments)
        given = [limit for limit in (arguments.max_train_samples, arguments.train_size) if limit is not None]
        is_single = len(splits["train"]) == 1
        limits = {
            "train": min(given, default=None),
            "validation": arguments.max_eval_samples,
            "test": arguments.max_predict_samples,
        }
        for name in splits:
            splits[name] = limit_running_text(splits[name], columns.text, limits[name])
        # The beginning of a single document has been taken above.
        counted = replace(arguments, train_size=None) if is_single else arguments
        splits, cuts = cut_splits(splits, columns, counted)
        characters = sum(map(len, splits["train"][columns.text]))
        return TaskData(
            splits,
            modality,
            columns,
            fingerprint=fingerprint_splits(splits, columns.texts),
            description=describe_source(dataset, f"{characters:,} characters to learn from"),
            notes=notes + cuts + overlap_notes(splits, columns.texts),
        )

    def resolve(self, column_names: list[str], arguments: DataArguments, modality: Modality) -> Columns:
        """The column of the text. Labels and second texts are not read."""
        given = arguments.text_column or arguments.input_column
        return Columns(str(find_column(column_names, given, TEXT_NAMES, "text")))

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: Callable[..., Any]) -> Any:
        """The tokenizer of the checkpoint, or a new one, by default of characters."""
        texts = split_long_texts(text for text in data.splits["train"][data.columns.text])
        return prepare_tokenizer(make_tokenizer(texts, kind="character"))

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """Blocks of `max_length` tokens. For validation and test, `eval_max_length` takes precedence if it is set.

        Raises:
            HfseqError: if a block is longer than the model can read, or a split has nothing to predict.
        """
        longest = self.max_tokens(processor, arguments)
        check_max_length(longest, processor)
        blocks = {}
        for name, split in data.splits.items():
            documents = tokenize_documents(list(split[data.columns.text]), processor, end_of_text(processor))
            longer = arguments.group(CausalLMSettings).eval_max_length
            length = arguments.token_limit if name == "train" else longer or arguments.token_limit
            blocks[name] = split_into_blocks(join_documents(documents), length, f"the {name} split")
        # Saved with the tokenizer, so that it truncates as in training.
        processor.model_max_length = longest
        note = _lossy_tokenizer_note(data.splits["test"], data.columns, processor)
        if note is not None and note not in data.notes:
            data.notes.append(note)
        return EncodedSplits(DatasetDict(blocks), dict.fromkeys(blocks, 0.0))

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The first block of each text."""
        length = self.max_tokens(processor, arguments)
        documents = tokenize_beginnings(list(rows[columns.text]), processor, end_of_text(processor), length)
        return {
            "input_ids": [document.tokens.tolist() for document in documents],
            UNITS_COLUMN: [[float(document.units[1:].sum())] for document in documents],
        }

    def groups(self, encoded: Dataset, processor: Any) -> np.ndarray | None:
        """The document of each block; of few long documents, parts of them of several blocks."""
        end = end_of_text(processor)
        starts = [np.count_nonzero(np.asarray(row[1:]) == end) for row in encoded["input_ids"]]
        documents = np.cumsum([0, *starts[:-1]])  # of the first token of each block
        if documents[-1] + 1 >= _FEWEST_DOCUMENTS:
            return documents
        return np.arange(len(encoded)) * _PARTS // max(len(encoded), _PARTS)

    def max_tokens(self, processor: Any, arguments: DataArguments) -> int:
        """Maximum number of tokens per block."""
        return max(arguments.token_limit, arguments.group(CausalLMSettings).eval_max_length or 0)


def _check_single_document(arguments: DataArguments) -> None:
    """
    Raises:
        HfseqError: a setting distributes documents over the splits, but there is only one.
    """
    for name in ("num_folds", "resplit", "group_column"):
        if arguments.get(name):
            raise HfseqError(
                f"{name} distributes documents over the splits, but {arguments.dataset!r} is a single document, which "
                "is split in its order: leave it out, or use a table with one document per row"
            )


def end_of_text(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token between two documents.

    Raises:
        HfseqError: if the tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise HfseqError(
            "this tokenizer has no token for the end of a text (eos_token or sep_token): use another tokenizer, for "
            "example --tokenizer_name character"
        )
    return tokenizer.eos_token_id


def prepare_tokenizer(tokenizer: Any) -> Any:
    """Adapts the tokenizer of a classifier to a language model.

    The separator becomes the beginning and the end token of texts. It is added before a text, so that the model can
    continue the text, and not after it.

    Args:
        tokenizer (`PreTrainedTokenizerBase`): is changed in place, unless it has an end-of-text token.

    Raises:
        HfseqError: if the tokenizer has neither an end-of-text token nor a separator.
    """
    if tokenizer.eos_token_id is not None:
        return tokenizer
    separator = tokenizer.sep_token
    tokenizer.eos_token = tokenizer.bos_token = separator
    number = end_of_text(tokenizer)
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single=f"{separator} $A",
            pair=f"{separator} $A {separator}:1 $B:1",
            special_tokens=[(separator, number)],
        )
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def _lossy_tokenizer_note(split: Dataset, columns: Columns, tokenizer: Any) -> str | None:
    """A note on a tokenizer that loses case, spaces or unknown words, so that there is less to predict."""
    texts = [text for text in split[columns.text] if text]
    step = max(sum(map(len, texts)) // _EXCERPTS, _EXCERPT_LENGTH)
    excerpts = [text[at : at + _EXCERPT_LENGTH] for text in texts for at in range(0, len(text), step)][:_EXCERPTS]
    ids = tokenizer(excerpts, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
    back = [tokenizer.decode(row, clean_up_tokenization_spaces=False) for row in ids]
    changed = sum(text != excerpt for text, excerpt in zip(back, excerpts, strict=True))
    if changed <= _TOLERATED * len(excerpts):
        return None
    return (
        "the tokenizer does not preserve texts (case, spaces or unknown words are lost), so bits_per_character is "
        "lower than for a model that predicts the full text"
    )
