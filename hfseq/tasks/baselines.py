"""Interface of baselines: simple methods that a comparison shows beside its models.

A task defines its baselines in the module or package `baselines` of its folder. A plug-in registers its own:

```py
from hfseq.registry import register_baseline
from hfseq.tasks.baselines import Baseline


@register_baseline
class Coin(Baseline):
    name = "coin"
    ...
```
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.padding import LABEL_FILL
from hfseq.data.labels.columns import Columns
from hfseq.tasks.base import LABELS, Task
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData


@dataclass(frozen=True)
class BaselineData:
    """The data of a baseline: that of the models, raw and encoded.

    Attributes:
        task (`Task`): the task.
        data (`TaskData`): the raw splits.
        encoded (`datasets.DatasetDict`): the encoded splits, with `labels`.
        processor: the processor of the first model of the comparison, which encoded them.
        arguments (`DataArguments`): the settings of the data.
        seed (`int`, *optional*, defaults to 0): the seed.
    """

    task: Task
    data: TaskData
    encoded: DatasetDict
    processor: Any
    arguments: DataArguments
    seed: int = 0

    def rows(self, split: str) -> dict[str, list]:
        """The raw inputs of a split, by column."""
        return rows_of(self.data.splits[split], self.data.columns)

    def labels(self, split: str) -> np.ndarray:
        """The labels of a split in the form of an evaluation. Rows of several labels are padded with -100."""
        return padded(self.encoded[split][LABELS][:])


@dataclass(frozen=True)
class Outputs:
    """The outputs of a baseline for a split, in the format of the evaluation of its task.

    Attributes:
        predictions, labels (`np.ndarray` or `tuple`): as for [`Task.compute_metrics`].
        generated (`np.ndarray` of shape `(examples, length)`, *optional*): for a task that generates text, the tokens,
            padded with -100. Only the metrics of the generated texts are computed then.
    """

    predictions: Any
    labels: Any
    generated: np.ndarray | None = None


class Baseline(ABC):
    """A simple method that a comparison shows beside its models. Register a subclass with [`register_baseline`].

    An instance is saved after [`fit`] with `joblib`, so its attributes must be picklable. What is not needed for
    predictions must not be kept.

    Attributes:
        name (`str`): name of the row in the table.
        deterministic (`bool`): whether all seeds give the same predictions. Then one seed is run.
        trivial (`bool`): whether a model that is not better than this has learned nothing useful.
        uses_tokens (`bool`): whether the result depends on the tokenizer of the first model.
    """

    name: ClassVar[str]
    deterministic: ClassVar[bool] = True
    trivial: ClassVar[bool] = False
    uses_tokens: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Whether this is a baseline for a task and its data."""

    @property
    @abstractmethod
    def description(self) -> str:
        """A sentence that says what the baseline does."""

    @abstractmethod
    def fit(self, data: BaselineData) -> None:
        """Fits the baseline to the training split. The validation split may choose settings.

        Raises:
            HfseqError: the data is not suitable.
        """

    @abstractmethod
    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The outputs for a split. The order of the examples is that of the encoded split."""

    @abstractmethod
    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """Predictions for raw examples, as [`Predictor.predict_rows`] makes them."""

    @property
    @abstractmethod
    def num_parameters(self) -> int:
        """Number of fitted numbers."""

    def chosen(self) -> dict[str, Any]:
        """Settings that the validation split has chosen, by name."""
        return {}


def rows_of(rows: Dataset, columns: Columns) -> dict[str, list]:
    """The raw inputs of examples, by column."""
    return {name: list(values) for name, values in rows.select_columns(columns.texts)[:].items()}


def padded(rows: Sequence[Any]) -> np.ndarray:
    """Numbers as an array. Lists of different lengths are padded on the right with -100."""
    if not len(rows) or not isinstance(rows[0], list | np.ndarray):
        return np.asarray(rows)
    length = max(map(len, rows))
    found = np.full((len(rows), length), LABEL_FILL, dtype=np.asarray(rows[0]).dtype if length else np.int64)
    for row, values in enumerate(rows):
        found[row, : len(values)] = values
    return found
