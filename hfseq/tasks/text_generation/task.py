"""Sequence to sequence (translation, rewriting, transcription), and captioning."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForImageTextToText, AutoModelForSeq2SeqLM

from hfseq.metrics import compute_caption_metrics, compute_generation_metrics
from hfseq.modalities import Modality
from hfseq.registry import register_task
from hfseq.tasks.text_generation.base import TextGeneration, reads_images
from hfseq.tasks.text_generation.data import CAPTION_NAMES, TARGET_NAMES
from hfseq.tasks.text_generation.parallel_folder import read_parallel_folder


@register_task
@dataclass
class SequenceToSequence(TextGeneration):
    """Generates a text from a text or a recording. See [`TextGeneration`]."""

    name = "sequence_to_sequence"
    auto_class = AutoModelForSeq2SeqLM
    architecture = "EncoderDecoder"
    pipeline_tag = "translation"
    peft_task_type = "SEQ_2_SEQ_LM"
    readers = (read_parallel_folder,)
    # Names of transcripts come last, because sources have these names as well.
    target_names = tuple(dict.fromkeys([*TARGET_NAMES, *CAPTION_NAMES]))
    tokenizer_kind = "bpe"

    @classmethod
    def reads(cls, modality: Modality) -> bool:
        """Whether examples of a modality can be sources."""
        return modality.is_source

    @classmethod
    def matches(cls, config: Any) -> bool:
        """Whether a saved model is an encoder-decoder that does not read images."""
        return bool(config.is_encoder_decoder) and not reads_images(config)

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """See [`compute_generation_metrics`]."""
        return compute_generation_metrics(texts, references)


@register_task
@dataclass
class Captioning(TextGeneration):
    """Generates a sentence that describes an image or a video. See [`TextGeneration`].

    In training, each caption of an image is an example. In evaluation, each image is one example: the generated
    caption is compared with all of its captions, and the token metrics use the first one.
    """

    name = "captioning"
    auto_class = AutoModelForImageTextToText
    architecture = "VisionEncoderDecoder"
    pipeline_tag = "image-to-text"
    default_modality = "image"
    describes_images = True
    target_names = CAPTION_NAMES
    tokenizer_kind = "word"

    @classmethod
    def reads(cls, modality: Modality) -> bool:
        """Whether examples of a modality can be described."""
        return modality.is_visual

    @classmethod
    def matches(cls, config: Any) -> bool:
        """Whether a saved model is an encoder-decoder that reads images."""
        return bool(config.is_encoder_decoder) and reads_images(config)

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """See [`compute_caption_metrics`]."""
        return compute_caption_metrics(texts, references)
