"""Settings that several modalities or tasks have."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1, Bounds
from hfseq.data.settings import Settings, setting
from hfseq.errors import HfseqError

TRUNCATIONS = ("head", "tail", "head+tail")
NORMALIZATIONS = ("channel", "sequence", "none")
TOKENIZER_KINDS = ("word", "bpe", "wordpiece", "character")


@dataclass(frozen=True)
class TruncationSettings(Settings):
    """Truncation of examples that are longer than `max_length`."""

    truncation: str = setting(
        "head",
        "Part of a long example that is kept: its beginning, its end, or half of max_length from each.",
        choices=TRUNCATIONS,
        per_model=True,
    )


@dataclass(frozen=True)
class TokenizerSettings(Settings):
    """The tokenizer."""

    tokenizer_name: str | None = setting(
        None,
        f"Kind of a tokenizer that is trained on the training split ({', '.join(TOKENIZER_KINDS)}), or id or folder "
        "of a pretrained tokenizer. By default the tokenizer of the checkpoint; for a model from scratch, the kind "
        "that the preset or the task names, or else word.",
        per_model=True,
    )
    tokenizer_vocab_size: int = setting(
        20_000,
        "Largest size of the vocabulary of a tokenizer that is trained here.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    tokenizer_lowercase: bool = setting(
        True, "Convert texts to lower case, in a tokenizer that is trained here.", per_model=True
    )


@dataclass(frozen=True)
class NumericSettings(Settings):
    """Sequences of steps that hold numbers."""

    max_steps_per_example: int | None = setting(
        None,
        "Largest number of steps (frames) that the model reads of an example; the rest is cut off. By default no "
        "limit.",
        bounds=AT_LEAST_1,
        per_model=True,
    )


@dataclass(frozen=True)
class NormalizationSettings(Settings):
    """Standardisation of numbers."""

    normalization: str = setting(
        "channel",
        "Standardise the numbers with the mean and deviation of each channel over the training split (channel), or of "
        "each example (sequence), or not at all (none).",
        choices=NORMALIZATIONS,
        per_model=True,
    )


@dataclass(frozen=True)
class MediaSettings(Settings):
    """Files that are decoded."""

    max_media_values: int = setting(
        1 << 28,
        "Largest number of values of one decoded example; 2**28 values take 1 GiB of memory. A larger file is an "
        "error.",
        bounds=AT_LEAST_1,
        per_model=True,
        for_new_data=True,
    )


@dataclass(frozen=True)
class PixelSettings(MediaSettings):
    """Images and frames of videos."""

    image_size: int = setting(
        64,
        "Height and width, in pixels, that images and frames are resized to.",
        # A frame of the largest size has 200 million numbers.
        bounds=Bounds(1, 8192),
        per_model=True,
    )
    num_channels: int = setting(3, "Number of colour channels: 3 for colour, 1 for greyscale.", per_model=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_channels not in (1, 3):
            raise HfseqError(f"num_channels must be 1 or 3, not {self.num_channels}")


@dataclass(frozen=True)
class IdColumnSettings(Settings):
    """Tables with several rows per example."""

    id_column: str | None = setting(
        None,
        "Column with the name of the series in a table with one row per step, or of the sentence in a table with one "
        "row per word.",
        per_model=True,
        for_new_data=True,
    )


@dataclass(frozen=True)
class ClassWeightSettings(Settings):
    """Weights of the classes in the loss."""

    class_weights: str | None = setting(
        None,
        "Weights of the classes in the loss: `balanced` for weights inversely proportional to the class frequencies, "
        "or one number per class, such as `1.0,2.5`. By default all classes have the weight 1.",
        per_model=True,
    )


@dataclass(frozen=True)
class BeamSettings(Settings):
    """Search for the best output."""

    num_beams: int = setting(
        4, "Beam width when the model generates text (1 = greedy).", bounds=AT_LEAST_1, per_model=True
    )
