"""Settings of images."""

from dataclasses import dataclass

from hfseq.data.settings import ModalitySettings
from hfseq.modalities.shared_settings import PixelSettings


@dataclass(frozen=True)
class ImageSettings(PixelSettings, ModalitySettings):
    """Images."""

    group = "image"
