"""Walks on a grid: each step goes north, east, south or west."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.data.settings import ModalitySettings, setting
from hfseq.errors import HfseqError
from hfseq.modalities.numeric import Numeric
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.shared_settings import NumericSettings
from hfseq.registry import register_modality

DIRECTIONS = {"N": (0.0, 1.0), "E": (1.0, 0.0), "S": (0.0, -1.0), "W": (-1.0, 0.0)}


@dataclass(frozen=True)
class WalkSettings(NumericSettings, ModalitySettings):
    """Walks on a grid."""

    group = "walks"

    step_length: float = setting(1.0, "Length of a step.", per_model=True)


@register_modality
class Walks(Numeric):
    """Walks as sequences of steps, each `(east, north)`. A `.walks` file has one label and one walk per line."""

    name = "walks"
    column_names = ("walk", "walks")
    settings_class = WalkSettings

    def is_part(self, path: Path) -> bool:
        """A `.walks` file."""
        return path.suffix == ".walks"

    def recognizes(self, path: Path) -> bool:
        """A `.walks` file, or a folder with one per split."""
        return self.is_part(path) or (path.is_dir() and any(map(self.is_part, path.iterdir())))

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """The splits: `train.walks`, `validation.walks` and `test.walks` of a folder, or one file to train on."""
        if not self.recognizes(path):
            return None
        files = {"train": path} if path.is_file() else {file.stem: file for file in sorted(path.glob("*.walks"))}
        return DatasetDict({split: _read(file) for split, file in files.items()})

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Each walk has a step, and only the four directions."""
        for row, walk in enumerate(split[columns.text]):
            if not isinstance(walk, str) or not walk or set(walk) - set(DIRECTIONS):
                raise HfseqError(
                    f"{where}, row {row}: {walk!r} is not a walk; use the letters {', '.join(DIRECTIONS)}"
                )
        return split

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> SeriesFeatureExtractor:
        """An extractor of two channels; it keeps the length of a step."""
        length = arguments.group(WalkSettings).step_length
        return SeriesFeatureExtractor(feature_size=2, normalize=None, step_length=length)

    def load_processor(self, source: str, **options: Any) -> SeriesFeatureExtractor:
        """The extractor that was saved with a model."""
        return SeriesFeatureExtractor.from_pretrained(source, revision=options.get("revision") or "main")

    def features_of(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        """The steps of each walk, `(steps, 2)`."""
        walks = [np.array([DIRECTIONS[step] for step in walk]) * processor.step_length for walk in values]
        return processor(walks, return_attention_mask=False)["input_features"]


def _read(file: Path) -> Dataset:
    rows: Mapping[str, list[str]] = {"label": [], "walk": []}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.count(" ") != 1:
            raise HfseqError(f"{file}, line {number}: expected a label and a walk, not {line!r}")
        for column, value in zip(rows.values(), line.split(" "), strict=True):
            column.append(value)
    return Dataset.from_dict(dict(rows))
