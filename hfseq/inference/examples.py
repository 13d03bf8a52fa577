"""Examples for a saved model: from files, tables, or objects in memory, read as in training."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.data.sources.memory_tables import is_frame, table_from_columns, table_from_frame, table_from_rows
from hfseq.errors import HfseqError
from hfseq.modalities.rows import apply_limits, read_splits
from hfseq.tasks import Task
from hfseq.training.record import RunRecord

# Names of the text columns of examples that are plain texts or pairs of texts.
_TEXT, _PAIR = "text", "text_pair"
_IN_MEMORY = "the examples"
_ACCEPTED = (
    "a list of texts, dicts or NumPy arrays, a datasets.Dataset, a pandas.DataFrame, or the pathlib.Path of a file"
)


@dataclasses.dataclass(frozen=True)
class ExampleReader:
    """Reads examples as they were read in training.

    Args:
        task (`Task`): the task of the model.
        processor: the processor of the inputs.
        arguments (`DataArguments`): how examples are read.
        record (`RunRecord`, *optional*): record of the run that trained the model.
    """

    task: Task
    processor: Any
    arguments: DataArguments
    record: RunRecord | None = None

    def read(self, examples: Any, columns: Mapping[str, str | None]) -> tuple[Dataset | dict[str, list], Columns]:
        """Examples in memory, or a file, as raw columns.

        Args:
            examples: see [`Predictor.__call__`].
            columns (`dict[str, str]`): `text_column`, `text_pair_column` and `input_column`, for examples with
                columns.

        Returns:
            `tuple`: the raw examples by column, and the columns that are read.

        Raises:
            HfseqError: the examples are of a wrong type, lack a column, or one of them is damaged.
        """
        if isinstance(examples, Path):
            return self.read_path(str(examples), **columns)
        if isinstance(examples, DatasetDict):
            examples = _only_split(examples, "the DatasetDict", "give one of them")
        if is_frame(examples):
            return self.read_table(table_from_frame(examples), "the data frame", columns)
        if isinstance(examples, Dataset):
            return self.read_table(examples.with_format(None), "the Dataset", columns)
        singles = self._single_examples(examples)
        if singles and all(isinstance(one, Mapping) and not self.task.modality.is_value(one) for one in singles):
            return self.read_table(table_from_rows(singles, _IN_MEMORY), _IN_MEMORY, columns)
        if named := [name for name, value in columns.items() if value]:
            raise HfseqError(
                f"{named[0]} is for examples with columns (dicts, a Dataset or a DataFrame): leave it out"
            )
        if self.task.modality.trains_tokenizer and all(isinstance(one, str | tuple) for one in singles):
            return self._texts(singles)
        column = self._input_column()
        decoded = [isinstance(one, Mapping) and self.task.modality.is_value(one) for one in singles]
        if any(decoded) and not all(decoded):
            # Decoded examples beside paths have no common type in a table.
            return {column: singles}, Columns(column)
        table = table_from_columns({column: self._without_arrays(singles)}, _IN_MEMORY)
        role = "text_column" if self.task.modality.trains_tokenizer else "input_column"
        return self.read_table(table, _IN_MEMORY, {role: column})

    def _single_examples(self, examples: Any) -> list[Any]:
        """The examples as a list: what is not a list, a tuple or an iterator is one example."""
        if isinstance(examples, str | Mapping):
            return [examples]
        if isinstance(examples, np.ndarray) and examples.dtype.kind != "O":
            return list(self._split_array(examples))
        if not isinstance(examples, Iterable):
            raise HfseqError(f"a predictor reads {_ACCEPTED}, not {type(examples).__name__}")
        singles = list(examples)
        if singles and all(isinstance(one, int | float | np.number) for one in singles):
            raise HfseqError("a list holds several examples, but this one holds numbers: give [[1.0, 2.0, ...], ...]")
        return singles

    def _split_array(self, array: np.ndarray) -> Sequence[Any]:
        if array.dtype.kind == "U" and array.ndim == 1:
            return array.tolist()
        return self.task.modality.examples_of_array(array, self.processor)

    def _without_arrays(self, singles: list[Any]) -> list[Any]:
        found = []
        for position, one in enumerate(singles):
            if not isinstance(one, np.ndarray):
                found.append(one)
                continue
            examples = self._split_array(one)
            if len(examples) != 1:
                raise HfseqError(
                    f"{_IN_MEMORY}, row {position}: an array of shape {one.shape} holds {len(examples)} examples; "
                    "give one array per example"
                )
            found += examples
        return found

    def _texts(self, singles: list[Any]) -> tuple[dict[str, list], Columns]:
        """Texts, or pairs of texts, which need no table."""
        pairs = [isinstance(one, tuple) for one in singles]
        if not any(pairs):
            self.check_single_texts()
            return {_TEXT: singles}, Columns(_TEXT)
        for row, one in enumerate(singles):
            if not (isinstance(one, tuple) and len(one) == 2 and all(isinstance(text, str) for text in one)):
                raise HfseqError(f"{_IN_MEMORY}, row {row}: expected a pair of texts such as ('a', 'b'), not {one!r}")
        first, second = (list(texts) for texts in zip(*singles, strict=True))
        return {_TEXT: first, _PAIR: second}, Columns(_TEXT, _PAIR)

    def check_single_texts(self) -> None:
        """
        Raises:
            HfseqError: the model was trained on pairs of texts.
        """
        columns = self._trained_columns
        if len(columns) == 2 and self.task.modality.trains_tokenizer:
            raise HfseqError(
                f"this model reads pairs of texts ({' and '.join(columns)}): give pairs such as ('a', 'b'), or "
                "examples with these columns"
            )

    @property
    def _trained_columns(self) -> list[str]:
        return list(self.record.data.get("text_columns", [])) if self.record else []

    def _input_column(self) -> str:
        return next(iter(self._trained_columns), self.task.modality.column_names[0])

    def read_path(self, source: str, **columns: str | None) -> tuple[Dataset, Columns]:
        """Examples of a file or folder, and the columns that are read.

        Args:
            source (`str`): a table, or a file or folder of the kinds that the task or the modality reads.
            columns: `text_column`, `text_pair_column`, `input_column`.

        Raises:
            HfseqError: the file cannot be read, has several splits, lacks a column, or a row is damaged.
        """
        self.task.check_columns(columns)
        arguments = self._unlabelled_arguments(source, columns)
        splits = read_splits(source, arguments, self.task.modality, *self.task.readers, labelled=False)
        return self._checked(_only_split(splits, source, "name the file of one of them"), arguments, source, columns)

    def read_table(self, table: Dataset, where: str, columns: Mapping[str, str | None]) -> tuple[Dataset, Columns]:
        """Examples of a table in memory, and the columns that are read.

        Args:
            table (`datasets.Dataset`): the table.
            where (`str`): what an error calls the table.
            columns (`dict[str, str]`): `text_column`, `text_pair_column`, `input_column`.

        Raises:
            HfseqError: a column is missing, or a row is damaged.
        """
        self.task.check_columns(columns)
        apply_limits(self.arguments)
        arguments = self._unlabelled_arguments(self.arguments.dataset, columns)
        rows = self.task.modality.from_table(table, None, arguments, where, labelled=False)
        return self._checked(rows, arguments, where, columns)

    def _checked(
        self, rows: Dataset, arguments: DataArguments, where: str, columns: Mapping[str, str | None]
    ) -> tuple[Dataset, Columns]:
        rows = self.task.prepared_rows(rows, arguments, where)
        found = self.columns_of(rows.column_names, require_label=False, **columns)
        return self.task.check_rows(rows, found, where), found

    def _unlabelled_arguments(self, source: str, columns: Mapping[str, str | None]) -> DataArguments:
        """The settings for examples without a label."""
        # The name as in the table: the setting may differ from it in upper and lower case.
        label = (self.record.data.get("label_column") if self.record else None) or self.arguments.label_column
        ignored = [*(self.arguments.get("ignore_columns") or []), *([label] if label else [])]
        changes: dict[str, Any] = {
            "dataset": source,
            "dataset_config_name": None,
            "dataset_revision": None,
            "label_column": None,
            "target_column": None,
            # A label must not become a step or a channel of a series.
            "ignore_columns": list(dict.fromkeys(ignored)),
            **{role: name for role, name in columns.items() if name},
        }
        return dataclasses.replace(self.arguments, **changes)

    def arguments_for(self, column_names: list[str], **given: Any) -> DataArguments:
        """The settings for a data set: the columns that are given, else those of the training if they exist.

        Args:
            column_names (`list[str]`): columns of the data set.
            given: settings that name columns.
        """
        if self.record is not None:
            texts, label = self._trained_columns, self.record.data.get("label_column")
            known = {
                "text_column" if self.task.modality.trains_tokenizer else "input_column": texts[:1],
                "text_pair_column": texts[1:2],
                "label_column": [label] if label else [],
                "target_column": [target] if (target := self.record.data.get("target_column")) else [],
            }
            for role, names in known.items():
                if not given.get(role) and names and names[0] in column_names:
                    given[role] = names[0]
        named: dict[str, Any] = {role: name for role, name in given.items() if name}
        return dataclasses.replace(self.arguments, **named)

    def columns_of(self, column_names: list[str], require_label: bool = True, **given: str | None) -> Columns:
        """The columns of a data set that are read.

        Args:
            column_names (`list[str]`): columns of the data set.
            require_label (`bool`, *optional*, defaults to `True`): whether a missing label is an error.
            given: settings that name columns.
        """
        arguments = self.arguments_for(column_names, **given)
        if not require_label and arguments.label_column not in column_names:
            arguments = dataclasses.replace(arguments, label_column=None)
        return self.task.resolve(column_names, arguments, require_label)


def _only_split(splits: DatasetDict, where: str, advice: str) -> Dataset:
    if len(splits) > 1:
        raise HfseqError(f"{where} has the splits {', '.join(splits)}; {advice}")
    return next(iter(splits.values()))
