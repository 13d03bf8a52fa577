"""Settings of video."""

from dataclasses import dataclass

from hfseq.data.settings import ModalitySettings
from hfseq.modalities.shared_settings import NumericSettings, PixelSettings


@dataclass(frozen=True)
class VideoSettings(PixelSettings, NumericSettings, ModalitySettings):
    """Videos, as sequences of frames."""

    group = "video"
    presets_like = "numeric"
