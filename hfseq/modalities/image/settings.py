"""Settings of images."""

from dataclasses import dataclass

from hfseq.data.settings import ModalitySettings
from hfseq.modalities.shared_settings import PictureSettings


@dataclass(frozen=True)
class ImageSettings(PictureSettings, ModalitySettings):
    """Images."""

    group = "image"
