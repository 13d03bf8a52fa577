"""Pieces of music for a language model. Each piece is one row."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.modalities import Modality
from hfseq.modalities.music.frames import FRAME, SPECIAL_TOKENS, frames_to_text
from hfseq.modalities.rows import load_rows
from hfseq.modalities.shared_settings import NumericSettings
from hfseq.tasks.causal_lm.content import LanguageContent
from hfseq.tasks.causal_lm.rows import UNITS_COLUMN, to_rows
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source


class Pieces(LanguageContent):
    """Pieces of music from `[BOS]` to `[EOS]`, padded in batches and never joined.

    The metric is the negative log-likelihood of the events of a time step (Boulanger-Lewandowski et al. 2012). The end
    of a piece is learned, so that generated pieces end, but it is not part of the metric.
    """

    metric = "nll_per_frame"
    ignored_in_metrics = (list(SPECIAL_TOKENS).index("eos_token"),)
    default_new_tokens = 1000

    def load(self, arguments: DataArguments, modality: Modality) -> TaskData:
        """Loads pieces. With `transpose`, the training split contains each piece in several keys.

        Raises:
            HfseqError: if the data cannot be loaded, or a piece is damaged.
        """
        dataset = arguments.dataset
        splits = load_rows(arguments, modality)
        columns = self.resolve(splits["train"].column_names, arguments, modality)
        for name, split in splits.items():
            splits[name] = modality.check(split, columns, f"split {name!r} of {dataset!r}")
        splits, cuts = cut_splits(splits, columns, arguments)
        notes = cuts + overlap_notes(splits, columns.texts, "content")
        fingerprint = fingerprint_splits(splits, columns.texts)
        description = describe_source(dataset, f"{len(splits['train']):,} pieces to learn from")
        splits["train"] = modality.augment(splits["train"], columns, arguments)
        return TaskData(splits, modality, columns, fingerprint, description, notes)

    def resolve(self, column_names: list[str], arguments: DataArguments, modality: Modality) -> Columns:
        """The column of the pieces."""
        return Columns(modality.resolve(column_names, arguments, require_label=False).text)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: Callable[..., Any]) -> Any:
        """The music tokenizer, with the length of the longest piece as `model_max_length`."""
        processor = data.modality.make_processor(data.splits["train"], data.columns, arguments)
        longest = max(
            len(self._events(piece, arguments)) + 2
            for split in data.splits.values()
            for piece in split[data.columns.text]
        )
        processor.model_max_length = longest
        return processor

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """A row for each piece with its number of steps, truncated to `max_steps_per_example` if it is set."""
        encoded, cut = {}, {}
        for name, split in data.splits.items():
            rows = self.encode_rows(
                {data.columns.text: list(split[data.columns.text])}, data.columns, processor, arguments
            )
            encoded[name] = to_rows(
                [np.array(ids) for ids in rows["input_ids"]], [units for (units,) in rows[UNITS_COLUMN]]
            )
            limit = arguments.group(NumericSettings).max_steps_per_example
            lengths = [len(piece) for piece in split[data.columns.text]]
            cut[name] = 0.0 if limit is None else sum(length > limit for length in lengths) / len(lengths)
        return EncodedSplits(DatasetDict(encoded), cut)

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The events of each piece between the beginning and the end token."""
        texts = [" ".join(self._events(piece, arguments)) for piece in rows[columns.text]]
        ids = processor(texts, return_attention_mask=False, verbose=False)["input_ids"]
        frame = processor.convert_tokens_to_ids(FRAME)
        return {"input_ids": ids, UNITS_COLUMN: [[float(row.count(frame))] for row in ids]}

    def max_tokens(self, processor: Any, arguments: DataArguments) -> int:
        """Maximum number of tokens per piece."""
        return processor.model_max_length

    def _events(self, piece: list[list[int]], arguments: DataArguments) -> list[str]:
        return frames_to_text(piece[: arguments.group(NumericSettings).max_steps_per_example]).split()
