"""Audio, in files or as samples."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import datasets
import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, find_column
from hfseq.errors import HfseqError, first_line
from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.audio.folder import (
    AUDIO_EXTENSIONS,
    audio_digest,
    load_audio,
    read_audio_folder,
)
from hfseq.modalities.audio.settings import AudioSettings
from hfseq.modalities.audio.spec_augment import SpecAugment
from hfseq.modalities.file_digests import DIGEST, has_digests, with_digests
from hfseq.modalities.media_folder import by_folder_of_split, is_media_folder, media_parts, resolve_paths
from hfseq.modalities.nested_lists import flatten_lists
from hfseq.modalities.numeric import INPUT_FEATURES, Numeric
from hfseq.registry import register_modality

AUDIO_COLUMN = "audio"
# Frequencies above 8 kHz hardly help to recognize speech.
_HIGHEST_USUAL_RATE = 16_000
_NORMALIZE = {"channel": "global", "sequence": "utterance", "none": None}


@register_modality
class Audio(Numeric):
    """Audio files, folders and tables of them, or samples in lists.

    A model reads log-mel energies, one vector per frame: see [`LogMelFeatureExtractor`].
    """

    name = "audio"
    settings_class = AudioSettings
    guess_order = 70
    is_source = True
    pipeline_tags: ClassVar[Mapping[str, str]] = {"text-classification": "audio-classification"}
    column_names = (AUDIO_COLUMN, "recording", "speech", "wav", "clip", "file_name", "filename", "file", "path")

    files_in_tables = True
    array_dimensions = (1,)

    def is_part(self, path: Path) -> bool:
        """An audio file."""
        return path.suffix.lower() in AUDIO_EXTENSIONS

    def recognizes(self, path: Path) -> bool:
        """An audio file, or a folder with audio files in it or in its sub-folders, two levels down."""
        if path.is_file():
            return _is_audio(path)
        return any(_is_audio(entry) for depth in ("*", "*/*", "*/*/*") for entry in path.glob(depth))

    def recognizes_column(self, name: str, feature: Any) -> bool:
        """A column of recordings, as `datasets` stores them."""
        return isinstance(feature, datasets.Audio)

    def is_value(self, example: Mapping[str, Any]) -> bool:
        """Samples with their sampling rate, or an encoded file, as `datasets` has them."""
        return {"array", "sampling_rate"} <= example.keys() or {"bytes", "path"} == example.keys()

    def examples_of_array(self, array: np.ndarray, processor: Any) -> list[Any]:
        """Samples, at the sampling rate of the model."""
        rate = processor.sampling_rate
        return [{"array": one, "sampling_rate": rate} for one in super().examples_of_array(array, processor)]

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads an audio file, a folder (see [`read_audio_folder`]), or a folder with one such folder per split."""
        if path.is_file():
            if not _is_audio(path):
                return None
            features = Features({AUDIO_COLUMN: Value("string")})
            return DatasetDict({"train": Dataset.from_dict({AUDIO_COLUMN: [str(path.absolute())]}, features=features)})
        parts = media_parts(path)
        if not is_media_folder(path, parts.values(), self.recognizes):
            return None
        return by_folder_of_split(
            {split: read_audio_folder(part) for split, part in parts.items()}, path, AUDIO_COLUMN
        )

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Makes paths absolute, and keeps a column of `datasets` undecoded."""
        column = find_column(split.column_names, arguments.input_column, self.column_names, "input", required=False)
        if column is None:
            return split
        if isinstance(split.features[column], datasets.Audio):
            # `datasets` needs torchcodec and ffmpeg to decode audio.
            return split.cast_column(column, Features({"bytes": Value("binary"), "path": Value("string")}))
        if path is None or getattr(split.features[column], "dtype", "") != "string":
            return split
        return resolve_paths(split, column, path if path.is_dir() else path.parent, where)

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks that every recording can be decoded and has samples. Files get a digest of their content."""
        column, kind = columns.text, split.features[columns.text]
        fields = set(kind) if isinstance(kind, dict) else set()
        if has_digests(split, column):
            return split  # checked before
        if {"array", "sampling_rate"} <= fields:
            _check_samples(split, column, where)
            return split
        if getattr(kind, "dtype", "") == "string" or "path" in fields:
            return with_digests(split, column, where, _described, {"sampling_rate": Value("int32")})
        raise HfseqError(
            f"{where}: column {column!r} holds {kind}, but a recording is the path of a file, or has array and "
            "sampling_rate. Name the right column with --input_column."
        )

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> LogMelFeatureExtractor:
        """Makes the feature extractor. With global normalization, it is fitted on the training split."""
        settings = arguments.group(AudioSettings)
        rate = settings.sampling_rate or _usual_rate(train, columns.text)
        try:
            extractor = LogMelFeatureExtractor(
                sampling_rate=rate,
                num_mel_bins=settings.num_mel_bins,
                frame_stack=settings.frame_stack,
                normalize=_NORMALIZE[settings.normalization],
            )
        except ValueError as error:
            raise HfseqError(
                f"recordings at {rate} Hz cannot be read with these settings: {first_line(error)}"
            ) from error
        if extractor.normalize == "global":
            extractor.fit(load_audio(item) for batch in _batches(train, columns.text) for item in batch)
        return extractor

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """The name of each file, or the duration of samples."""
        values = (row[columns.text] for row in rows.select_columns([columns.text]).with_format(None))
        return [{"description": _preview(value)} for value in values]

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """A model with a saved [`LogMelFeatureExtractor`]."""
        return processor.get("feature_extractor_type") == LogMelFeatureExtractor.__name__

    def load_processor(self, source: str, **options: Any) -> LogMelFeatureExtractor:
        """Loads the feature extractor, with the sampling rate and the statistics of the training split."""
        return LogMelFeatureExtractor.from_pretrained(source, revision=options.get("revision") or "main")

    def features_of(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        """Log-mel energies of shape `(steps, num_mel_bins * frame_stack)` for each example."""
        return processor([load_audio(value) for value in values], return_attention_mask=False)[INPUT_FEATURES]

    def batch_augmentation(self, arguments: DataArguments) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        """[`SpecAugment`], if the settings ask for it."""
        settings = arguments.group(AudioSettings)
        if not settings.spec_augment:
            return None
        return SpecAugment(settings.num_mel_bins, settings.frame_stack)


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in AUDIO_EXTENSIONS and path.is_file() and not path.name.startswith(".")


def _batches(split: Dataset, column: str) -> Any:
    """The recordings of a split in batches, because Python numbers take much memory."""
    rows = split.select_columns([column]).with_format(None)
    return (batch[column] for batch in rows.iter(batch_size=Audio.batch_size))


def _usual_rate(split: Dataset, column: str) -> int:
    """The most frequent sampling rate of a checked split. Of several equally frequent ones, the lowest."""
    rates = Counter(split.select_columns([column]).flatten()[f"{column}.sampling_rate"])
    commonest = min(rates, key=lambda rate: (-rates[rate], rate))
    return min(commonest, _HIGHEST_USUAL_RATE)


def _preview(value: Mapping[str, Any]) -> str:
    if value.get("array") is not None:
        return f"recording of {len(value['array']) / value['sampling_rate']:.1f} s"
    return Path(value.get("path") or "recording").name


def _described(value: Any) -> dict[str, Any]:
    """Sampling rate and digest of an audio file. The digest is that of the samples, whatever the format."""
    audio = load_audio(value)
    return {"sampling_rate": audio["sampling_rate"], DIGEST: audio_digest(audio)}


def _check_samples(split: Dataset, column: str, where: str) -> None:
    """
    Raises:
        HfseqError: samples or their rate are missing, or samples are not finite.
    """
    parts = split.select_columns([column]).flatten()
    flat = flatten_lists(parts, f"{column}.array", ("samples",), "recording", where)
    values = flat.values.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    wrong = ~np.isfinite(values)  # a missing sample is NaN
    if wrong.any():
        raise HfseqError(f"{where}, row {int(flat.rows[int(wrong.argmax())])}: a sample is not a finite number.")
    for row, rate in enumerate(parts[f"{column}.sampling_rate"]):
        if not rate or rate < 1:
            raise HfseqError(f"{where}, row {row}: sampling_rate must be at least 1, not {rate!r}.")
