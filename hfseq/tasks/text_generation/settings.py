"""Settings of translation and captioning."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import TaskSettings, setting
from hfseq.modalities.shared_settings import BeamSettings, TokenizerSettings


@dataclass(frozen=True)
class TextGenerationSettings(BeamSettings, TokenizerSettings, TaskSettings):
    """Translation and captioning."""

    group = "text_generation"
    used_by = ("sequence_to_sequence", "captioning")

    max_target_length: int = setting(
        128,
        "Largest number of tokens of a target, in training and in generation. Longer targets are truncated.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    source_language: str | None = setting(
        None, "File extension of the source texts in a folder of parallel texts, such as `en`.", for_new_data=True
    )
    target_language: str | None = setting(
        None, "File extension of the target texts in a folder of parallel texts, such as `de`.", for_new_data=True
    )
