"""What a language model reads: running text, or pieces of music. Each says how its rows are made and counted."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.modalities import Modality
from hfseq.tasks.task_data import TaskData


class LanguageContent(ABC):
    """One kind of content.

    Attributes:
        metric (`str`): the negative log-likelihood by unit, which decides.
        unscored (`tuple[int, ...]`): tokens that are learned, but are no part of the metrics.
        new_tokens (`int`): how many tokens are generated where nobody says.
    """

    metric: ClassVar[str]
    unscored: ClassVar[tuple[int, ...]] = ()
    new_tokens: ClassVar[int]

    @abstractmethod
    def load(self, arguments: DataArguments, modality: Modality) -> TaskData:
        """Loads the data and completes its splits."""

    @abstractmethod
    def resolve(self, column_names: list[str], arguments: DataArguments, modality: Modality) -> Columns:
        """Which column is read; nothing else is needed."""

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str, modality: Modality) -> TaskData:
        """Any data set's rows, under `test`."""
        columns = self.resolve(rows.column_names, arguments, modality)
        return TaskData(
            DatasetDict({"test": modality.check(rows, columns, where)}), modality, columns, fingerprint="",
            description=where,
        )  # fmt: skip

    @abstractmethod
    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: Callable[..., Any]) -> Any:
        """The tokenizer, fitted on the training split alone."""

    @abstractmethod
    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The rows of each split: see [`~hfseq.tasks.causal_lm.rows.to_rows`]."""

    @abstractmethod
    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """One row for each raw example, as far as a model reads it."""

    def longest(self, processor: Any, arguments: DataArguments) -> int:
        """The most tokens in a row."""
        return arguments.token_limit
