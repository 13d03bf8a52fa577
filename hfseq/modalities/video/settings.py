"""Settings of video."""

from dataclasses import dataclass

from hfseq.data.settings import ModalitySettings
from hfseq.modalities.shared_settings import NumericSettings, PictureSettings


@dataclass(frozen=True)
class VideoSettings(PictureSettings, NumericSettings, ModalitySettings):
    """Videos, as sequences of frames."""

    group = "video"
    presets_like = "numeric"
