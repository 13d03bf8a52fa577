"""The label schema: classes, sets of classes, or numbers, and how raw labels become targets."""

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
# The squared error of a batch of such targets is still a 32-bit number.
LARGEST_TARGET = 1e18


@dataclass(frozen=True)
class LabelSchema:
    """How raw labels become targets.

    Args:
        problem_type (`str`): transformers' word: `single_label_classification`, `multi_label_classification` or
            `regression`.
        names (`tuple[str, ...]`, *optional*, defaults to `()`): the classes in the order of their ids; none for
            regression.
        stored_as_ids (`bool`, *optional*, defaults to `False`): whether whole numbers among the raw labels are ids,
            as in a `ClassLabel` column, and not names such as the "5" of five stars.
    """

    problem_type: str
    names: tuple[str, ...] = ()
    stored_as_ids: bool = field(default=False, compare=False)

    @property
    def num_labels(self) -> int:
        """The size of the model's output; 1 for regression."""
        return 1 if self.problem_type == REGRESSION else len(self.names)

    @property
    def id2label(self) -> dict[int, str]:
        """Name by id; for regression the one name that transformers gives by default."""
        return dict(enumerate(self.names)) if self.names else {0: "LABEL_0"}

    @property
    def label2id(self) -> dict[str, int]:
        """Id by name."""
        return {name: index for index, name in self.id2label.items()}

    @classmethod
    def from_config(cls, config: Any) -> "LabelSchema":
        """The schema that a model was trained with.

        Args:
            config (`transformers.PreTrainedConfig`): a model's config. Without `problem_type`, one label means
                regression and several mean one class an example, as in transformers.
        """
        problem_type = config.problem_type or (REGRESSION if config.num_labels == 1 else SINGLE_LABEL)
        check_problem_type(problem_type)
        if problem_type == REGRESSION:
            return cls(REGRESSION)
        return cls(problem_type, tuple(name for _, name in sorted((int(k), v) for k, v in config.id2label.items())))

    def encode(self, values: Iterable[Any], *, where: str, feature: Any = None) -> list[Any]:
        """Raw labels as targets.

        Args:
            values (`Iterable`): the labels, one an example.
            where (`str`): split and data set, for messages.
            feature (`datasets.features.Feature`, *optional*): the column's feature. It decides whether whole numbers
                are ids; without it, they are where they were in the training data, or where no class is called by
                a number.

        Returns:
            `list`: ids (`int`), lists of 0.0 and 1.0 as long as `names`, or numbers (`float`).

        Raises:
            HfseqError: a label is missing, was not seen in training, or is not a finite number; with the row.
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
        """Whether lists are rows of zeros and ones; lists of two ids look alike where classes are named 0 and 1."""
        return multi_hot_width(values) == len(self.names) and not self._called_by_number()

    def _called_by_number(self) -> bool:
        return any(name.lstrip("-").isdigit() for name in self.names)

    def _namer(self, feature: Any) -> "Namer":
        class_label = class_label_of(feature)
        if class_label is not None:
            return Namer(tuple(class_label.names))
        as_ids = self.stored_as_ids if feature is None else False
        return Namer(self.names if as_ids or not self._called_by_number() else None)

    def _id(self, value: Any, name_of: "Namer", ids: dict[str, int], row: int, where: str) -> int:
        name = name_of(value, row, where)
        if name not in ids and isinstance(plain(value), bool):
            # Models of earlier versions named truth values by number.
            name = str(int(value))
        if name not in ids:
            raise HfseqError(f"{where}, row {row}: label {name!r} was not seen in training, {nearest(name, ids)}")
        return ids[name]


class Namer:
    """A raw label's class name; whole numbers are ids where the names are given."""

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
            raise HfseqError(f"{where}, row {row}: {value!r} ({type(value).__name__}) is no class.")
        if self._names is None:
            return str(int(value))
        if not 0 <= value < len(self._names):
            hidden = " (-1 stands for a label that is kept secret)" if value == -1 else ""
            raise HfseqError(f"{where}, row {row}: label {value} is none of the {len(self._names)} classes{hidden}.")
        return self._names[int(value)]


def check_problem_type(problem_type: str) -> None:
    """Raises `HfseqError` for a problem type that transformers does not know."""
    if problem_type not in PROBLEM_TYPES:
        raise HfseqError(f"unknown problem_type {problem_type!r}: {nearest(problem_type, PROBLEM_TYPES)}")


def plain(value: Any) -> Any:
    """A Python value for a numpy scalar or array."""
    return value.tolist() if hasattr(value, "tolist") else value


def class_label_of(feature: Any) -> ClassLabel | None:
    """The `ClassLabel` in a feature, or in the elements of a list feature."""
    feature = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", feature)
    return feature if isinstance(feature, ClassLabel) else None


def to_number(value: Any, row: int, where: str) -> float:
    """A finite regression target, or an error that names the row."""
    value = plain(value)
    if value is None:
        raise HfseqError(f"{where}, row {row}: the target is missing. Fill it in, or drop the row.")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{where}, row {row}: {value!r} is not a number, which regression needs.") from error
    if not math.isfinite(number):
        raise HfseqError(f"{where}, row {row}: the target is {number}, which is not a finite number.")
    if abs(number) > LARGEST_TARGET:
        raise HfseqError(
            f"{where}, row {row}: the target is {number:g}, too large for the 32-bit numbers that models compute with "
            f"(at most {LARGEST_TARGET:g}). Divide the column by a constant."
        )
    return number


def elements_of(value: Any, row: int, where: str) -> list[Any]:
    """The elements of one row of a multi-label column; none where the list is missing."""
    value = plain(value)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise HfseqError(
            f"{where}, row {row}: {value!r} is not a list, which multi_label_classification needs. Write lists such "
            'as ["joy", "anger"], or say with --label_separator what separates the labels in a text.'
        )
    return list(value)
