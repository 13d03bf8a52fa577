"""Captioning: a picture or a video is looked at, and a sentence is written."""

from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForImageTextToText

from hfseq.metrics import compute_caption_metrics
from hfseq.tasks.text_generation.data import CAPTION_NAMES
from hfseq.tasks.text_generation.task import Writing, reads_pictures


@dataclass
class Captioning(Writing):
    """A picture or a video is looked at, and a sentence is written. See [`Writing`].

    In training, each caption of a picture is an example. In evaluation, a picture is one example: what is written of
    it is compared with all of its captions, and tokens are scored on the first.
    """

    name = "captioning"
    auto_class = AutoModelForImageTextToText
    architecture = "VisionEncoderDecoder"
    pipeline_tag = "image-to-text"
    modalities = ("image", "video")
    target_names = CAPTION_NAMES
    tokenizer_kind = "word"

    @classmethod
    def fits(cls, config: Any) -> bool:
        """Whatever has two halves, of which the first looks at pictures."""
        return bool(config.is_encoder_decoder) and reads_pictures(config)

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """See [`compute_caption_metrics`]."""
        return compute_caption_metrics(texts, references)
