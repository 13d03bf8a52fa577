"""Settings of transcription with CTC."""

from dataclasses import dataclass

from hfseq.data.settings import TaskSettings
from hfseq.modalities.shared_settings import BeamSettings, TokenizerSettings


@dataclass(frozen=True)
class CTCSettings(BeamSettings, TokenizerSettings, TaskSettings):
    """Transcription with connectionist temporal classification (CTC)."""

    group = "ctc"
