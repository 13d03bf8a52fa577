"""Music as sequences of the pitches that sound in each time step."""

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from datasets import Dataset, DatasetDict, Features, List, Value, concatenate_datasets

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.data.sources.features import FRAMES
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.visible_files import walk_files
from hfseq.modalities.music.files import read_midi_folder, read_music_json
from hfseq.modalities.music.frames import (
    FRAME,
    HIGHEST_PITCH,
    LOWEST_PITCH,
    checked_frames,
    frames_to_text,
    music_tokenizer,
)
from hfseq.modalities.music.midi import midi_to_frames
from hfseq.modalities.music.settings import MusicSettings
from hfseq.modalities.tokens import Tokens
from hfseq.registry import register_modality

MIDI_SUFFIXES = (".mid", ".midi")
# The first characters of a JSON file like that of the JSB chorales: the name of a split, then lists of pieces.
_COLLECTION = re.compile(r'\s*\{\s*"(train|training|valid|validation|val|dev|test)"\s*:\s*\[\s*\[\s*\[')
_PEEK = 200
# Tokens that only a vocabulary of music has.
_OWN_TOKENS = (FRAME, "note_60")


@register_modality
class Music(Tokens):
    """Pieces of music, read by the tokenizer of [`music_tokenizer`]."""

    name = "music"
    settings_class = MusicSettings
    guess_order = 60
    language_model = "pieces"
    pipeline_tags: ClassVar[Mapping[str, str]] = {
        "text-classification": "audio-classification",
        "text-generation": "text-to-audio",
    }
    column_names = ("frames", "piece", "notes", "music")

    def is_part(self, path: Path) -> bool:
        """A MIDI file."""
        return path.suffix.lower() in MIDI_SUFFIXES

    def recognizes(self, path: Path) -> bool:
        """MIDI files, folders of MIDI files, and JSON files of pieces by split."""
        if path.is_dir():
            return any(map(self.is_part, walk_files(path)))
        return self.is_part(path) or _is_collection(path)

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads a JSON file of splits, a MIDI file, a folder of MIDI files, or a folder with one folder per split."""
        if not self.recognizes(path):
            return None
        if path.is_dir():
            return _read_folder(path)
        if self.is_part(path):
            piece = Dataset.from_dict({"frames": [midi_to_frames(path)]}, features=FRAMES)
            return DatasetDict({"train": piece})
        return read_music_json(path)

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks the pieces, and sorts the pitches of each step: see [`checked_frames`]."""
        pieces = list(split[columns.text])
        checked = [
            checked_frames(piece, f"{where}, row {row}, column {columns.text!r}") for row, piece in enumerate(pieces)
        ]
        return split if checked == pieces else _with_frames(split, columns.text, checked)

    def augment(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Dataset:
        """Adds the pieces transposed by up to `transpose` semitones, within the range of a piano."""
        settings = arguments.group(MusicSettings)
        if not settings.transpose:
            return train
        rows: list[int] = []
        pieces: list[list[list[int]]] = []
        for row, piece in enumerate(train[columns.text]):
            for shifted in transposed(piece, settings.transpose):
                rows.append(row)
                pieces.append(shifted)
        return _with_frames(train.select(rows), columns.text, pieces)

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """The number of steps of each piece, and its first pitches."""
        return [{"description": _described(piece)} for piece in rows[columns.text]]

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> Any:
        """Makes the music tokenizer, which needs no training."""
        return music_tokenizer()

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """A model with the vocabulary of music."""
        vocabulary = processor.get("vocab")
        # The vocabulary of Unigram is a list, and never that of music.
        return isinstance(vocabulary, dict) and all(token in vocabulary for token in _OWN_TOKENS)

    def texts_of(
        self, batch: Mapping[str, list], columns: Columns, arguments: DataArguments
    ) -> tuple[list[str], list[str] | None]:
        """The events of each piece as text."""
        limit = arguments.group(MusicSettings).max_steps_per_example
        return [frames_to_text(piece[:limit]) for piece in batch[columns.text]], None


def transposed(piece: list[list[int]], semitones: int) -> list[list[list[int]]]:
    """Transposes a piece by each number of semitones from `-semitones` to `semitones`, within the range of a piano.

    Args:
        piece (`list[list[int]]`): the pitches of each step.
        semitones (`int`): maximum number of semitones.

    Returns:
        `list`: the transposed pieces, including the original one.
    """
    pitches = [pitch for step in piece for pitch in step]
    lowest, highest = min(pitches, default=LOWEST_PITCH), max(pitches, default=HIGHEST_PITCH)
    shifts = [
        shift
        for shift in range(-semitones, semitones + 1)
        if lowest + shift >= LOWEST_PITCH and highest + shift <= HIGHEST_PITCH
    ]
    return [[[pitch + shift for pitch in step] for step in piece] for shift in shifts]


def _described(piece: list[list[int]]) -> str:
    first = [" ".join(map(str, step)) or "rest" for step in piece[:8]]
    return f"{len(piece):,} steps: {' | '.join(first)}{' | ...' if len(piece) > len(first) else ''}"


def _with_frames(split: Dataset, column: str, pieces: list[list[list[int]]]) -> Dataset:
    fresh = Dataset.from_dict({column: pieces}, features=Features({column: List(List(Value("int64")))}))
    rest = split.remove_columns(column)
    return concatenate_datasets([rest, fresh], axis=1) if rest.column_names else fresh


def _read_folder(path: Path) -> DatasetDict:
    parts = split_folders(path) or {"train": path}
    return DatasetDict({split: read_midi_folder(part) for split, part in parts.items()})


def _is_collection(path: Path) -> bool:
    name = path.name.lower()
    if not path.is_file() or not name.endswith((".json", ".json.gz")):
        return False
    try:
        with gzip.open(path, "rb") if name.endswith(".gz") else open(path, "rb") as file:
            beginning = file.read(_PEEK)
    except (OSError, EOFError, zlib.error):
        return False  # the reader of the file reports the error
    return _COLLECTION.match(beginning.decode("utf-8", errors="replace")) is not None
