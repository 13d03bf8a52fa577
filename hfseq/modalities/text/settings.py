"""Settings of text."""

from dataclasses import dataclass

from hfseq.data.settings import ModalitySettings
from hfseq.modalities.shared_settings import TokenizerSettings, TruncationSettings


@dataclass(frozen=True)
class TextSettings(TokenizerSettings, TruncationSettings, ModalitySettings):
    """Texts and pairs of texts."""

    group = "text"
