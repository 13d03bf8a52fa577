"""The label schema: problem type and classes, and the encoding of raw labels as targets."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from datasets import ClassLabel

from hfseq.data.labels.multi_hot import multi_hot_width, to_bit
from hfseq.errors import HfseqError, nearest

SINGLE_LABEL = "single_label_classification"
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"
PROBLEM_TYPES = (SINGLE_LABEL, MULTI_LABEL, REGRESSION)
# Up to this value, the squared error of a batch can be represented in float32.
MAX_TARGET = 1e18


@dataclass(frozen=True)
class LabelSchema:
    """Encoding of raw labels as targets.

    Args:
        problem_type (`str`): problem type of transformers: `single_label_classification`,
            `multi_label_classification` or `regression`.
        names (`tuple[str, ...]`, *optional*, defaults to `()`): names of the classes in the order of their ids; empty
            for regression.
        stored_as_ids (`bool`, *optional*, defaults to `False`): whether integers among the raw labels are class ids,
            as in a `ClassLabel` column, and not names, such as "5" for five stars.
    """

    problem_type: str
    names: tuple[str, ...] = ()
    stored_as_ids: bool = field(default=False, compare=False)

    @property
    def num_labels(self) -> int:
        """Size of the output of the model; 1 for regression."""
        return 1 if self.problem_type == REGRESSION else len(self.names)

    @property
    def id2label(self) -> dict[int, str]:
        """Class id -> name. For regression, it has the default name of transformers."""
        return dict(enumerate(self.names)) if self.names else {0: "LABEL_0"}

    @property
    def label2id(self) -> dict[str, int]:
        """Name -> class id."""
        return {name: index for index, name in self.id2label.items()}

    @classmethod
    def from_config(cls, config: Any) -> "LabelSchema":
        """Creates the schema that a model was trained with.

        Args:
            config (`transformers.PreTrainedConfig`): config of the model. Without `problem_type`, one label means
                regression, and several labels mean one class per example, as in transformers.
        """
        problem_type = config.problem_type or (REGRESSION if config.num_labels == 1 else SINGLE_LABEL)
        check_problem_type(problem_type)
        if problem_type == REGRESSION:
            return cls(REGRESSION)
        return cls(problem_type, tuple(name for _, name in sorted((int(k), v) for k, v in config.id2label.items())))

    def encode(self, values: Iterable[Any], *, where: str, feature: Any = None) -> list[Any]:
        """Encodes raw labels as targets.

        Args:
            values (`Iterable`): the labels, one per example.
            where (`str`): split and data set, for error messages.
            feature (`datasets.features.Feature`, *optional*): feature of the column, which determines whether integers
                are class ids. Without it, integers are ids if they were ids in the training data, or if no class has a
                number as its name.

        Returns:
            `list`: class ids (`int`), lists of 0.0 and 1.0 with the length of `names`, or numbers (`float`).

        Raises:
            HfseqError: a label is missing, was not seen in training, or is not a finite number. The message names the
                row.
        """
        if self.problem_type == REGRESSION:
            return [to_number(value, row, where) for row, value in enumerate(values)]
        name_of = self._namer(feature)
        ids = self.label2id
        if self.problem_type == SINGLE_LABEL:
            return [self._id(value, name_of, ids, row, where) for row, value in enumerate(values)]
        values = [plain(value) for value in values]
        if class_label_of(feature) is None and self._reads_multi_hot(values):
            return [[to_bit(element) for element in value or [0] * len(self.names)] for value in values]
        encoded = []
        for row, value in enumerate(values):
            target = [0.0] * len(self.names)
            for element in elements_of(value, row, where):
                target[self._id(element, name_of, ids, row, where)] = 1.0
            encoded.append(target)
        return encoded

    def _reads_multi_hot(self, values: list[Any]) -> bool:
        """Whether lists are multi-hot. If classes are named 0 and 1, the lists are names of classes instead."""
        return multi_hot_width(values) == len(self.names) and not self._has_numeric_names()

    def _has_numeric_names(self) -> bool:
        return any(name.lstrip("-").isdigit() for name in self.names)

    def _namer(self, feature: Any) -> "Namer":
        class_label = class_label_of(feature)
        if class_label is not None:
            return Namer(tuple(class_label.names))
        as_ids = self.stored_as_ids if feature is None else False
        return Namer(self.names if as_ids or not self._has_numeric_names() else None)

    def _id(self, value: Any, name_of: "Namer", ids: dict[str, int], row: int, where: str) -> int:
        name = name_of(value, row, where)
        if name not in ids and isinstance(plain(value), bool):
            # Models that were saved by earlier versions have numbers as names of booleans.
            name = str(int(value))
        if name not in ids:
            raise HfseqError(f"{where}, row {row}: label {name!r} was not seen in training, {nearest(name, ids)}")
        return ids[name]


class Namer:
    """Converts raw labels to class names. If `names` are given, integers are class ids."""

    def __init__(self, names: tuple[str, ...] | None):
        self._names = names

    def __call__(self, value: Any, row: int, where: str) -> str:
        value = plain(value)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise HfseqError(f"{where}, row {row}: the label is missing. Fill it in, or drop the row.")
        if isinstance(value, str):
            return value
        if isinstance(value, bool) and self._names is None:
            return "true" if value else "false"
        if not isinstance(value, (int, float)) or not float(value).is_integer():
            raise HfseqError(f"{where}, row {row}: {value!r} ({type(value).__name__}) is not a class.")
        if self._names is None:
            return str(int(value))
        if not 0 <= value < len(self._names):
            hidden = " (-1 usually means a hidden label)" if value == -1 else ""
            raise HfseqError(
                f"{where}, row {row}: label {value} is not one of the {len(self._names)} classes{hidden}."
            )
        return self._names[int(value)]


def check_problem_type(problem_type: str) -> None:
    """Raises `HfseqError` for a problem type that transformers does not know."""
    if problem_type not in PROBLEM_TYPES:
        raise HfseqError(f"unknown problem_type {problem_type!r}: {nearest(problem_type, PROBLEM_TYPES)}")


def plain(value: Any) -> Any:
    """Converts a NumPy scalar or array to a Python value."""
    return value.tolist() if hasattr(value, "tolist") else value


def class_label_of(feature: Any) -> ClassLabel | None:
    """The `ClassLabel` in a feature, or in the elements of a list feature."""
    feature = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", feature)
    return feature if isinstance(feature, ClassLabel) else None


def to_number(value: Any, row: int, where: str) -> float:
    """Converts a regression target to a finite number.

    Raises:
        HfseqError: it is missing, not a finite number, or too large. The message names the row.
    """
    value = plain(value)
    if value is None:
        raise HfseqError(f"{where}, row {row}: the target is missing. Fill it in, or drop the row.")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{where}, row {row}: {value!r} is not a number, but regression needs numbers.") from error
    if not math.isfinite(number):
        raise HfseqError(f"{where}, row {row}: the target is {number}, which is not a finite number.")
    if abs(number) > MAX_TARGET:
        raise HfseqError(
            f"{where}, row {row}: the target is {number:g}, too large for the 32-bit numbers of models "
            f"(at most {MAX_TARGET:g}). Divide the column by a constant."
        )
    return number


def elements_of(value: Any, row: int, where: str) -> list[Any]:
    """The elements of one row of a multi-label column. A missing list has no elements."""
    value = plain(value)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise HfseqError(
            f"{where}, row {row}: {value!r} is not a list, but multi_label_classification needs lists. Write lists "
            'such as ["joy", "anger"], or set --label_separator to the separator of the labels in a text.'
        )
    return list(value)
