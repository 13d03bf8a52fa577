"""Settings of audio."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import ModalitySettings, setting
from hfseq.modalities.shared_settings import MediaSettings, NormalizationSettings, NumericSettings


@dataclass(frozen=True)
class AudioSettings(NormalizationSettings, MediaSettings, NumericSettings, ModalitySettings):
    """Recordings, read as log-mel spectrograms."""

    group = "audio"
    presets_like = "numeric"

    sampling_rate: int | None = setting(
        None,
        "Sampling rate in Hz that recordings are resampled to. By default the most common rate of the training split, "
        "at most 16,000.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    num_mel_bins: int = setting(
        40, "Number of frequency bands of the log-mel spectrogram.", bounds=AT_LEAST_1, per_model=True
    )
    frame_stack: int = setting(
        1, "Number of consecutive frames that are joined into one step.", bounds=AT_LEAST_1, per_model=True
    )
    spec_augment: bool = setting(
        False,
        "Hide random frequency bands and time intervals during training (SpecAugment, Park et al. 2019).",
        per_model=True,
    )
