"""Sequence to sequence: a text, or speech, becomes another text: translation, rewriting, transcription."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForSeq2SeqLM

from hfseq.metrics import compute_generation_metrics
from hfseq.tasks.text_generation.data import CAPTION_NAMES, TARGET_NAMES
from hfseq.tasks.text_generation.parallel_folder import read_parallel_folder
from hfseq.tasks.text_generation.task import Writing, reads_pictures


@dataclass
class SequenceToSequence(Writing):
    """A text, or a recording, is read, and a text is written. See [`Writing`]."""

    name = "sequence_to_sequence"
    auto_class = AutoModelForSeq2SeqLM
    architecture = "EncoderDecoder"
    pipeline_tag = "translation"
    readers = (read_parallel_folder,)
    modalities = ("text", "audio")
    # The names of transcripts go last: they are those of sources as well.
    target_names = tuple(dict.fromkeys([*TARGET_NAMES, *CAPTION_NAMES]))
    tokenizer_kind = "bpe"

    @classmethod
    def fits(cls, config: Any) -> bool:
        """Whatever has two halves and does not look at pictures."""
        return bool(config.is_encoder_decoder) and not reads_pictures(config)

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """See [`compute_generation_metrics`]."""
        return compute_generation_metrics(texts, references)
