"""Settings of music."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1, Bounds
from hfseq.data.settings import ModalitySettings, setting
from hfseq.modalities.shared_settings import NumericSettings, TruncationSettings


@dataclass(frozen=True)
class MusicSettings(TruncationSettings, NumericSettings, ModalitySettings):
    """MIDI files, as sequences of chords."""

    group = "music"

    transpose: int = setting(
        0,
        "Add copies of each training piece, transposed by 1 to this many semitones up and down.",
        bounds=Bounds(0, 11, text="lie between 0 and 11 semitones"),
        per_model=True,
    )
    max_music_steps: int = setting(
        100_000,
        "Largest number of time steps of a MIDI file. A longer file is an error.",
        bounds=AT_LEAST_1,
        per_model=True,
        for_new_data=True,
    )
