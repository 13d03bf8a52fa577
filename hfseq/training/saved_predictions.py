"""Saved predictions of a run, for statistics and reports. Their files begin with `_` and are not pushed to the Hub.

`_validation_predictions.npz` and `_test_predictions.npz` hold, with one row per example in the order of the split:

- `predictions`, `labels` (or `predictions_0`, ...): what the task keeps of each example, unless they are very large;
- `sums.<metric>`: sums of the metric, see [`metric_from_sums`]. Metrics with the same sums share one array;
- `scores`: one number per example; their mean is the ranking metric;
- `lengths`: length of the input, in tokens or steps;
- `groups`: examples of one group, such as overlapping windows, are not independent;
- `texts`, `references`: generated texts, and the correct ones of each.

`_test_examples.json` holds short previews of test examples.
"""

import json
import logging
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

logger = logging.getLogger(__name__)

PREDICTIONS_NAME = "_test_predictions.npz"
VALIDATION_PREDICTIONS_NAME = "_validation_predictions.npz"
EXAMPLES_NAME = "_test_examples.json"
# Files of a run that are for reports only.
REPORT_FILES = (PREDICTIONS_NAME, VALIDATION_PREDICTIONS_NAME, EXAMPLES_NAME)
# The predictions and labels of a split are saved up to these sizes.
_MOST_BYTES = {"test": 2**27, "validation": 2**24}
_MOST_EXAMPLE_BYTES = 2_000_000
_SUMS = "sums."
_SHARED_SUMS = "shared_sums"
_ARRAYS = ("scores", "lengths", "groups")
_TEXTS = ("texts", "references")


@dataclass(frozen=True)
class SavedPredictions:
    """The predictions of a run for one split. All arrays have one row per example.

    Attributes:
        predictions, labels (`tuple[np.ndarray, ...]`): what the task keeps of each example; empty if not saved.
        sums (`dict[str, np.ndarray]`): by metric, its sums of shape `(examples, k)`.
        scores (`np.ndarray`, *optional*): one number per example; their mean is the ranking metric.
        lengths (`np.ndarray` of shape `(examples,)`, *optional*): lengths of the inputs.
        groups (`np.ndarray` of shape `(examples,)`, *optional*): number of the group of each example; `None` if all
            examples are independent.
        texts (`list[str]`, *optional*): generated texts.
        references (`list[list[str]]`, *optional*): the correct texts of each example.
    """

    predictions: tuple[np.ndarray, ...] = ()
    labels: tuple[np.ndarray, ...] = ()
    sums: Mapping[str, np.ndarray] = field(default_factory=dict)
    scores: np.ndarray | None = None
    lengths: np.ndarray | None = None
    groups: np.ndarray | None = None
    texts: Sequence[str] | None = None
    references: Sequence[Sequence[str]] | None = None


def predictions_name(split: str) -> str:
    """Name of the file of a split."""
    return f"_{split}_predictions.npz"


def save_predictions(folder: Path, split: str, saved: SavedPredictions) -> None:
    """Saves the predictions of a split. Very large ones, such as forecasts of hundreds of channels, are left out.

    Args:
        folder (`Path`): folder of the run.
        split (`str`): `"validation"` or `"test"`.
        saved (`SavedPredictions`): the predictions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}
    for name, parts in (("predictions", saved.predictions), ("labels", saved.labels)):
        arrays |= {f"{name}_{part}" if part else name: _narrowed(array) for part, array in enumerate(parts)}
    if sum(array.nbytes for array in arrays.values()) > _MOST_BYTES[split]:
        arrays = {}
    first: dict[int, str] = {}
    shared: dict[str, str] = {}
    for name, sums in saved.sums.items():
        if first.setdefault(id(sums), name) == name:
            arrays[f"{_SUMS}{name}"] = _as_integers(sums)
        else:
            shared[name] = first[id(sums)]
    if shared:
        arrays[_SHARED_SUMS] = _as_bytes(shared)
    arrays |= {name: value for name in _ARRAYS if (value := getattr(saved, name)) is not None}
    arrays |= {name: _as_bytes(value) for name in _TEXTS if (value := getattr(saved, name)) is not None}
    np.savez_compressed(folder / predictions_name(split), **arrays)  # type: ignore[arg-type]


def load_predictions(
    folder: Path, split: str, *, only_sums: bool = False, metrics: Collection[str] | None = None
) -> SavedPredictions | None:
    """The predictions of a run; `None` if it saved none. A damaged file is ignored, with a warning.

    Args:
        folder (`Path`): folder of the run.
        split (`str`): `"validation"` or `"test"`.
        only_sums (`bool`, *optional*, defaults to `False`): whether to leave out predictions, labels and texts, which
            may be large.
        metrics (`Collection[str]`, *optional*): the metrics whose sums are loaded. By default all.
    """
    path = folder / predictions_name(split)
    if not path.is_file():
        return None
    try:
        with np.load(path) as stored:
            large = ("predictions", "labels", *_TEXTS) if only_sums else ()
            shared = _from_bytes(stored[_SHARED_SUMS]) if _SHARED_SUMS in stored.files else {}
            if metrics is not None:
                shared = {name: other for name, other in shared.items() if name in metrics}
                unwanted = {name for name in stored.files if name.startswith(_SUMS)}
                unwanted -= {f"{_SUMS}{name}" for name in (*metrics, *shared.values())}
            else:
                unwanted = set()
            names = [name for name in stored.files if not name.startswith(large) and name not in unwanted]
            return _read({name: stored[name] for name in names}, shared)
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError) as error:
        logger.warning("%s is damaged, and no statistics are made of it: %s", path, error)
        return None


def load_scores(folder: Path) -> np.ndarray | None:
    """Score of each test example, or `None` if the run saved none or the file is damaged."""
    saved = load_predictions(folder, "test", only_sums=True)
    return None if saved is None else saved.scores


def save_examples(folder: Path, examples: Mapping[int, Mapping[str, Any]]) -> None:
    """Saves previews of test examples, up to 2 MB.

    Args:
        folder (`Path`): folder of the run.
        examples (`Mapping[int, dict]`): previews by the number of the example; the first ones are the most important.
    """
    kept, size = {}, 0
    for number, preview in examples.items():
        size += len(json.dumps(preview)) + 12
        if size > _MOST_EXAMPLE_BYTES:
            break
        kept[str(number)] = preview
    (folder / EXAMPLES_NAME).write_text(json.dumps({"examples": kept}), encoding="utf-8")


def load_examples(folder: Path) -> dict[int, dict[str, Any]]:
    """Previews of test examples by their number; those of a damaged file are left out, with a warning."""
    path = folder / EXAMPLES_NAME
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["examples"]
        return {int(number): dict(preview) for number, preview in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        logger.warning("%s is damaged, and no examples are shown from it: %s", path, error)
        return {}


def _read(stored: dict[str, np.ndarray], shared: Mapping[str, str]) -> SavedPredictions:
    sums = {name.removeprefix(_SUMS): array for name, array in stored.items() if name.startswith(_SUMS)}
    sums |= {name: sums[other] for name, other in shared.items()}
    saved = SavedPredictions(_parts(stored, "predictions"), _parts(stored, "labels"), sums)
    arrays: dict[str, Any] = {name: stored.get(name) for name in _ARRAYS}
    texts: dict[str, Any] = {name: _from_bytes(stored[name]) if name in stored else None for name in _TEXTS}
    return replace(saved, **arrays, **texts)


def _parts(stored: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, ...]:
    names = [name, *(f"{name}_{part}" for part in range(1, len(stored)))]
    return tuple(stored[one] for one in names if one in stored)


def _narrowed(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _as_integers(values: np.ndarray) -> np.ndarray:
    """Counts in the smallest type that holds them; other numbers unchanged."""
    if not values.size or not np.array_equal(values, np.round(values)) or np.abs(values).max() >= 2**31:
        return values
    bounds = (np.min_scalar_type(int(bound)) for bound in (values.min(), values.max()))
    return values.astype(np.promote_types(*bounds))


def _as_bytes(value: Any) -> np.ndarray:
    """A value as the bytes of its JSON: an array of texts would need the length of the longest for each."""
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def _from_bytes(array: np.ndarray) -> Any:
    return json.loads(array.tobytes())
