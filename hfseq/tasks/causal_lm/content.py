"""Interface of the content of a language model: running text, or pieces of music."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.modalities import Modality
from hfseq.tasks.task_data import TaskData


class LanguageContent(ABC):
    """Content of a language model: it defines how rows of tokens are made, and their unit in the metrics.

    Attributes:
        metric (`str`): the ranking metric, the negative log-likelihood per unit.
        ignored_in_metrics (`tuple[int, ...]`): ids of tokens that are learned, but not counted in the metrics.
        default_new_tokens (`int`): default number of tokens to generate.
    """

    metric: ClassVar[str]
    ignored_in_metrics: ClassVar[tuple[int, ...]] = ()
    default_new_tokens: ClassVar[int]

    @abstractmethod
    def load(self, arguments: DataArguments, modality: Modality) -> TaskData:
        """Loads the data, and makes missing splits."""

    @abstractmethod
    def resolve(self, column_names: list[str], arguments: DataArguments, modality: Modality) -> Columns:
        """The column to read."""

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str, modality: Modality) -> TaskData:
        """The rows of any data set as split `test`."""
        columns = self.resolve(rows.column_names, arguments, modality)
        return TaskData(
            DatasetDict({"test": modality.check(rows, columns, where)}), modality, columns, fingerprint="",
            description=where,
        )  # fmt: skip

    @abstractmethod
    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: Callable[..., Any]) -> Any:
        """The tokenizer, fitted on the training split only."""

    @abstractmethod
    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The rows of each split: see [`~hfseq.tasks.causal_lm.rows.to_rows`]."""

    @abstractmethod
    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """One row for each raw example, truncated to the length that a model reads."""

    def groups(self, encoded: Dataset, processor: Any) -> np.ndarray | None:
        """A number for each row; rows of the same number are not independent. By default all rows are independent."""
        return None

    def max_tokens(self, processor: Any, arguments: DataArguments) -> int:
        """Maximum number of tokens per row."""
        return arguments.token_limit
